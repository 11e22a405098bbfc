"""Log lines: one a happening, `key=value` pairs after the sentence, and the ids of the stream that it belongs to.

No line holds a token, a key or an ICE password (T20): what is logged are ids, identifiers of errors and our own
sentences. uvicorn's own debug lines show request headers, tokens among them, so they are never let through.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from hocket.config import LogLevel

_ids: ContextVar[tuple[tuple[str, object], ...]] = ContextVar("hocket_log_ids", default=())

_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[36m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_PLAIN = "\x1b[0m"


@contextmanager
def ids(**more: object) -> Iterator[None]:
    """Adds ids to every line that this task logs in the `with` block."""
    token = _ids.set((*_ids.get(), *more.items()))
    try:
        yield
    finally:
        _ids.reset(token)


class Formatter(logging.Formatter):
    """`12:00:01 INFO  hocket.voice: sentence key=value`."""

    def __init__(self, *, colours: bool) -> None:
        """`colours`: for a terminal."""
        super().__init__(datefmt="%Y-%m-%d %H:%M:%S")
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the trace below it if there is one."""
        level = f"{record.levelname:<7}"
        if self._colours:
            level = f"{_COLOURS.get(record.levelname, '')}{level}{_PLAIN}"
        pairs = "".join(f" {name}={value}" for name, value in _ids.get())
        line = f"{self.formatTime(record, self.datefmt)} {level} {record.name}: {record.getMessage()}{pairs}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line


def configure(level: LogLevel, stream: TextIO = sys.stderr) -> None:
    """Sends the log lines of Hocket, and the warnings of everybody else, to `stream`. Colours only on a terminal."""
    # Who logs is not shown, so nobody looks for it: three lines a join, a system call each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Formatter(colours=stream.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("hocket").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).setLevel(logging.ERROR)  # a warning for every stranger's nonsense is noise
