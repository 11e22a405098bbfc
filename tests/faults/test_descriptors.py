"""A server without a free descriptor: who is in talks on, who comes finds a closed connection until one is free."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import WebSocketException

from tests.e2e.server import serving
from tests.faults.crowd import Crowd, nothing_lost
from tests.server.running import until
from tests.server.wire import Client
from tests.voice import shapes

LIMIT = 64


def limited(soft: int, hard: int) -> tuple[str, ...]:
    """Runs a command that may have so many descriptors."""
    return ("bash", "-c", f'ulimit -Sn {soft}; ulimit -Hn {hard}; exec "$0" "$@"')


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def limits(pid: int) -> list[str]:
    """Soft and hard limit of descriptors."""
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[3:5] for line in lines if line.startswith("Max open files"))


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.asynccontextmanager
async def crowding(port: int) -> AsyncIterator[None]:
    """More connections than there are descriptors, on which nobody says anything."""
    with contextlib.ExitStack() as idle:
        for _ in range(2 * LIMIT):
            idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


async def test_without_a_free_descriptor_people_talk_on_and_others_come_in_again_when_one_is_free() -> None:
    async with (
        serving(prefix=limited(LIMIT, LIMIT)) as server,
        Crowd(server.url) as crowd,
        await Client.open(server.url, "50") as watcher,
    ):
        for number in (1, 2):
            await crowd.join(number)
        await watcher.join(speaks=False, hocket=1)
        await crowd.all_heard(2)
        port = int(server.url.rstrip("/").rpartition(":")[2])
        async with crowd.measured(100) as report, crowding(port):
            await until(lambda: descriptors(server.process.pid) >= LIMIT - 1)
            began, used = time.monotonic(), cpu_seconds(server.process.pid)
            for _ in range(10):
                with pytest.raises((WebSocketException, OSError)):
                    await Client.open(server.url, "51")
            await watcher.say(shapes.ping(7))
            while (await watcher.hear()).hocket.pong.id != 7:
                pass
            measured = await report()
            assert cpu_seconds(server.process.pid) - used < (time.monotonic() - began) / 2, "it spins"
            assert descriptors(server.process.pid) >= LIMIT - 1, "it was not full all the time"
        assert nothing_lost(measured, 2 * 100)
        assert [person.ended for person in crowd.people] == [None] * 2
        await until(lambda: descriptors(server.process.pid) < LIMIT / 2)
        async with await Client.open(server.url, "51") as newcomer:
            assert (await newcomer.join())[-1] == "joined[1, 2]"
    told = [line for line in server.log if "WARNING" in line or "ERROR" in line or "Traceback" in line]
    told = [line for line in told if "stood still" not in line]  # a machine that is busy with other tests
    assert len(told) == 1, told
    assert f"the table of descriptors is nearly full ({LIMIT})" in told[0]


async def test_a_server_takes_as_many_descriptors_as_it_may_have() -> None:
    async with serving(prefix=limited(LIMIT, 4 * LIMIT)) as server:
        assert limits(server.process.pid) == [str(4 * LIMIT)] * 2
        streams = await asyncio.gather(*(Client.open(server.url, str(number)) for number in range(1, LIMIT)))
        for stream in streams:
            await stream.socket.close()
    assert not [line for line in server.log if "descriptors" in line]
