"""What Hocket depends on is pinned, and comes from where it should (T22). `make audit` asks those who know of holes."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ["Cargo.lock", "fuzz/Cargo.lock"]
MANIFESTS = [
    "Cargo.toml",
    "fuzz/Cargo.toml",
    *(str(path.relative_to(ROOT)) for path in ROOT.glob("crates/*/Cargo.toml")),
]
# Whoever holds keys must be kept up to date: aws-lc-rs does, and RustCrypto's AES-CM with HMAC-SHA1 beside it.
OTHER_CIPHERS = {"openssl", "openssl-sys", "ring", "boring", "boring-sys", "mbedtls", "libsodium-sys", "wolfssl-sys"}


def toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text())


def crates(lock: str) -> list[dict[str, Any]]:
    packages: list[dict[str, Any]] = toml(lock)["package"]
    return packages


@pytest.mark.parametrize("name", ["runtime.txt", "build.txt", "test.txt"])
def test_t22_every_python_package_is_pinned(name: str) -> None:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    for line in lines:
        assert re.fullmatch(r"#.*|-r (runtime|build)\.txt|[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*(; .*)?", line), line


@pytest.mark.parametrize("path", MANIFESTS)
def test_t22_every_crate_that_we_ask_for_is_pinned(path: str) -> None:
    manifest = toml(path)
    tables = [manifest.get("workspace", {}).get("dependencies", {})]
    for kind in ("dependencies", "dev-dependencies", "build-dependencies"):
        tables.append(manifest.get(kind, {}))
        tables += [table.get(kind, {}) for table in manifest.get("target", {}).values()]
    for name, wanted in (item for table in tables for item in table.items()):
        if isinstance(wanted, dict) and ("path" in wanted or wanted.get("workspace")):
            continue
        version = wanted if isinstance(wanted, str) else wanted["version"]
        assert version.startswith("="), f"{path}: {name} = {version}"
        assert not isinstance(wanted, dict) or not {"git", "registry"} & wanted.keys(), f"{path}: {name}"


@pytest.mark.parametrize("lock", LOCKS)
def test_t22_every_crate_comes_from_the_registry_with_a_checksum(lock: str) -> None:
    foreign = [crate for crate in crates(lock) if not crate["name"].startswith("hocket-")]
    assert len(foreign) > 50
    assert len({crate["source"] for crate in foreign}) == 1, "one registry"
    for crate in foreign:
        assert crate["source"].startswith("registry+https://"), crate["name"]
        assert re.fullmatch(r"[0-9a-f]{64}", crate["checksum"]), crate["name"]


@pytest.mark.parametrize("lock", LOCKS)
def test_t22_there_is_one_library_of_ciphers(lock: str) -> None:
    names = {crate["name"] for crate in crates(lock)}
    assert "aws-lc-rs" in names
    assert not names & OTHER_CIPHERS


def test_t22_what_is_fuzzed_is_what_is_shipped() -> None:
    shipped: dict[str, set[str]] = {}
    for crate in crates("Cargo.lock"):
        shipped.setdefault(crate["name"], set()).add(crate["version"])
    for crate in crates("fuzz/Cargo.lock"):
        assert crate["version"] in shipped.get(crate["name"], {crate["version"]}), crate["name"]


def test_t22_every_package_of_the_page_is_locked_with_a_hash() -> None:
    asked = json.loads((ROOT / "web/package.json").read_text())
    for name, version in {**asked.get("dependencies", {}), **asked.get("devDependencies", {})}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?", version), f"{name} = {version}"
    locked = json.loads((ROOT / "web/package-lock.json").read_text())["packages"]
    for place, package in locked.items():
        assert place == "" or package["integrity"].startswith("sha512-"), place
        assert "resolved" not in package, f"{place} names a registry"
