"""A server that ends and comes back: Ctrl-C is quick, clients are told, and pages return by themselves."""

from __future__ import annotations

import signal
import socket

import pytest

from .conftest import Browsers
from .page import chromium_user
from .pymediasoup_client import PymediasoupClient
from .server import serving
from .tone import TONES
from .voice_stream import StreamError
from .waiting import until_heard, until_true

pytestmark = pytest.mark.asyncio(loop_scope="session")

STOP_SECONDS = 2.0
RETURN_SECONDS = 60.0


def free_port() -> int:
    """A TCP port that is free now; both servers of a test use it, one after the other."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_server_with_people_in_it_ends_within_two_seconds_and_tells_them(how: signal.Signals) -> None:
    async with serving() as server:
        people = [PymediasoupClient(user, tone) for user, tone in enumerate((TONES["alice"], TONES["bob"]), 1)]
        try:
            for person in people:
                await person.join(server.stream_url, 1)
            await until_heard(people[0], {2: TONES["bob"]})
            assert await server.stop(how) < STOP_SECONDS
            for person in people:
                await until_true(lambda person=person: person.ended is not None)  # type: ignore[misc]
                assert isinstance(person.ended, StreamError)
                assert person.ended.identifier == "hrpc.unavailable"
        finally:
            for person in people:
                await person.leave()


async def test_pages_come_back_by_themselves_when_the_server_does(browsers: Browsers, channel: int) -> None:
    port = str(free_port())
    async with (
        chromium_user(await browsers.of("alice"), "Alice") as alice,
        chromium_user(await browsers.of("bob"), "Bob") as bob,
    ):
        async with serving("--port", port) as server:
            alice_id = await alice.enter(server.url, str(channel))
            bob_id = await bob.enter(server.url, str(channel))
            await until_heard(alice, {bob_id: TONES["bob"]})
        await until_heard(alice, {})
        async with serving("--port", port):
            await until_heard(alice, {bob_id: TONES["bob"]}, RETURN_SECONDS)
            await until_heard(bob, {alice_id: TONES["alice"]}, RETURN_SECONDS)
