"""What is logged when an error repeats, when nobody takes the lines any more, and how lines are written."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from hocket.logging import Formatter, Sparing
from hocket.output import LogWriter
from tests.clock import Clock

LOGGER = logging.getLogger("hocket.test")


def fail(message: str) -> None:
    raise RuntimeError(message)


def fail_elsewhere() -> None:
    raise RuntimeError("elsewhere")


def log_failure(sparing: Sparing, message: str = "no") -> None:
    try:
        fail(message)
    except RuntimeError:
        sparing.exception("%s failed", "it")


def test_the_first_of_a_kind_is_logged_with_its_trace_and_a_thousand_more_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sparing = Sparing(LOGGER, Clock())
    for number in range(1_000):
        log_failure(sparing, f"user {number}")
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "it failed")
    assert "RuntimeError: user 0" in caplog.text
    assert "in fail" in caplog.text


def test_after_a_minute_the_next_one_says_how_often_it_came_meanwhile(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    sparing = Sparing(LOGGER, clock)
    for _ in range(8):
        log_failure(sparing)
    clock.now += 59.9
    log_failure(sparing)
    assert len(caplog.records) == 1
    clock.now += 0.2
    log_failure(sparing)
    assert caplog.messages[1:] == ["it failed (and 8 times more since it was told last)"]
    clock.now += 61
    log_failure(sparing)
    assert caplog.messages[2:] == ["it failed"]


def test_other_kinds_are_news(caplog: pytest.LogCaptureFixture) -> None:
    sparing = Sparing(LOGGER, Clock())
    log_failure(sparing)
    try:
        fail_elsewhere()
    except RuntimeError:
        sparing.exception("%s failed", "it")
    sparing.error("thread %d failed", 1, kind=1)
    sparing.error("thread %d failed", 2, kind=2)
    sparing.error("thread %d failed", 2, kind=2)
    sparing.warning("nearly full")
    assert caplog.messages == ["it failed", "it failed", "thread 1 failed", "thread 2 failed", "nearly full"]


def test_what_is_remembered_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    sparing = Sparing(LOGGER, Clock())
    for kind in range(10_000):
        sparing.error("an error", kind=kind)
    assert len(caplog.records) == 10_000
    assert len(sparing._kinds) == 64


def test_lines_are_written_each_twentieth_of_a_second_and_not_one_by_one() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps writes apart
    handler = LogWriter(theirs.fileno())
    handler.setFormatter(Formatter(colours=False))
    logger = logging.Logger("hocket.test")
    logger.addHandler(handler)
    with ours, theirs:
        began = time.monotonic()
        for number in range(100):
            logger.warning("line %d", number)
            time.sleep(0.001)  # the thread has its chance to write each by itself
        spans = (time.monotonic() - began) / 0.05
        handler.close()
        theirs.close()
        writes = list(iter(lambda: ours.recv(65_536), b""))
    lines = b"".join(writes).decode().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [f"line {number}" for number in range(100)]
    assert len(writes) <= spans + 2
