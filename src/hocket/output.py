"""What a server says on stdout and stderr. It outlives who reads them: a pipe may close or stand still, a disk fill.

People talk on all the same. So lines of the log are written by a thread of their own, which may wait as long as it
likes, and what cannot be written is counted and told later.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

_WAITING: Final = 1_000
"""Most lines that wait to be written; those that find no room are lost."""

_GATHER_SECONDS: Final = 0.05
"""So long lines gather: a thread that is woken for each takes the interpreter from the event loop each time."""

_END_SECONDS: Final = 0.5
"""Time for the last lines when the process ends."""


def hold() -> None:
    """Opens stdin, stdout and stderr on the null device if they are closed: else a socket would get their number, and
    what anything prints would go to a client."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - likewise


def say_all(lines: Iterable[str], say: Callable[[str], None]) -> None:
    """Says lines to whoever reads stdout; that nobody does is no reason to stop."""
    try:
        for line in lines:
            say(line)
        sys.stdout.flush()
    except OSError:
        # What is left in the buffer goes nowhere; Python would fail on it once more at its end.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)


class LogWriter(logging.Handler):
    """Writes log lines to a descriptor, and never keeps waiting who logs them."""

    def __init__(self, descriptor: int) -> None:
        """Starts the thread; `close`, which `logging` calls at the process's end, ends it."""
        super().__init__()
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._come = threading.Event()
        self._ending = threading.Event()
        self._lost = 0
        self._counting = threading.Lock()
        self._thread = threading.Thread(target=self._write_all, name="hocket-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hands a line to the thread."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if len(self._lines) < _WAITING:
            self._lines.append(line)
        else:
            self._count_lost(1)
        if not self._come.is_set():
            self._come.set()

    def close(self) -> None:
        """Waits for the last lines, not for ever."""
        self._ending.set()
        self._come.set()
        self._thread.join(_END_SECONDS)
        super().close()

    def _write_all(self) -> None:
        while self._lines or not self._ending.is_set():
            self._come.wait()
            self._ending.wait(_GATHER_SECONDS)
            self._come.clear()
            self._write_flock([self._lines.popleft() for _ in range(len(self._lines))])

    def _write_flock(self, lines: list[str]) -> None:
        if not lines:
            return
        left = [f"{line}\n".encode(errors="backslashreplace") for line in lines]
        lost = self._count_lost(-self._lost)
        left[0] = self._of_lost(lost).encode() + left[0]
        try:
            self._write(left)
        except OSError:  # nobody reads any more, or the disk is full; what is lost is told when there is room again
            self._count_lost(len(left) + (lost if len(left) == len(lines) else 0))

    def _write(self, lines: list[bytes]) -> None:
        """Takes off what is written; waits for a reader that stands still."""
        while lines:
            written = os.write(self._descriptor, b"".join(lines))
            while lines and written >= len(lines[0]):
                written -= len(lines.pop(0))
            if lines:
                lines[0] = lines[0][written:]

    def _of_lost(self, lines: int) -> str:
        """A line of the log about lines that were lost, or nothing."""
        if not lines:
            return ""
        values = {"name": "hocket.log", "levelname": "WARNING", "msg": f"{lines} lines before this one were lost"}
        return f"{self.format(logging.makeLogRecord(values))}\n"

    def _count_lost(self, lines: int) -> int:
        """Adds to the count, from whichever thread; gives what was added or, of a negative number, taken away."""
        with self._counting:
            self._lost += lines
        return abs(lines)
