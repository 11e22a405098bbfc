"""T22: dependencies. Whatever is installed was chosen: each is pinned, with a checksum where there is one to be had."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^\s*]+( *;.+)?")


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.name)
def test_t22_every_python_package_is_pinned_to_one_version(file: Path) -> None:
    lines = [line.split(" #")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-r "))]
    assert wanted
    assert [line for line in wanted if not PINNED.fullmatch(line)] == []


@pytest.mark.parametrize("folder", [".", "fuzz"])
def test_t22_every_crate_of_others_has_a_version_and_a_checksum(folder: str) -> None:
    packages = tomllib.loads((ROOT / folder / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    others = [package for package in packages if "source" in package]
    assert others
    assert [package["name"] for package in others if not package["source"].startswith("registry+")] == []
    assert [package["name"] for package in others if len(package.get("checksum", "")) != 64] == []


def test_t22_every_package_of_the_page_has_a_version_and_a_checksum() -> None:
    packages = json.loads((ROOT / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    others = {name: package for name, package in packages.items() if name}
    assert others
    assert [name for name, package in others.items() if not package.get("version")] == []
    assert [name for name, package in others.items() if not package.get("integrity", "").startswith("sha512-")] == []
