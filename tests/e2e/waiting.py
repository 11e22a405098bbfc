"""Waiting for conditions: no test sleeps and hopes, it waits for what must become true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 20.0
"""How long anything may take on a busy machine with two cores. Nothing here measures speed."""

T = TypeVar("T")


class Listener(Protocol):
    """Anyone who can tell whom they hear, whatever client they use."""

    async def heard(self) -> dict[int, int]:
        """User id → frequency in Hz, of those who sound now."""

    async def packets(self) -> dict[int, int]:
        """User id → RTP packets received so far."""


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], seconds: float = PATIENCE_SECONDS) -> T:
    """Looks again and again until it is as wanted, and gives what was seen then.

    Raises:
        AssertionError: it did not become so in time; the message holds what was seen last.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = await look()
        if wanted(seen):
            return seen
        assert time.monotonic() < deadline, f"not so after {seconds} s; last seen: {seen!r}"
        await asyncio.sleep(POLL_SECONDS)


async def until_heard(listener: Listener, expected: dict[int, int], seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until a listener hears exactly these people, each with their own tone."""
    await until(listener.heard, lambda heard: heard == expected, seconds)


async def until_true(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Waits until a plain condition holds."""

    async def look() -> bool:
        return condition()

    await until(look, bool, seconds)


async def more_packets(listener: Listener, user: int, count: int) -> None:
    """Waits until `count` more packets of a user came: a stretch of time that does not depend on the machine's load."""
    start = (await listener.packets()).get(user, 0)
    await until(listener.packets, lambda packets: packets.get(user, 0) >= start + count)
