"""Asking one of the app's functions, whatever it does: in bounded time, and without being ended by it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from hocket.errors import Unavailable

_RETRY = 5
"""Seconds after which a client may try again."""

_Answer = TypeVar("_Answer")


async def ask(answer: Awaitable[_Answer], *, seconds: float, late: str) -> _Answer:
    """Waits for the answer of an app's function. What the function raises is raised.

    A function that is cancelled from within (it waited for a task that somebody else ended) has failed; were its
    CancelledError passed on, it would end our task, which nobody wanted to end.

    Raises:
        Unavailable: with the sentence `late`, as there was no answer in so many seconds.
        RuntimeError: the function was cancelled, and we were not.
    """
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise Unavailable(late, retry_after=_RETRY) from None
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("the app's function was cancelled from within") from error
