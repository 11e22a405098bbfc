"""A line that is too slow for what leaves on it, until the kernel's room for the media socket is full.

Two hosts of the tests' own (`tests/e2e/namespaces.py`); what leaves the server is slowed down far below what its
people would hear. Linux tells UDP of the full room as EAGAIN; `crates/engine/src/socket/tests.rs` has the other name.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from hocket.config import Limits
from hocket.media.engine import EngineDump
from hocket.server import VoiceServer
from hocket.serving import uvicorn_config
from tests.e2e.namespaces import Network, run
from tests.faults.crowd import Crowd
from tests.server.running import until, uvicorn_running
from tests.server.wire import Client
from tests.voice import shapes

PEOPLE = 12
STREAMS = PEOPLE * (PEOPLE - 1)
SLOW = ("rate", "500kbit", "burst", "10kb", "limit", "50mb")
"""A queue that holds more than the socket may have under way: so it is the socket's room that ends."""


def lost_for_room(dump: EngineDump) -> int:
    return dump.dropped.get("send-no-room", 0)


def media_seconds() -> float:
    """CPU time of the media threads of this process."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text().startswith("hocket-media"):
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@pytest.mark.timeout(60)
async def test_packets_that_find_no_room_are_lost_and_counted_and_with_room_all_is_well_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hocket.media.line.LOOK_SECONDS", 0.3)
    with Network() as network:
        server, people = network.host("server"), network.host("people")
        voice = VoiceServer(announce=[server.ipv4], media_addresses=["0.0.0.0"], workers=1)
        with server.inside():
            await voice.__aenter__()  # opens the media socket, and waits for nothing
        async with (
            uvicorn_running(uvicorn_config(voice, Limits())) as base,
            await Client.open(base, "50") as watcher,
        ):
            with people.inside():
                crowd = Crowd(base)
            async with crowd:
                for number in range(1, PEOPLE + 1):
                    await crowd.join(number)
                await watcher.join(speaks=False, hocket=1)
                await crowd.all_heard(STREAMS)

                run(*server.enter, "tc", "qdisc", "add", "dev", server.interface, "root", "tbf", *SLOW)
                await until(lambda: lost_for_room(voice.engine.dump()) > 0, 20)
                began, used, lost = time.monotonic(), media_seconds(), lost_for_room(voice.engine.dump())
                await until(lambda: lost_for_room(voice.engine.dump()) > lost + 1_000)
                (router,) = (channel.router for channel in voice._here.channels.values())
                info = voice.engine.create_transport(router)
                async with asyncio.timeout(1):  # a thread that waited in a send would not answer
                    await voice.engine.transport_stats(info.id)
                await watcher.say(shapes.ping(7))
                while (await watcher.hear()).hocket.pong.id != 7:
                    pass
                await asyncio.sleep(0.7)  # two looks for the log
                assert media_seconds() - used < (time.monotonic() - began) / 2, "it spins"

                run(*server.enter, "tc", "qdisc", "del", "dev", server.interface, "root")
                arrived = crowd.native.progress().arrived
                await until(lambda: crowd.native.progress().arrived > arrived + 20 * STREAMS)  # the gap is behind all
                async with crowd.measured(50) as report:
                    lost = lost_for_room(voice.engine.dump())
                    measured = await report()
                assert measured.expected == measured.received == STREAMS * 50
                assert lost_for_room(voice.engine.dump()) == lost
                assert [person.ended for person in crowd.people] == [None] * PEOPLE
            await voice.drain()
        await voice.__aexit__(None, None, None)
    logged = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    (told,) = [message for message in logged if "stood still" not in message]  # a machine that is busy
    assert re.fullmatch(r"\d+ packets of voice found no room to leave in 0.3 seconds: .*", told)
