"""What every test is watched for: no secret in anything that a server says (T20)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.secrecy import Listener, secrecy


@pytest.fixture(autouse=True)
def t20_no_secret_is_said() -> Iterator[None]:
    """Listens at the level of debugging; what pytest keeps for a test is still what `log_level` says."""
    listener = Listener(secrecy)
    root, ours = logging.getLogger(), logging.getLogger("hocket")
    before = ours.level
    root.addHandler(listener)
    ours.setLevel(logging.DEBUG)
    yield
    ours.setLevel(before)
    root.removeHandler(listener)
    assert secrecy.leaks() == []
