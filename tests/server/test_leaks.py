"""Leaving cleans up: after 1,000 joins and leaves memory, descriptors and threads are back where they were."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import weakref
from collections.abc import Iterator
from pathlib import Path

from hocket.config import Limits
from hocket.server import VoiceServer
from tests.server.running import running, until
from tests.server.wire import Client
from tests.voice import shapes

JOINS = 1_000
AT_ONCE = 5

GROWTH_LIMIT = 8 * 2**20
"""Bytes that the process may grow over JOINS: 8 KiB each. One transport that is kept takes more than that."""


def held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


def resident() -> int:
    """Memory of this process, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def come_and_go(base: str, times: int, chance: random.Random) -> None:
    """Joins and leaves in all the ways there are."""

    async def one(user_id: int) -> None:
        client = await Client.open(base, str(user_id))
        await client.join(channel=chance.randint(1, 3), speaks=chance.random() < 0.7, hocket=chance.randint(0, 1))
        if chance.random() < 0.5:
            await client.socket.close()
        else:
            client.socket.transport.abort()
            await client.socket.wait_closed()

    for _ in range(times // AT_ONCE):
        await asyncio.gather(*(one(chance.randint(1, 20)) for _ in range(AT_ONCE)))


async def settled(voice: VoiceServer) -> None:
    await until(lambda: voice.streams == 0)
    gc.collect()


async def test_after_1000_joins_and_leaves_everything_is_back_where_it_was() -> None:
    chance = random.Random(1)
    async with running(limits=Limits(address_join_burst=2 * JOINS)) as (voice, base):
        await come_and_go(base, JOINS // 2, chance)  # what is allocated once
        await settled(voice)
        before, memory = held(), resident()
        await come_and_go(base, JOINS, chance)
        await settled(voice)
        await until(lambda: held() == before)
        dump = voice.engine.dump()
        assert (dump.routers, dump.transports, dump.producers, dump.consumers) == (0, 0, 0, 0)
        assert sum(dump.commands) == 0
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}
        assert resident() - memory < GROWTH_LIMIT


OURS = ("hocket", "uvicorn", "websockets.server")
"""Modules of what a stream of the server is made of; the client's are others."""


@contextlib.contextmanager
def cycles() -> Iterator[list[str]]:
    """The collector does not run in the block; then the list tells which types of ours it destroys.

    Not which it says that it found: a generator that it closes may let go of all the others, and then it says none.
    """
    found: list[str] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        living = [(type(each).__name__, weakref.ref(each)) for each in gc.get_objects() if is_watched(type(each))]
        gc.collect()
        found += sorted({name for name, watched in living if watched() is None})
    finally:
        gc.enable()


def is_watched(kind: type) -> bool:
    """Whether objects of it are the server's, and can be watched."""
    return str(kind.__module__).startswith(OURS) and hasattr(kind, "__weakref__")


async def test_a_stream_leaves_nothing_for_pythons_collector_however_it_ends() -> None:
    """It looks seldom in `hocket serve`, since looking costs more than a join: two cycles a stream filled memory."""
    async with running() as (voice, base):
        with cycles() as found:
            await come_and_go(base, 20, random.Random(1))
            wrong, kicked = await Client.open(base, "30"), await Client.open(base, "31")
            await wrong.say(shapes.join())
            await kicked.join()
            await voice.kick(31)
            ends = [str(await each.end()).partition(":")[0] for each in (wrong, kicked)]
            assert ends == ["hocket.out-of-order", "hocket.kicked"]
            await until(lambda: voice.streams == 0)
            del wrong, kicked
        assert found == []
