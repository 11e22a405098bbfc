"""How long a user's credentials hold: the wait for their end, by the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hocket.auth import wall_clock

LOOK_SECONDS = 30.0
"""Longest time between two looks at the clock. It may be set, and a machine that slept wakes up to another time, while
the event loop's own clock, which timers follow, knows nothing of it."""


def has_expired(expires_at: float | None, now: float) -> bool:
    """Whether credentials have ended. `now` is the wall clock in seconds since 1970; an end of None is never."""
    return expires_at is not None and not now < expires_at


async def expiry(
    expires_at: float,
    *,
    clock: Callable[[], float] = wall_clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Returns once the wall clock has reached a time, LOOK_SECONDS late at most when the clock was set forward."""
    while not has_expired(expires_at, now := clock()):
        await sleep(min(expires_at - now, LOOK_SECONDS))
