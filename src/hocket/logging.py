"""Log lines: one a happening, `key=value` pairs after the sentence, and the ids of the stream that it belongs to.

No line holds a token, a key or an ICE password (T20): what is logged are ids, identifiers of errors and our own
sentences. uvicorn's own debug lines show request headers, tokens among them, so they are never let through.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from hocket.config import LogLevel
from hocket.output import LogWriter

_ids: ContextVar[tuple[tuple[str, object], ...]] = ContextVar("hocket_log_ids", default=())

_COLOURS = {"DEBUG": "\x1b[2m", "INFO": "\x1b[36m", "WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_PLAIN = "\x1b[0m"


_QUIET_SECONDS: Final = 60.0
"""For so long an error that comes again is only counted: what fails once fails a thousand times a minute as easily."""

_KINDS: Final = 64
"""Most kinds of errors that are remembered; then the one that was told longest ago is forgotten, and told anew."""


@contextmanager
def ids(**more: object) -> Iterator[None]:
    """Adds ids to every line that this task logs in the `with` block."""
    token = _ids.set((*_ids.get(), *more.items()))
    try:
        yield
    finally:
        _ids.reset(token)


@dataclass(slots=True)
class _Kind:
    """An error that was told: when (monotonic seconds), and how often it came since."""

    told: float
    unsaid: int = 0


class Sparing:
    """Logs an error that can repeat: the first of a kind at once, and then how often it came, once a minute at most.

    A kind is a sentence, and of an exception its type and the line that raised it. The count goes with the next of the
    kind after the minute, so that nothing has to wake up for it.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing told yet. One object for each server: another server's errors are news."""
        self._logger = logger
        self._clock = clock
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    def exception(self, sentence: str, *args: object) -> None:
        """Logs the exception that is being handled, with its trace; `sentence % args` says what failed."""
        self.failure(sys.exc_info()[1], sentence, *args)

    def failure(self, error: BaseException | None, sentence: str, *args: object) -> None:
        """Logs an exception, likewise."""
        kind = None if error is None else (type(error), _raised_at(error.__traceback__))
        self._tell(logging.ERROR, (sentence, args, kind), sentence, args, error)

    def error(self, sentence: str, *args: object, kind: Hashable = None) -> None:
        """Logs an error without a trace; `kind` is what makes it differ from others of the same sentence."""
        self._tell(logging.ERROR, (sentence, kind), sentence, args, None)

    def warning(self, sentence: str, *args: object, kind: Hashable = None) -> None:
        """Logs a warning, likewise."""
        self._tell(logging.WARNING, (sentence, kind), sentence, args, None)

    def _tell(
        self, level: int, key: Hashable, sentence: str, args: tuple[object, ...], error: BaseException | None
    ) -> None:
        now = self._clock()
        known = self._kinds.get(key)
        if known is not None and now - known.told < _QUIET_SECONDS:
            known.unsaid += 1
            return
        if known is not None and known.unsaid:
            sentence, args = f"{sentence} (and %d times more since it was told last)", (*args, known.unsaid)
        self._kinds[key] = _Kind(now)
        self._kinds.move_to_end(key)
        if len(self._kinds) > _KINDS:
            self._kinds.popitem(last=False)
        self._logger.log(level, sentence, *args, exc_info=error)


def _raised_at(trace: TracebackType | None) -> tuple[str, int] | None:
    """File and line of the innermost frame."""
    if trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename, trace.tb_lineno


class Formatter(logging.Formatter):
    """`12:00:01 INFO  hocket.voice: sentence key=value`."""

    def __init__(self, *, colours: bool) -> None:
        """`colours`: for a terminal."""
        super().__init__(datefmt="%Y-%m-%d %H:%M:%S")
        self._colours = colours
        self._second: tuple[int, str] = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the trace below it if there is one."""
        level = f"{record.levelname:<7}"
        if self._colours:
            level = f"{_COLOURS.get(record.levelname, '')}{level}{_PLAIN}"
        pairs = "".join(f" {name}={value}" for name, value in _ids.get())
        line = f"{self._time(record)} {level} {record.name}: {record.getMessage()}{pairs}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return line

    def _time(self, record: logging.LogRecord) -> str:
        """Of the many lines of one second the first asks for the local time."""
        second = int(record.created)
        if second != self._second[0]:
            self._second = (second, self.formatTime(record, self.datefmt))
        return self._second[1]


def configure(level: LogLevel) -> None:
    """Sends the log lines of Hocket, and the warnings of everybody else, to stderr. Colours only on a terminal."""
    # Who logs is not shown, so nobody looks for it: three lines a join, a system call each, and a walk up the stack.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # by the manual's chapter "Optimization" of its how-to
    handler = LogWriter(descriptor=2)
    handler.setFormatter(Formatter(colours=sys.stderr.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("hocket").setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).setLevel(logging.ERROR)  # a warning for every stranger's nonsense is noise
