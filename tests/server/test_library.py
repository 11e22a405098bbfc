"""`VoiceServer` as an app owns it: mounted, asked, listened to, moderated."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

import hocket
from hocket import ChannelId, Credentials, Joined, Left, Permissions, Speaking, User, VoiceServer
from hocket.config import ConfigError, Limits, Ptime
from hocket.media import engine
from hocket.voice import transports
from tests.server.running import running, until, uvicorn_running
from tests.server.wire import Client, Closed, Refused
from tests.voice import shapes

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_app.py"
HERE = ChannelId(1, 2)


def plain(app: object, lifespan: str = "on") -> uvicorn.Config:
    """uvicorn as anybody starts it."""
    return uvicorn.Config(app, lifespan=lifespan, log_config=None)  # type: ignore[arg-type]


async def test_the_example_is_under_30_lines_and_works() -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 30
    spec = importlib.util.spec_from_file_location("fastapi_app", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fastapi_app"] = module
    spec.loader.exec_module(module)
    async with uvicorn_running(plain(module.app)) as base, httpx.AsyncClient() as http:
        with pytest.raises(Refused) as caught:
            await Client.open(f"{base}/voice", "wrong")
        assert caught.value.status == 401
        async with await Client.open(f"{base}/voice", "ada-secret") as ada:
            assert (await ada.join())[-1] == "joined[]"
            async with await Client.open(f"{base}/voice", "bob-secret") as bob:
                await bob.say(shapes.initialize(), shapes.prepare(), shapes.join())
                error = await bob.end()
                assert error is not None
                assert error.identifier == "hocket.permission-denied"
            async with await Client.open(f"{base}/voice", "bob-secret") as bob:
                assert (await bob.join(speaks=False))[-1] == "joined[1]"
                assert (await http.get(f"{base}/channels")).json() == {"2": ["Ada", "Bob"]}
        await until(lambda: not module.voice.channels)


@pytest.mark.parametrize("prefix", ["/voice", "/a/deep/prefix"])
async def test_it_can_be_mounted_under_any_prefix(prefix: str) -> None:
    voice = VoiceServer(announce=["127.0.0.1"], workers=1, page=True)
    app = Starlette(routes=[Mount(prefix, app=voice.asgi)], lifespan=voice.lifespan)
    async with uvicorn_running(plain(app)) as base, httpx.AsyncClient() as http:
        async with await Client.open(base + prefix) as client:
            assert (await client.join())[-1] == "joined[]"
        answer = await http.get(f"{base}{prefix}/")
        assert answer.headers["content-type"].startswith("text/html")
        with pytest.raises(Refused) as caught:
            await Client.open(f"{base}{prefix}/elsewhere")
        assert caught.value.status == 404


async def test_two_servers_in_one_app_know_nothing_of_each_other() -> None:
    one, other = (VoiceServer(announce=["127.0.0.1"], workers=1) for _ in range(2))
    app = FastAPI()
    app.mount("/one", one.asgi)
    app.mount("/other", other.asgi)
    async with (
        one,
        other,
        uvicorn_running(plain(app)) as base,
        await Client.open(f"{base}/one", "1") as ada,
        await Client.open(f"{base}/other", "2") as bob,
    ):
        assert (await ada.join())[-1] == "joined[]"
        assert (await bob.join())[-1] == "joined[]"


async def test_it_can_be_served_alone_with_its_lifespan() -> None:
    voice = VoiceServer(announce=["127.0.0.1"], workers=1)
    async with uvicorn_running(plain(voice.asgi)) as base, await Client.open(base) as client:
        assert (await client.join())[-1] == "joined[]"
    assert voice.streams == 0
    with pytest.raises(RuntimeError):
        _ = voice.engine


async def test_without_its_lifespan_a_stream_is_refused_and_the_log_says_why(caplog: pytest.LogCaptureFixture) -> None:
    async with uvicorn_running(plain(VoiceServer().asgi, "off")) as base:
        with pytest.raises(Refused) as caught:
            await Client.open(base)
    assert (caught.value.status, caught.value.identifier) == (503, "hrpc.unavailable")
    assert "give its lifespan to the app" in caplog.text


async def test_it_can_be_started_again() -> None:
    voice = VoiceServer(announce=["127.0.0.1"], workers=1)
    for _ in range(2):
        async with voice, uvicorn_running(plain(voice.asgi, "off")) as base, await Client.open(base) as client:
            assert (await client.join())[-1] == "joined[]"
            with pytest.raises(RuntimeError, match="runs already"):
                await voice.__aenter__()


async def test_an_address_that_cannot_be_announced_stops_the_start() -> None:
    with pytest.raises(ConfigError):
        await VoiceServer(announce=["nosuch.invalid"]).__aenter__()


async def test_authorize_is_asked_with_user_and_channel_and_its_answer_holds() -> None:
    asked: list[tuple[User, ChannelId]] = []

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        asked.append((user, channel))
        return Permissions(join=channel.channel == 2)

    async with running(authorize=authorize) as (_, base), await Client.open(base, "5%3AAda") as ada:
        assert (await ada.join(guild=2**64 - 1))[-1] == "joined[]"
        async with await Client.open(base, "6") as bob:
            await bob.say(shapes.initialize(channel=3))
            error = await bob.end()
    assert error is not None
    assert error.identifier == "hocket.permission-denied"
    assert asked == [(User(5, "Ada"), ChannelId(2**64 - 1, 2)), (User(6), ChannelId(1, 3))]


async def test_a_slow_authorize_holds_up_nobody_else() -> None:
    go_on = asyncio.Event()

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        if user.id == 1:
            await go_on.wait()
        return Permissions()

    limits = Limits(authorize_seconds=1.0)
    async with running(authorize=authorize, limits=limits) as (voice, base):
        async with await Client.open(base, "1") as slow, await Client.open(base, "2") as quick:
            await slow.say(shapes.initialize(), shapes.prepare(), shapes.join())
            assert (await quick.join())[-1] == "joined[]"
            go_on.set()
            assert await slow.words(3) == ["initialized", "prepared_for_join_channel", "joined[2]"]
        go_on.clear()
        async with await Client.open(base, "1") as impatient:
            await impatient.say(shapes.initialize())
        await until(lambda: voice.streams == 0)
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}


async def test_the_live_view_shows_who_is_where() -> None:
    async with running() as (voice, base):
        assert dict(voice.channels) == {}
        async with await Client.open(base, "1%3AAda") as ada, await Client.open(base, "2%3ABob") as bob:
            await ada.join(hocket=1)
            await bob.join(channel=3, speaks=False)
            await ada.say(shapes.set_muted(), shapes.set_deafened())
            await until(lambda: voice.channels[HERE].participants[0].deafened)
            (shown,) = voice.channels[HERE].participants
            assert (shown.user, shown.speaks, shown.muted, shown.speaking) == (User(1, "Ada"), True, True, False)
            assert not voice.channels[ChannelId(1, 3)].participants[0].speaks
        await until(lambda: not voice.channels)


async def test_events_come_in_order_to_handlers_and_iterators() -> None:
    heard: list[hocket.Event] = []
    async with running() as (voice, base):

        @voice.on("joined")
        async def joined(event: Joined) -> None:
            await asyncio.sleep(0)
            heard.append(event)

        @voice.on("left")
        def left(event: Left) -> None:
            heard.append(event)

        events = voice.events()
        async with await Client.open(base, "1") as ada:
            await ada.join()
        async with await Client.open(base, "2") as bob:
            await bob.join(speaks=False)
        expected = [
            Joined(HERE, User(1), True),
            Left(HERE, User(1)),
            Joined(HERE, User(2), False),
            Left(HERE, User(2)),
        ]
        assert [await anext(events) for _ in range(4)] == expected
        await until(lambda: heard == expected)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert Speaking not in {type(event) for event in heard}


async def test_a_handler_that_fails_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    left: list[Left] = []
    async with running() as (voice, base):
        voice.on("left")(left.append)

        @voice.on("joined")
        def fail(event: Joined) -> None:
            raise ValueError("the app's mistake")

        async with await Client.open(base, "1") as ada:
            assert (await ada.join())[-1] == "joined[]"
        await until(lambda: len(left) == 1)
    assert "a handler of Joined events failed" in caplog.text


async def test_the_handlers_hear_of_those_who_leave_with_the_server() -> None:
    left: list[Left] = []
    async with running() as (voice, base):
        voice.on("left")(left.append)
        ada = await Client.open(base, "1")
        await ada.join()
    assert left == [Left(HERE, User(1))]
    await ada.socket.close()


async def test_mute_silences_a_user_whatever_the_user_does() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada:
        await ada.join(hocket=1)
        assert not (await ada.hear()).hocket.participant.muted
        await voice.mute(1)
        state = (await ada.hear()).hocket.participant
        assert (state.muted, state.may_speak) == (True, False)
        await ada.say(shapes.set_muted(True), shapes.set_muted(False))
        await voice.mute(1, muted=False)
        state = (await ada.hear()).hocket.participant
        while not state.may_speak:
            state = (await ada.hear()).hocket.participant
        await until(lambda: not voice.channels[HERE].participants[0].muted)


async def test_the_app_says_for_each_channel_how_many_are_heard_and_changes_it() -> None:
    asked: list[ChannelId] = []

    def how_many(channel: ChannelId) -> int:
        asked.append(channel)
        return 65 if channel.channel == 3 else 2

    async with running(active_speakers=how_many) as (voice, base):
        async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
            assert (await ada.join())[-1] == "joined[]"
            assert (await bob.join())[-1] == "joined[1]"
            assert asked == [HERE]
            assert await voice.set_active_speakers(HERE, 1)
            assert not await voice.set_active_speakers(ChannelId(1, 9), 1)
            with pytest.raises(ConfigError, match="active_speakers 65"):
                await voice.set_active_speakers(HERE, 65)
        async with await Client.open(base, "3") as eve:
            await eve.say(shapes.initialize(channel=3))
            error = await eve.end()
            assert error is not None
            assert error.identifier == "hrpc.internal-server-error"
        await until(lambda: voice.streams == 0)
        assert voice.engine.dump().routers == 0
    with pytest.raises(ConfigError, match="active_speakers -1"):
        VoiceServer(active_speakers=-1)


async def test_the_app_says_for_each_channel_how_long_packets_are_and_changes_it() -> None:
    def how_long(channel: ChannelId) -> Ptime:
        return cast("Ptime", 30) if channel.channel == 3 else 40

    async with running(ptime=how_long) as (voice, base):
        async with await Client.open(base, "1") as ada:
            await ada.say(shapes.initialize(hocket=1))
            assert '"ptime":40' in (await ada.hear()).initialized.rtp_capabilities
            assert await voice.set_ptime(HERE, 60)
            assert not await voice.set_ptime(ChannelId(1, 9), 60)
            with pytest.raises(ConfigError, match="ptime 'long': must be 20, 40, 60 or 'auto'"):
                await voice.set_ptime(HERE, cast("Ptime", "long"))
        async with await Client.open(base, "2") as bob:
            await bob.say(shapes.initialize(channel=3))
            error = await bob.end()
            assert error is not None
            assert error.identifier == "hrpc.internal-server-error"
        await until(lambda: voice.streams == 0)
        assert voice.engine.dump().routers == 0
    with pytest.raises(ConfigError, match="ptime 0: must be"):
        VoiceServer(ptime=cast("Ptime", 0))


async def test_kick_out_of_one_channel_leaves_the_others() -> None:
    async with (
        running(one_channel="allow") as (voice, base),
        await Client.open(base, "1") as first,
        await Client.open(base, "1") as second,
    ):
        await first.join(channel=2)
        await second.join(channel=3)
        assert await voice.kick(1, HERE) == 1
        error = await first.end()
        assert error is not None
        assert error.identifier == "hocket.kicked"
        assert list(voice.channels) == [ChannelId(1, 3)]
        assert await voice.kick(1, HERE) == 0


async def test_end_makes_a_user_be_asked_for_permission_anew() -> None:
    speak = True

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        return Permissions(speak=speak)

    async with running(authorize=authorize) as (voice, base):
        async with await Client.open(base, "1") as ada:
            await ada.join()
            speak = False
            assert await voice.end(1) == 1
            error = await ada.end()
            assert error is not None
            assert error.identifier == "hocket.permission-denied"
        async with await Client.open(base, "1") as ada:
            await ada.say(shapes.initialize(), shapes.prepare(), shapes.join())
            error = await ada.end()
            assert error is not None
            assert error.identifier == "hocket.permission-denied"


async def test_drain_tells_everybody_and_lets_nobody_in() -> None:
    async with running() as (voice, base), await Client.open(base, "1") as ada:
        await ada.join()
        await voice.drain()
        assert voice.streams == 0
        error = await ada.end()
        assert error is not None
        assert (error.identifier, error.retry_after) == ("hrpc.unavailable", 3)
        with pytest.raises(Refused) as caught:
            await Client.open(base, "2")
        assert (caught.value.status, caught.value.identifier) == (503, "hrpc.unavailable")


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "https://Example.org", "*", "null"])
def test_an_allowed_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(origin)):
        VoiceServer(allowed_origins=[origin])


async def test_nobody_leaves_anybody_when_the_server_goes_but_the_app_hears_of_all() -> None:
    async with running() as (voice, base):
        left: list[int] = []
        voice.on("left")(lambda event: left.append(event.user.id))
        async with AsyncExitStack() as stack:
            people = [await stack.enter_async_context(await Client.open(base, str(user))) for user in (1, 2, 3)]
            for person in people:
                await person.join()
            for listener, others in ((people[0], 2), (people[1], 1)):
                await listener.words(others)  # UserJoined
            await voice.drain()
            endings = [await person.last_words() for person in people]
        assert [words for words, _ in endings] == [[], [], []]
        assert [error and (error.identifier, error.retry_after) for _, error in endings] == [
            ("hrpc.unavailable", 3)
        ] * 3
        await until(lambda: sorted(left) == [1, 2, 3])


async def test_restart_ice_gives_credentials_of_the_engine() -> None:
    async with running() as (_, base), await Client.open(base, "1") as ada:
        await ada.say(shapes.initialize(hocket=1), shapes.prepare())
        await ada.words(2)
        prepared = (await ada.hear()).prepared_for_join_channel
        await ada.say(shapes.join(), shapes.restart_ice(prepared.producer_transport_options.id))
        assert await ada.words(2) == ["joined[]", "participant"]
        restarted = (await ada.hear()).hocket.ice_restarted
        assert restarted.transport_id == prepared.producer_transport_options.id
        assert restarted.ice_parameters != prepared.producer_transport_options.ice_parameters


def test_the_public_names_are_all_there() -> None:
    assert {name for name in hocket.__all__ if not hasattr(hocket, name)} == set()
    with pytest.raises(AttributeError):
        _ = hocket.nothing


async def test_notify_reaches_those_who_speak_our_extension() -> None:
    async with (
        running() as (voice, base),
        await Client.open(base, "1") as ada,
        await Client.open(base, "2") as plain_client,
    ):
        await ada.join(hocket=1, speaks=False)
        await plain_client.join(speaks=False, channel=3)
        await ada.hear()
        await voice.notify("Back in a minute.", code="app.restart", retry_after=60)
        notice = (await ada.hear()).hocket.notice
        assert (notice.code, notice.text, notice.retry_after) == ("app.restart", "Back in a minute.", 60)
        await plain_client.socket.close()
        with pytest.raises(Closed):
            await plain_client.hear()


def test_a_failed_media_thread_has_one_name() -> None:
    assert transports.WORKER_FAILED == engine.WORKER_FAILED


async def test_an_authenticator_may_say_itself_what_its_users_may_do() -> None:
    class Guestbook:
        async def __call__(self, credentials: Credentials) -> User:
            return User(5, context={2, 7})

        async def authorize(self, user: User, channel: ChannelId) -> Permissions:
            return Permissions(join=isinstance(user.context, set) and channel.channel in user.context)

    async with running(authenticate=Guestbook()) as (_, base):
        async with await Client.open(base, "x") as ada:
            assert (await ada.join(channel=7))[-1] == "joined[]"
        async with await Client.open(base, "x") as ada:
            await ada.say(shapes.initialize(channel=3))
            error = await ada.end()
    assert error is not None
    assert error.identifier == "hocket.permission-denied"
