"""The table of faults leads somewhere: each fault has a test, and each test of this folder stands in it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.test_rules import missing

FOLDER = Path(__file__).parent
TABLE = FOLDER.parents[1] / "docs/design/faults.md"


def rows() -> list[list[str]]:
    """The cells of each fault's row."""
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| **")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def named(cell: str) -> list[str]:
    return re.findall(r"`([^`]+::[^`]+)`", cell)


def test_every_fault_says_who_notices_what_is_logged_what_recovers_and_which_test_shows_it() -> None:
    assert len(rows()) > 10
    for row in rows():
        assert len(row) == 5, row
        assert all(row), row
        assert named(row[4]), row
        assert [test for test in named(row[4]) if missing(test)] == []


def test_every_test_of_a_fault_stands_in_the_table() -> None:
    in_table = {test for row in rows() for test in named(row[4])}
    here = {
        f"faults/{file.name}::{name}"
        for file in FOLDER.glob("test_*.py")
        if file != Path(__file__)
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text(), re.MULTILINE)
    }
    assert here - in_table == set()
