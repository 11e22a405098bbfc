"""Each limit, reached over a real socket: `hrpc.resource-exhausted` with a time to come back, for whoever reached it
alone. A legal pair in the same server does not notice, and afterwards the counts are where they were.

What one microphone may send is in `tests/attacks/test_t19_floods.py`, time limits in `tests/server/test_attacks.py`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import fields
from pathlib import Path

import pytest

from hocket.config import ConfigError, Limits
from hocket.proto import extension, voice
from hocket.server import VoiceServer
from tests.server.running import PATIENCE, running, until
from tests.server.wire import Client, Refused
from tests.voice import shapes

ROOT = Path(__file__).parents[2]
ELSEWHERE, FAR = "127.0.0.2", "127.0.0.3"
"""Addresses of others than the pair's."""

REACHED = {
    "streams": "test_no_more_streams_than_there_is_room_for",
    "streams_per_user": "test_no_more_streams_of_one_user",
    "streams_per_address": "test_no_more_streams_of_one_address",
    "joins_per_second": "test_no_more_joins_a_second_in_all",
    "join_burst": "test_no_more_joins_a_second_in_all",
    "address_joins_per_second": "test_no_more_joins_a_second_of_one_address",
    "address_join_burst": "test_no_more_joins_a_second_of_one_address",
    "participants": "test_no_more_people_in_a_channel",
    "channels": "test_no_more_channels",
    "transports": "test_no_more_transports",
    "producer_packets_per_second": "test_t19_",
    "producer_bits_per_second": "test_t19_",
    "step_seconds": "test_t13_a_handshake_that_stalls_is_ended_on_time",
    "authorize_seconds": "test_an_authentication_that_hangs_is_ended_with_a_time_to_come_back",
    "requests_per_second": "test_no_more_requests_a_second",
    "request_burst": "test_no_more_requests_a_second",
    "request_bytes_per_second": "test_no_more_bytes_a_second",
    "request_byte_burst": "test_no_more_bytes_a_second",
    "outbox": "test_t13_somebody_who_does_not_read_is_closed_as_a_slow_consumer_and_harms_nobody",
    "close_seconds": "test_t13_somebody_who_does_not_read_is_closed_as_a_slow_consumer_and_harms_nobody",
}
"""Which test reaches which limit."""


@asynccontextmanager
async def beside_a_pair(limits: Limits) -> AsyncIterator[tuple[VoiceServer, str]]:
    """A server in which two people are talking. At the end they have heard of nothing, and everything is given back."""
    async with running(limits=limits, one_channel="allow") as (voice, base):
        async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
            await ada.join(hocket=1)
            await bob.join(hocket=1)
            assert await ada.words(3) == ["participant", "+2", "participant"]
            assert await bob.words(2) == ["participant", "participant"]
            yield voice, base
            for person in (ada, bob):
                await person.say(shapes.ping())
                assert await person.words(1) == ["pong"]
        await until(lambda: voice.streams == 0)
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}
        held = voice.engine.dump()
        assert (held.routers, held.transports, held.producers, held.consumers) == (0, 0, 0, 0)


async def refusal(base: str, token: str, address: str = ELSEWHERE) -> Refused:
    """Why a stream is not opened."""
    with pytest.raises(Refused) as caught:
        await Client.open(base, token, address=address)
    return caught.value


async def ended(client: Client) -> Refused:
    """With what a stream ends."""
    error = await client.end()
    assert error is not None
    return error


def is_exhausted(error: Refused) -> bool:
    """Whether it is this error, and says when to come back; before the upgrade it is HTTP's too."""
    return (error.identifier, error.status or 429, bool(error.retry_after)) == ("hrpc.resource-exhausted", 429, True)


