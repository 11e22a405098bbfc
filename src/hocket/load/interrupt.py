"""Ctrl-C in the middle of a run: the run ends, and what it has found so far is told."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells count."""


async def until_interrupted(work: Coroutine[object, object, None]) -> bool:
    """Does the work; Ctrl-C cancels it. Tells whether that happened."""
    interrupted = False
    task = asyncio.current_task()
    assert task is not None

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        await work
    except asyncio.CancelledError:
        if not interrupted:
            raise
        task.uncancel()
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return interrupted
