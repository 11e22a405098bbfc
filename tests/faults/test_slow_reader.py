"""Somebody does not read what the server says, while 200 people join and leave: what is kept for them is bounded."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import statistics
import time
from collections import Counter

import pytest

from hocket.config import Limits
from hocket.listening import listen
from hocket.voice.conversation import Conversation
from tests.server.running import running, until
from tests.server.test_attacks import Raw, resident
from tests.server.wire import Client, Closed
from tests.voice import shapes

PEOPLE = 200
AT_ONCE = 10
MEMBERS = 50
LIMITS = Limits(
    participants=MEMBERS,
    outbox=2 * MEMBERS + 8,
    streams_per_address=PEOPLE,
    join_burst=10_000,
    address_join_burst=10_000,
    close_seconds=0.3,
)

SLEEPER, WITNESS = 1_001, 1_002

UVICORN_BYTES = 64 * 1024
"""asyncio's high-water mark: above it uvicorn has the sender wait."""

LARGEST_FRAME = 16 * 1024
"""More than any frame in a channel of so few."""

GROWTH_LIMIT = 16 * 2**20


def narrow(host: str, port: int) -> list[socket.socket]:
    """Listening sockets whose connections have little room in the kernel, which else takes in 2 MB for one client."""
    listeners = listen(host, port)
    for each in listeners:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    return listeners


async def come_and_go(base: str, user: int) -> float:
    """Joins and leaves; gives the seconds that the join took."""
    began = time.monotonic()
    client = await Client.open(base, str(user))
    await client.join()
    took = time.monotonic() - began
    client.socket.transport.abort()
    await client.socket.wait_closed()
    return took


class Crowd:
    """200 people who come and go, one after the other, some at once; with what the others must have heard of them."""

    def __init__(self, base: str) -> None:
        self.heard: Counter[str] = Counter()
        self.times: list[float] = []
        self._base = base
        self._users = itertools.cycle(range(1, PEOPLE + 1))

    async def some(self) -> None:
        users = list(itertools.islice(self._users, AT_ONCE))
        self.times += await asyncio.gather(*(come_and_go(self._base, user) for user in users))
        self.heard.update(f"{sign}{user}" for user in users for sign in "+-")


async def read_all(client: Client, seen: Counter[str]) -> None:
    with contextlib.suppress(Closed):
        while True:
            seen.update(await client.words(1))


def held(conversation: Conversation) -> tuple[int, int]:
    """Frames in the outbox, and bytes in uvicorn's buffer."""
    protocol = conversation._stream._send.__self__  # type: ignore[attr-defined]
    return len(conversation._outbox), protocol.transport.get_write_buffer_size()


async def test_who_does_not_read_while_200_join_and_leave_is_ended_with_bounded_memory_and_keeps_nobody_waiting(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("INFO", "hocket.voice")
    monkeypatch.setattr("tests.server.running.listen", narrow)
    monkeypatch.setattr("hocket.serving.PING_INTERVAL", 300.0)  # else, on a slow machine, the missing answer ends it
    async with running(limits=LIMITS) as (voice, base), await Client.open(base, str(WITNESS)) as witness:
        await witness.join(speaks=False)
        seen: Counter[str] = Counter()
        reading = asyncio.ensure_future(read_all(witness, seen))
        crowd = Crowd(base)
        while len(crowd.times) < PEOPLE // 2:
            await crowd.some()
        before, crowd.times = crowd.times, []

        sleeper = await Raw.upgrade(base, f"Authorization: {SLEEPER}")
        for request in (shapes.initialize(), shapes.prepare(), shapes.join(speaks=False)):
            sleeper.frame(0x2, request.SerializeToString())
        await until(lambda: len(voice.channels[1, 2].participants) == 2)  # type: ignore[index]
        sleeper.writer.transport.pause_reading()  # type: ignore[attr-defined]
        (asleep,) = [each for each in voice._here._conversations if each.user.id == SLEEPER]
        memory = resident()
        frames, waiting = 0, 0
        while asleep in voice._here._conversations or len(crowd.times) < PEOPLE:
            now = held(asleep)
            frames, waiting = max(frames, now[0]), max(waiting, now[1])
            await crowd.some()
            assert len(crowd.times) < 10 * PEOPLE, "it is kept for ever"
        assert LIMITS.outbox / 2 < frames <= LIMITS.outbox
        assert waiting <= UVICORN_BYTES + LARGEST_FRAME
        assert resident() - memory < GROWTH_LIMIT
        told = [message for message in caplog.messages if "too slowly" in message]
        assert told == ["stream ended with hrpc.resource-exhausted: This client reads too slowly."]

        assert statistics.median(crowd.times) < 2 * statistics.median(before) + 0.02
        await until(lambda: seen == crowd.heard)
        sleeper.abort()
        reading.cancel()
    await until(lambda: voice.streams == 0)
