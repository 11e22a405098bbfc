"""SECURITY.md names, for each of the 22 classes of attack, tests that exist; and every test of a class stands in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLASSES = [f"T{number}" for number in range(1, 23)]
NAMED = re.compile(r"`((?:tests|crates)/[\w/.-]+)(?:::([\w*]+))?`")
RUST = re.compile(r"fn t(\d+)_\w+\(")


def rows() -> dict[str, str]:
    """What holds each class: the last cell of its row."""
    lines = (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| T\d+ ", line)]
    return {row[0]: row[-1] for row in cells}


def exists(file: str, name: str) -> bool:
    """Whether a test file has a test of this name, of which `*` leaves the end open; an empty one is any."""
    path = ROOT / file
    if not path.is_file():
        return False
    pattern = re.escape(name).replace(r"\*", r"\w*") if name else r"\w+"
    return re.search(rf"\b(def|fn) {pattern}\(", path.read_text(encoding="utf-8")) is not None


def test_every_class_has_a_row() -> None:
    assert list(rows()) == CLASSES


@pytest.mark.parametrize("attack", CLASSES)
def test_every_class_names_tests_that_exist(attack: str) -> None:
    named = NAMED.findall(rows()[attack])
    assert named
    assert [f"{file}::{name}" for file, name in named if not exists(file, name)] == []


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tests" / "attacks").glob("test_t[0-9]*.py")), ids=lambda file: file.name
)
def test_every_file_of_a_class_stands_in_its_row(file: Path) -> None:
    number = int(file.name.removeprefix("test_t").partition("_")[0])
    assert f"tests/attacks/{file.name}" in rows()[f"T{number}"]


def test_every_rust_test_of_a_class_stands_in_its_row() -> None:
    held_by, outside = rows(), []
    for file in sorted(ROOT.glob("crates/*/*/**/*.rs")):
        path = file.relative_to(ROOT).as_posix()
        numbers = {int(number) for number in RUST.findall(file.read_text(encoding="utf-8"))}
        outside += [f"T{number}: {path}" for number in sorted(numbers) if path not in held_by[f"T{number}"]]
    assert outside == []


def test_a_test_that_does_not_exist_is_missed() -> None:
    assert exists("tests/test_security.py", "test_every_class_*")
    assert not exists("tests/test_security.py", "test_every_class")
    assert not exists("tests/test_nothing.py", "")
