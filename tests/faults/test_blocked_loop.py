"""An app's function stops the event loop: voices go on meanwhile, and nobody is sent away for it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator

import pytest

from hocket.voice.events import Joined, Left
from tests.cli.test_serve import PATIENCE, Process
from tests.faults.crowd import Crowd, nothing_lost
from tests.server.running import running, until
from tests.server.test_attacks import Raw
from tests.server.wire import Client
from tests.voice import shapes

LATE_MS = 300
"""Far below the time for which the loop stands still, and far above what a busy machine does to a packet."""


@contextlib.asynccontextmanager
async def blocking_server(**environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.blocking_server"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while not lines or "Ctrl-C" not in lines[-1]:
                lines.append((await process.stdout.readline()).decode().rstrip("\n"))
        yield Process(process, lines)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize(("token", "seconds"), [("busy-1", 1), ("block-15", 15)])
async def test_voices_go_on_without_loss_or_delay_while_the_loop_stands_still_and_nobody_is_sent_away(
    token: str, seconds: int
) -> None:
    async with blocking_server() as server:
        async with Crowd(server.base) as crowd, await Client.open(server.base, "50") as watcher:
            for number in (1, 2, 3):
                await crowd.join(number)
            await watcher.join(speaks=False)
            await crowd.all_heard(3 * 2)
            packets = 50 * seconds + 50
            async with crowd.measured(packets) as report:
                began = time.monotonic()
                (await Raw.upgrade(server.base, f"Authorization: {token}")).abort()
                assert time.monotonic() - began >= seconds, "the loop did not stand still"
                async with await Client.open(server.base, "4") as newcomer:
                    assert (await newcomer.join())[-1] == "joined[1, 2, 3]"
                    assert await watcher.words(1) == ["+4"]
                measured = await report()
            assert nothing_lost(measured, 3 * 2 * packets)
            assert measured.delay.count == 3 * 2 * packets
            assert (measured.delay.max_ms or 0) < LATE_MS
            assert [person.ended for person in crowd.people] == [None] * 3
        status, _, errors = await server.end(signal.SIGINT)
        assert status == 0
        told = [line for line in errors.splitlines() if "ERROR" in line or "WARNING" in line]
        assert len(told) == 1
        assert re.search(r"the event loop stood still for [\d.]+ seconds", told[0])


async def test_a_handler_that_stops_the_loop_for_a_second_silences_nobody_and_hears_the_rest_in_order() -> None:
    seen: list[tuple[str, int]] = []
    async with running() as (voice, base), Crowd(base) as crowd:
        for number in (1, 2):
            await crowd.join(number)
        await crowd.all_heard(2)

        @voice.on("joined")
        def joined(event: Joined) -> None:
            if event.user.id == 10:
                time.sleep(1)
            seen.append(("joined", event.user.id))

        @voice.on("left")
        def left(event: Left) -> None:
            seen.append(("left", event.user.id))

        async with crowd.measured(100) as report:
            for user in range(10, 15):
                async with await Client.open(base, str(user)) as client:
                    await client.join()
            measured = await report()
        assert nothing_lost(measured, 2 * 100)
        assert (measured.delay.max_ms or 0) < LATE_MS
        await until(lambda: len(seen) == 10)
        assert seen == [(what, user) for user in range(10, 15) for what in ("joined", "left")]
        assert [person.ended for person in crowd.people] == [None] * 2


async def test_an_answer_to_a_ping_that_came_while_the_loop_stood_still_is_no_late_one() -> None:
    async with blocking_server(PING_SECONDS="1") as server:
        raw = await Raw.upgrade(server.base, "Authorization: 1")
        for request in (shapes.initialize(hocket=1), shapes.prepare(), shapes.join()):
            raw.frame(0x2, request.SerializeToString())
        question = await ping(raw)  # its second runs from now on
        blocking = asyncio.ensure_future(Raw.upgrade(server.base, "Authorization: block-2"))
        await asyncio.sleep(0.3)  # by then the loop stands still, or soon after
        raw.frame(0xA, question)
        (await blocking).abort()
        assert await ping(raw) != question, "the next one: the answer was taken for one in time"
        raw.abort()


async def ping(raw: Raw) -> bytes:
    """Reads on to the server's next ping; gives what it asks to be told again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            first, length = await raw.reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await raw.reader.readexactly(2), "big")
            payload = await raw.reader.readexactly(length)
            if first & 0xF == 0x9:
                return payload
