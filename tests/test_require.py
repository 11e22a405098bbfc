"""`tools/require.sh`: what is missing is said in one line before anything is built."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDED = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["rust-version"]


def said(tmp_path: Path, rustc: str) -> tuple[int, str]:
    """Runs the script with a `rustc` that prints this line; gives the exit code and what it says of Rust."""
    compiler = tmp_path / "rustc"
    compiler.write_text(f"#!/bin/sh\necho '{rustc}'\n")
    compiler.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = ROOT / "tools" / "require.sh"
    ended = subprocess.run([script, sys.executable], env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, "".join(line for line in ended.stderr.splitlines() if "Rust" in line)


@pytest.mark.parametrize("version", ["1.9.0", "1.88.9", "1.70.0-nightly"])
def test_a_rust_that_is_too_old_is_named_with_the_one_that_is_needed(tmp_path: Path, version: str) -> None:
    code, sentence = said(tmp_path, f"rustc {version} (abc 2024-01-01)")
    assert code == 1
    assert sentence == (
        f"hocket: Rust {NEEDED} or newer is needed to build the media core; this one is {version}. Run: rustup update"
    )


@pytest.mark.parametrize("version", [f"{NEEDED}.0", "1.100.0", "2.0.0"])
def test_a_rust_that_is_new_enough_is_not_mentioned(tmp_path: Path, version: str) -> None:
    assert said(tmp_path, f"rustc {version} (abc 2024-01-01)") == (0, "")


def test_a_rust_that_does_not_answer_is_missing(tmp_path: Path) -> None:
    code, sentence = said(tmp_path, "")
    assert code == 1
    assert "rustup.rs" in sentence


def test_the_readme_names_the_version_that_cargo_toml_asks_for() -> None:
    assert f"Rust ≥ {NEEDED}" in (ROOT / "README.md").read_text()
