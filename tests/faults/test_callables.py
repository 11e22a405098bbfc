"""The app's own functions hang or raise: who asks is told so, nobody else waits, and the log says it once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from hocket.auth import Credentials, User
from hocket.config import Limits
from hocket.logging import Sparing
from hocket.policy import ChannelId, Permissions
from hocket.serving import _log_sparingly
from hocket.voice.events import Joined, Left
from tests.server.running import running, until
from tests.server.wire import Client, Refused
from tests.voice import shapes

HANGING = 500
FAILURES = 30

BAD, GOOD = 13, 1


async def refused(base: str, token: str) -> Refused:
    """What somebody is told who cannot open a stream."""
    try:
        client = await Client.open(base, token)
    except Refused as error:
        return error
    await client.socket.close()
    raise AssertionError("it was let in")


async def last_word(base: str, token: str) -> Refused:
    """What somebody is told who can open a stream, and not join."""
    async with await Client.open(base, token) as client:
        await client.say(shapes.initialize())
        error = await client.end()
        assert error is not None
        return error


def authenticates(bad: Callable[[], Awaitable[None]]) -> Callable[[Credentials], Awaitable[User]]:
    """An `authenticate` that does something bad for tokens of one kind."""

    async def authenticate(credentials: Credentials) -> User:
        if credentials.token == "bad":
            await bad()
        return User(int(credentials.token or 0))

    return authenticate


def authorizes(bad: Callable[[], Awaitable[None]]) -> Callable[[User, ChannelId], Awaitable[Permissions]]:
    """An `authorize` that does something bad for one user."""

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        if user.id == BAD:
            await bad()
        return Permissions()

    return authorize


async def hang() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise RuntimeError("the database is gone")


async def cancel_oneself() -> None:
    raise asyncio.CancelledError


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    told = [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR", "CRITICAL")]
    return [message for message in told if "stood still" not in message]  # a machine that is busy with other tests


async def test_500_who_wait_for_authenticate_keep_nobody_waiting_who_is_quick() -> None:
    limits = Limits(authorize_seconds=6, streams_per_address=HANGING + 10)
    async with running(authenticate=authenticates(hang), limits=limits) as (voice, base):
        waiting = [asyncio.ensure_future(refused(base, "bad")) for _ in range(HANGING)]
        await until(lambda: voice.dump()["counts"].get("all") == HANGING)  # type: ignore[attr-defined]
        began = time.monotonic()
        async with await Client.open(base, "1") as quick:
            assert (await quick.join())[-1] == "joined[]"
            assert time.monotonic() - began < 2
            for error in await asyncio.gather(*waiting):
                assert (error.status, error.identifier, error.retry_after) == (503, "hrpc.unavailable", 5)
        await until(lambda: voice.dump()["counts"] == {})


async def test_those_who_wait_for_authenticate_are_bounded_like_streams() -> None:
    limits = Limits(authorize_seconds=5, streams_per_address=20)
    async with running(authenticate=authenticates(hang), limits=limits) as (voice, base):
        waiting = [asyncio.ensure_future(refused(base, "bad")) for _ in range(20)]
        await until(lambda: voice.dump()["counts"].get("all") == 20)  # type: ignore[attr-defined]
        error = await refused(base, "1")
        assert (error.status, error.identifier) == (429, "hrpc.resource-exhausted")
        assert error.retry_after
        for task in waiting:
            task.cancel()


@pytest.mark.parametrize("bad", [fail, cancel_oneself])
async def test_an_authenticate_that_raises_is_our_fault_to_its_client_and_logged_once(
    bad: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(authenticate=authenticates(bad)) as (voice, base):
        for _ in range(FAILURES):
            error = await refused(base, "bad")
            assert (error.status, error.identifier) == (500, "hrpc.internal-server-error")
            assert "database" not in error.sentence
        async with await Client.open(base, "1") as other:
            assert (await other.join())[-1] == "joined[]"
        await until(lambda: voice.dump()["counts"] == {})
    assert errors(caplog) == ["a stream failed"]
    assert bad.__name__ in caplog.text, "the trace says where"


@pytest.mark.parametrize("bad", [fail, cancel_oneself])
async def test_an_authorize_that_raises_is_our_fault_to_its_client_and_logged_once(
    bad: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(authorize=authorizes(bad)) as (voice, base), await Client.open(base, "1") as other:
        await other.join()
        for _ in range(FAILURES):
            error = await last_word(base, str(BAD))
            assert (error.identifier, error.sentence) == (
                "hrpc.internal-server-error",
                "The server made a mistake.",
            )
        async with await Client.open(base, "2") as another:
            assert (await another.join())[-1] == "joined[1]"
        assert await other.words(2) == ["+2", "-2"]
        await until(lambda: voice.streams == 1)
    assert errors(caplog) == ["a request failed"]
    assert bad.__name__ in caplog.text, "the trace says where"


async def test_an_authorize_that_hangs_ends_its_stream_in_time_and_no_other() -> None:
    async with running(authorize=authorizes(hang), limits=Limits(authorize_seconds=0.5)) as (voice, base):
        waiting = [asyncio.ensure_future(last_word(base, str(BAD))) for _ in range(10)]
        await until(lambda: voice.streams == 10)
        async with await Client.open(base, "1") as quick:
            assert (await quick.join())[-1] == "joined[]"
            for error in await asyncio.gather(*waiting):
                assert (error.identifier, error.retry_after) == ("hrpc.unavailable", 5)
        await until(lambda: voice.dump()["counts"] == {})


async def test_a_handler_that_raises_is_logged_once_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Joined | Left] = []
    async with running() as (voice, base):

        @voice.on("joined")
        async def broken(event: Joined) -> None:
            await fail()

        voice.on("joined")(seen.append)
        voice.on("left")(seen.append)
        for _ in range(FAILURES):
            async with await Client.open(base, "1") as client:
                await client.join()
        await until(lambda: len(seen) == 2 * FAILURES)
    assert [type(event) for event in seen] == [Joined, Left] * FAILURES
    assert errors(caplog) == ["a handler of Joined events failed"]


async def test_a_handler_that_hangs_costs_the_app_its_oldest_events_and_the_people_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running() as (voice, base):
        assert voice._waiting is not None
        voice._waiting._limit = 10  # 10,000 joins would take minutes

        @voice.on("joined")
        async def hanging(event: Joined) -> None:
            await hang()

        for _ in range(FAILURES):
            async with await Client.open(base, "1") as client:
                assert (await client.join())[-1] == "joined[]"
        await until(lambda: voice.streams == 0)
        assert voice._waiting._queue.qsize() == 10
    assert errors(caplog) == [
        "the handlers of events are too slow: the oldest events that wait for them are lost",
    ]


async def test_an_error_that_the_event_loop_can_give_to_nobody_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken_callback() -> None:
        raise RuntimeError("nobody waits for this")

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_sparingly(Sparing(logging.getLogger("hocket.server"))))
    for _ in range(FAILURES):
        loop.call_soon(broken_callback)
    await asyncio.sleep(0)
    assert len(errors(caplog)) == 1
    assert "nobody waits for this" in caplog.text
    assert "in broken_callback" in caplog.text