async def opened_again(base: str, token: str, address: str = ELSEWHERE) -> None:
    """Asks until a stream can be opened."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(Refused):
                client = await Client.open(base, token, address=address)
                await client.socket.close()
                return


async def test_no_more_streams_than_there_is_room_for() -> None:
    async with beside_a_pair(Limits(streams=4)) as (_, base), AsyncExitStack() as stack:
        for user in ("3", "4"):
            await stack.enter_async_context(await Client.open(base, user, address=ELSEWHERE))
        assert is_exhausted(await refusal(base, "5"))
        await stack.aclose()
        await opened_again(base, "5")


async def test_no_more_streams_of_one_user() -> None:
    async with beside_a_pair(Limits(streams_per_user=2)) as (_, base), AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(await Client.open(base, "3", address=ELSEWHERE))
        assert is_exhausted(await refusal(base, "3"))
        await opened_again(base, "4")


async def test_no_more_streams_of_one_address() -> None:
    async with beside_a_pair(Limits(streams_per_address=3)) as (_, base), AsyncExitStack() as stack:
        for user in ("3", "4", "5"):
            await stack.enter_async_context(await Client.open(base, user, address=ELSEWHERE))
        assert is_exhausted(await refusal(base, "6"))
        await opened_again(base, "6", FAR)


async def test_no_more_joins_a_second_in_all() -> None:
    limits = Limits(joins_per_second=2, join_burst=10)
    async with beside_a_pair(limits) as (voice, base):
        refused = []
        for number in range(20):
            try:
                client = await Client.open(base, str(number + 3), address=f"127.0.1.{number + 1}")
                await client.socket.close()
            except Refused as error:
                refused.append(error)
        assert len(refused) >= 5
        assert all(is_exhausted(error) and error.retry_after == 1 for error in refused)
        await opened_again(base, "3")
        await until(lambda: voice.streams == 2)


async def test_no_more_joins_a_second_of_one_address() -> None:
    limits = Limits(address_joins_per_second=0.5, address_join_burst=3)
    async with beside_a_pair(limits) as (voice, base):
        for _ in range(3):
            await (await Client.open(base, "3", address=ELSEWHERE)).socket.close()
        for user in ("3", "4"):
            error = await refusal(base, user)
            assert is_exhausted(error)
            assert error.retry_after == 2
        await (await Client.open(base, "3", address=FAR)).socket.close()
        await until(lambda: voice.streams == 2)


async def test_no_more_people_in_a_channel() -> None:
    async with beside_a_pair(Limits(participants=2)) as (_, base):
        async with await Client.open(base, "3") as eve:
            await eve.say(shapes.initialize(), shapes.prepare(), shapes.join())
            assert is_exhausted(await ended(eve))
        async with await Client.open(base, "3") as eve:
            assert (await eve.join(channel=3))[-1] == "joined[]"


async def test_no_more_channels() -> None:
    async with beside_a_pair(Limits(channels=2)) as (voice, base):
        async with await Client.open(base, "3") as eve:
            assert (await eve.join(channel=3))[-1] == "joined[]"
            async with await Client.open(base, "4") as mallory:
                await mallory.say(shapes.initialize(channel=4))
                assert is_exhausted(await ended(mallory))
            async with await Client.open(base, "4") as mallory:
                assert (await mallory.join(channel=3))[-1] == "joined[3]"
        await until(lambda: len(voice.dump()["channels"]) == 1)  # type: ignore[arg-type]
        async with await Client.open(base, "4") as mallory:
            assert (await mallory.join(channel=4))[-1] == "joined[]"


async def test_no_more_transports() -> None:
    async with beside_a_pair(Limits(transports=7)) as (voice, base):
        async with await Client.open(base, "3") as eve:
            await eve.join(channel=3)
            async with await Client.open(base, "4") as mallory:
                await mallory.say(shapes.initialize(channel=4), shapes.prepare())
                assert is_exhausted(await ended(mallory))
            assert voice.engine.dump().transports == 6, "the one that found room is given back"
        await until(lambda: voice.engine.dump().transports == 4)
        async with await Client.open(base, "4") as mallory:
            assert (await mallory.join(channel=4))[-1] == "joined[]"


async def test_no_more_requests_a_second() -> None:
    limits = Limits(requests_per_second=1, request_burst=20)
    async with beside_a_pair(limits) as (_, base), await Client.open(base, "3") as mallory:
        await mallory.say(shapes.initialize(channel=3, hocket=1), shapes.prepare(), shapes.join())
        await mallory.say(*[shapes.ping()] * 30)
        words, error = await mallory.last_words()
        assert words.count("pong") == 17
        assert error is not None
        assert is_exhausted(error)


async def test_no_more_bytes_a_second() -> None:
    limits = Limits(request_bytes_per_second=100, request_byte_burst=65_536)
    long = voice.StreamMessageRequest(hocket=extension.Request(ping=extension.Request.Ping(id=1)))
    padded = long.SerializeToString() + b"\xfa\x7f\x80\x50" + b"x" * 10_240  # field 2047, which nobody knows
    async with beside_a_pair(limits) as (_, base), await Client.open(base, "3") as mallory:
        await mallory.say(shapes.initialize(channel=3, hocket=1), shapes.prepare(), shapes.join())
        for _ in range(10):
            await mallory.socket.send(padded)
        words, error = await mallory.last_words()
        assert words.count("pong") == 6
        assert error is not None
        assert is_exhausted(error)
        assert error.retry_after is not None
        assert 50 <= error.retry_after <= 103


def test_every_limit_has_a_test_that_reaches_it() -> None:
    assert list(REACHED) == [each.name for each in fields(Limits)]
    files = [*ROOT.glob("tests/server/test_*.py"), *ROOT.glob("tests/attacks/test_*.py")]
    tests = "\n".join(file.read_text() for file in files)
    missing = [name for name, test in REACHED.items() if f"def {test}" not in tests]
    assert missing == []


def test_the_table_of_the_manual_has_every_limit_with_its_default() -> None:
    text = (ROOT / "docs" / "limits.md").read_text()
    shown = dict(re.findall(r"^\| `(\w+)` \| ([\d,.]+)", text, re.MULTILINE))
    assert {name: float(value.replace(",", "")) for name, value in shown.items()} == {
        each.name: float(getattr(Limits(), each.name)) for each in fields(Limits)
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transports", 1_000_001),
        ("producer_packets_per_second", 9),
        ("producer_bits_per_second", 15_999),
        ("request_byte_burst", 1_000),
    ],
)
def test_a_limit_out_of_its_range_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=f"The limit {name} must be"):
        Limits(**{name: value})
