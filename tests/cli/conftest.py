"""What the commands do to the process that runs them is taken back after each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """`hocket serve` writes the log to stderr itself, past pytest, in every test that comes after."""
    root, ours = logging.getLogger(), logging.getLogger("hocket")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
