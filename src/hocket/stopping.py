"""The signals of `hocket serve`: SIGINT stops it, SIGTERM lets people leave first, another ends it at once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator


class Stop:
    """What the signals have asked for.

    Attributes:
        asked: set by the first SIGINT or SIGTERM.
        gently: it was SIGTERM, which a supervisor sends when it does not need the place at once.
    """

    def __init__(self) -> None:
        """Nothing was asked for."""
        self.asked = asyncio.Event()
        self.gently = False

    def hear(self, number: signal.Signals) -> None:
        """Takes a signal. The second ends the process on the spot, with 128 + number, as shells count."""
        if self.asked.is_set():
            os._exit(128 + number)
        self.gently = number == signal.SIGTERM
        self.asked.set()


@contextlib.contextmanager
def signals(reload: Callable[[], None] | None) -> Iterator[Stop]:
    """Listens to signals as long as the `with` block lasts.

    Args:
        reload: called for SIGHUP; None leaves that signal what it is, the end of a program whose terminal is closed.
    """
    stop = Stop()
    handlers: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGINT: lambda: stop.hear(signal.SIGINT),
        signal.SIGTERM: lambda: stop.hear(signal.SIGTERM),
    }
    if reload is not None and hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = reload
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield stop
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
