"""Events of real media threads, on both event loops."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
import uvloop
from aioice import stun

from hocket.media.engine import Event, MediaEngine, TransportClosed, UnknownId

from .stun_client import StunClient

Make = Callable[..., MediaEngine]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Give each test both event loops in turn."""
    runner: Callable[..., None] = request.param
    return runner


def test_a_check_is_answered_with_the_client_s_address(loopback: Make, run: Callable[..., None]) -> None:
    async def check() -> None:
        async with loopback() as engine:
            info = engine.create_transport(engine.create_router())
            with StunClient(engine.port) as client:
                answer = await client.check(info)
                assert answer.message_class == stun.Class.RESPONSE
                assert "{}:{}".format(*answer.attributes["XOR-MAPPED-ADDRESS"]) == client.address
                stats = await engine.transport_stats(info.id)
                assert stats.selected_address == client.address
                assert stats.packets_sent == 1

    run(check())


def test_silence_closes_a_transport_and_its_watcher_hears_it_once(loopback: Make, run: Callable[..., None]) -> None:
    async def fall_silent() -> None:
        told: asyncio.Queue[Event] = asyncio.Queue()
        async with loopback(consent_ms=200) as engine:
            info = engine.create_transport(engine.create_router())
            engine.watch(info.id, told.put_nowait)
            with StunClient(engine.port) as client:
                await client.check(info)
                async with asyncio.timeout(10):
                    assert await told.get() == TransportClosed(transport=info.id, reason="consent-expired")
            with pytest.raises(UnknownId):
                engine.close_transport(info.id)
            assert engine.dump().transports == 0
        assert told.empty()

    run(fall_silent())


async def test_a_handshake_that_never_comes_ends_on_time(loopback: Make) -> None:
    told: asyncio.Queue[Event] = asyncio.Queue()
    async with loopback(handshake_ms=200) as engine:
        info = engine.create_transport(engine.create_router())
        engine.watch(info.id, told.put_nowait)
        with StunClient(engine.port) as client:
            await client.check(info)
            async with asyncio.timeout(10):
                assert await told.get() == TransportClosed(transport=info.id, reason="handshake-timeout")


async def test_a_transport_that_control_closes_says_nothing_more(loopback: Make) -> None:
    told: list[Event] = []
    async with loopback(consent_ms=200, on_event=told.append) as engine:
        router = engine.create_router()
        closed, silent = engine.create_transport(router), engine.create_transport(router)
        gone = asyncio.Event()
        engine.watch(closed.id, told.append)
        engine.watch(silent.id, lambda _: gone.set())
        with StunClient(engine.port) as one, StunClient(engine.port) as other:
            await one.check(closed)
            engine.close_transport(closed.id)
            await other.check(silent)
            async with asyncio.timeout(10):
                await gone.wait()
    assert told == [TransportClosed(transport=silent.id, reason="consent-expired")]


async def test_the_old_credentials_hold_until_the_new_ones_are_used(loopback: Make) -> None:
    async with loopback() as engine:
        info = engine.create_transport(engine.create_router())
        with StunClient(engine.port) as client:
            await client.check(info)
            engine.restart_ice(info.id)
            assert (await client.check(info)).message_class == stun.Class.RESPONSE


async def test_hundreds_that_fall_silent_together_are_all_told(loopback: Make) -> None:
    told: list[Event] = []
    everybody = asyncio.Event()

    def note(event: Event) -> None:
        told.append(event)
        if len(told) == 300:
            everybody.set()

    async with loopback(consent_ms=1_000, workers=3, on_event=note) as engine:
        router = engine.create_router()
        transports = []
        with contextlib.ExitStack() as clients:  # all at once: a port that was just used belongs to its transport
            for _ in range(300):
                info = engine.create_transport(router)
                transports.append(info.id)
                await clients.enter_context(StunClient(engine.port)).check(info)
        async with asyncio.timeout(20):
            await everybody.wait()
        assert {event.transport for event in told if isinstance(event, TransportClosed)} == set(transports)
        assert (engine.dump().transports, engine.dump().events_lost) == (0, 0)


async def test_t10_a_check_with_the_wrong_password_gets_no_answer(loopback: Make) -> None:
    async with loopback() as engine:
        router = engine.create_router()
        known, other = engine.create_transport(router), engine.create_transport(router)
        with StunClient(engine.port) as client:
            client.send_check(known.username_fragment, other.password)
            client.send_check("unknown+", other.password)
            # The answer to a good check from the same socket would come after theirs.
            answer = await client.check(other)
            assert answer.message_class == stun.Class.RESPONSE
            assert (await engine.transport_stats(known.id)).selected_address is None
