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


class Speaker(Listener, Protocol):
    """A page of someone who speaks, and can tell all that arrives and sounds in it, whoever is in the channel."""

    async def sounding(self) -> set[int]:
        """Frequencies in Hz of all that sounds."""

    async def streams(self) -> dict[str, int]:
        """RTP packets of every stream received so far."""

    async def sent(self) -> int:
        """RTP packets sent so far."""


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


async def nothing_comes_of(speaker: Speaker, gone: int, stay: dict[int, int], count: int = 50) -> None:
    """Proves over `count` packets of the speaker's own, 20 ms each, that whoever left is silent in their page.

    The roster takes no part in it: of all streams that the page receives none grows but those of who stays, and of all
    that sounds in it, played or not, nothing has the tone of who is gone.

    Args:
        speaker: whose page it is.
        gone: the tone of who left, in Hz.
        stay: who else is in the channel: user id → frequency in Hz.
        count: how long it must hold.
    """
    await until(speaker.sounding, lambda tones: tones == set(stay.values()))
    start, before = await speaker.sent(), await speaker.streams()

    async def look() -> int:
        assert gone not in await speaker.sounding()
        return await speaker.sent()

    await until(look, lambda sent: sent >= start + count)
    after = await speaker.streams()
    growing = [stream for stream, packets in after.items() if packets > before.get(stream, 0)]
    assert len(growing) == len(stay), f"{before} became {after}"
