"""`VoiceServer.drain`: nobody new comes in, those who are here may leave by themselves, and it ends in bounded time."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.server.running import running, until
from tests.server.wire import Client, Refused

LONG = 3_600.0


async def refused(base: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await Client.open(base, "9")
    return caught.value


async def test_a_drain_lets_nobody_in_and_those_who_are_here_go_on() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
        await ada.join()
        draining = asyncio.ensure_future(voice.drain(seconds=LONG))
        await until(lambda: not voice.ready)
        error = await refused(base)
        assert (error.status, error.identifier, error.retry_after is not None) == (503, "hrpc.unavailable", True)
        assert (await bob.join())[-1] == "joined[1]", "bob was in already, and goes through all steps"
        assert await ada.words(1) == ["+2"]
        await bob.socket.close()
        assert await ada.words(1) == ["-2"]
        assert not draining.done()
        await ada.socket.close()
        await asyncio.wait_for(draining, 5)


async def test_who_has_not_left_in_time_is_told_when_to_come_back() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada:
        await ada.join()
        began = asyncio.get_running_loop().time()
        draining = asyncio.ensure_future(voice.drain(seconds=0.5))
        error = await ada.end()
        assert asyncio.get_running_loop().time() - began >= 0.5
        assert error is not None
        assert (error.identifier, error.retry_after is not None) == ("hrpc.unavailable", True)
        await draining


async def test_another_drain_does_not_wait_for_the_first() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada:
        await ada.join()
        draining = asyncio.ensure_future(voice.drain(seconds=LONG))
        await until(lambda: not voice.ready)
        await asyncio.wait_for(voice.drain(), 5)
        await asyncio.wait_for(draining, 5)
        error = await ada.end()
        assert error is not None
        assert error.identifier == "hrpc.unavailable"


async def test_a_cancelled_drain_lets_nobody_in_again() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada:
        await ada.join()
        draining = asyncio.ensure_future(voice.drain(seconds=LONG))
        await until(lambda: not voice.ready)
        draining.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await draining
        assert (await refused(base)).identifier == "hrpc.unavailable"
        assert voice.streams == 1


async def test_with_nobody_here_a_drain_is_done_at_once() -> None:
    async with running() as (voice, _):
        await asyncio.wait_for(voice.drain(seconds=LONG), 5)
