"""The table of rules leads somewhere: each rule has a test, and each test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conformance.rules import CLIENTS, DECIDED, EXTENSION, HRPC, JSON, NUMBERS, RULES, Rule

ROOT = Path(__file__).parents[2]


def missing(test: str) -> bool:
    """Whether a test that the table names is not there: `file::name`, Python's below `tests`, Rust's below the root."""
    file, _, name = test.partition("::")
    path = ROOT / file if file.endswith(".rs") else ROOT / "tests" / file
    word = "fn" if file.endswith(".rs") else "def"
    return not path.is_file() or re.search(rf"^(?:async )?{word} {name}\(", path.read_text(), re.MULTILINE) is None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)
def test_every_rule_has_a_test_and_every_test_is_there(rule: Rule) -> None:
    assert rule.tests
    assert [test for test in rule.tests if missing(test)] == []


def test_a_test_that_is_gone_is_noticed() -> None:
    assert missing("conformance/test_rules.py::test_of_yesterday")
    assert missing("conformance/test_yesterday.py::test_a_test_that_is_gone_is_noticed")
    assert missing("crates/media/tests/handshake.rs::yesterday")


def test_no_rule_stands_twice_and_no_section_is_empty() -> None:
    assert len({rule.rule for rule in RULES}) == len(RULES)
    assert {rule.section for rule in RULES} == {NUMBERS, HRPC, JSON, CLIENTS, DECIDED, EXTENSION}


def test_every_test_of_this_folder_is_in_the_table() -> None:
    found = re.findall(r"^async def (test_\w+)\(", (ROOT / "tests/conformance/test_wire.py").read_text(), re.MULTILINE)
    named = {test.partition("::")[2] for rule in RULES for test in rule.tests}
    assert set(found) - named == set()
