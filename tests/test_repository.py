"""Rules about the repository itself: what must never be committed, and what a wheel must hold."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REGISTRY_HOSTS = r"(pypi|pythonhosted|npmjs|crates\.io|static\.crates|proxy\.golang|deb\.debian)"
REGISTRY = re.compile(rf"https?://[a-z0-9.-]*{REGISTRY_HOSTS}", re.IGNORECASE)
BUILT = re.compile(r"(\.so|\.whl|\.wasm)$|(^|/)(node_modules|target|dist)/|^src/hocket/web/")


def tracked() -> list[Path]:
    """Every file that git tracks, relative to the root."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [Path(name) for name in listing.stdout.split("\0") if name]


def text_of(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def test_no_tracked_file_names_a_registry() -> None:
    """Cargo.lock's source lines name the registry by design; nothing else may."""
    guilty = [str(path) for path in tracked() if path.name != "Cargo.lock" and REGISTRY.search(text_of(path))]
    assert guilty == []


def test_no_tracked_file_names_a_path_of_this_machine() -> None:
    guilty = [str(path) for path in tracked() if f"{ROOT}/" in text_of(path)]
    assert guilty == []


def test_nothing_built_is_tracked() -> None:
    assert [str(path) for path in tracked() if BUILT.search(path.as_posix())] == []


def test_every_relative_link_in_the_documents_leads_somewhere() -> None:
    broken = []
    for page in (path for path in tracked() if path.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(page)):
            if "://" not in target and not (ROOT / page.parent / target).exists():
                broken.append(f"{page}: {target}")
    assert broken == []


@pytest.mark.timeout(600)
def test_a_wheel_holds_the_page_the_stub_and_the_native_module(tmp_path: Path) -> None:
    """Git ignores the built page, so maturin would leave it out unless told otherwise."""
    maturin = str(Path(sys.executable).with_name("maturin"))
    build = [maturin, "build", "--release", "--locked", "--quiet", "--out", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"hocket/web/index.html", "hocket/_media.pyi", "hocket/_media.abi3.so", "hocket/py.typed"} <= names
    assert any(re.fullmatch(r"hocket/web/assets/.+\.js", name) for name in names)
