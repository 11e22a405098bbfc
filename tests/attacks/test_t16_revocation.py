"""T16: after the call returns no packet of that user is forwarded 40 ms later; a kicked user's token, or any other of
the same user, does not get it back in until allowed.

pymediasoup talks and listens through the real engine; the rest needs no media.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from hocket.auth import Credentials, User
from hocket.policy import ChannelId, Permissions
from hocket.server import VoiceServer
from tests.e2e.voice_stream import StreamError
from tests.e2e.waiting import more_packets, until_true
from tests.server.running import running, until
from tests.server.test_media import person
from tests.server.wire import Client, Refused
from tests.voice import shapes

ADA, BOB, EVE = 1, 2, 3
HERE, THERE = ChannelId(1, 2), ChannelId(1, 3)

Change = Callable[[VoiceServer], Awaitable[object]]

TAKEN: dict[str, tuple[Change, Change]] = {
    "speak": (
        lambda voice: voice.participant(ADA, HERE).set_permissions(Permissions(speak=False)),
        lambda voice: voice.participant(ADA, HERE).set_permissions(Permissions()),
    ),
    "listen": (
        lambda voice: voice.set_permissions(BOB, HERE, Permissions(listen=False)),
        lambda voice: voice.set_permissions(BOB, HERE, None),
    ),
    "moderator's mute": (lambda voice: voice.mute(ADA), lambda voice: voice.mute(ADA, muted=False)),
}
"""What stops ada's sound on its way to bob, and what lets it flow again."""

ENDED: dict[str, Change] = {
    "join": lambda voice: voice.set_permissions(ADA, HERE, Permissions(join=False)),
    "kick": lambda voice: voice.participant(ADA, HERE).kick(),
    "kick everywhere": lambda voice: voice.kick(ADA),
}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[VoiceServer, str]]:
    async with running() as pair:
        yield pair


@pytest.mark.parametrize("right", sorted(TAKEN))
async def test_t16_what_is_taken_stops_the_packets_within_40_ms_and_goes_on_without_a_new_join(
    server: tuple[VoiceServer, str], right: str
) -> None:
    voice, base = server
    take, give = TAKEN[right]
    async with person(base, ADA) as ada, person(base, BOB) as bob, person(base, EVE) as eve:
        await more_packets(bob, ADA, 10)
        await more_packets(eve, BOB, 10)
        ear = bob.ears[ADA]
        await take(voice)
        await asyncio.sleep(0.04)
        before = ear.packets
        await more_packets(eve, BOB, 15)
        assert ear.packets == before
        await give(voice)
        await more_packets(bob, ADA, 10)
        assert bob.history == [("joined", ADA), ("joined", EVE)]
        assert (ada.ended, bob.ended, eve.ended) == (None, None, None)


@pytest.mark.parametrize("way", sorted(ENDED))
async def test_t16_whoever_is_sent_away_is_silent_within_40_ms_and_told_why(
    server: tuple[VoiceServer, str], way: str
) -> None:
    voice, base = server
    async with person(base, ADA) as ada, person(base, BOB) as bob, person(base, EVE) as eve:
        await more_packets(bob, ADA, 10)
        ear = bob.ears[ADA]
        await ENDED[way](voice)
        await asyncio.sleep(0.04)
        before = ear.packets
        await more_packets(eve, BOB, 15)
        assert ear.packets == before
        await until_true(lambda: ada.ended is not None)
        assert isinstance(ada.ended, StreamError)
        assert ada.ended.identifier == ("hocket.permission-denied" if way == "join" else "hocket.kicked")
        assert ("left", ADA) in bob.history


async def test_t16_a_moderator_in_the_channel_kicks_and_mutes_with_the_same_effect() -> None:
    async def authorize(user: User, channel: ChannelId) -> Permissions:
        return Permissions(moderate=user.id == 9)

    async with (
        running(authorize=authorize) as (voice, base),
        await Client.open(base, "9") as moderator,
        person(base, ADA) as ada,
        person(base, BOB) as bob,
        person(base, EVE) as eve,
    ):
        await moderator.join(hocket=1, speaks=False)
        await more_packets(bob, ADA, 10)
        ear = bob.ears[ADA]
        await moderator.say(shapes.mute_user(ADA))
        await until(lambda: voice.channels[HERE].participants[0].muted)
        await asyncio.sleep(0.04)
        before = ear.packets
        await more_packets(eve, BOB, 15)
        assert ear.packets == before
        await moderator.say(shapes.kick_user(ADA, "Enough."))
        await until_true(lambda: ada.ended is not None)
        assert isinstance(ada.ended, StreamError)
        assert (ada.ended.identifier, ada.ended.sentence) == ("hocket.kicked", "Enough.")


async def one_of_two_tokens(credentials: Credentials) -> User | None:
    """Two tokens of one user, and one of another."""
    return {"phone": User(5), "laptop": User(5), "other": User(6)}.get(credentials.token or "")


async def refused(base: str, token: str, channel: int) -> str:
    """The identifier with which somebody is kept out of a channel."""
    async with await Client.open(base, token) as client:
        await client.say(shapes.initialize(channel=channel))
        error = await client.end()
        assert error is not None
        return error.identifier


async def test_t16_no_token_of_a_kicked_user_gets_it_in_anywhere_until_it_is_allowed() -> None:
    async with running(authenticate=one_of_two_tokens, one_channel="allow") as (voice, base):
        async with await Client.open(base, "phone") as here, await Client.open(base, "laptop") as there:
            await here.join()
            await there.join(channel=3)
            assert await voice.kick(5) == 2
            errors = [await client.end() for client in (here, there)]
            assert [error and error.identifier for error in errors] == ["hocket.kicked"] * 2
        for token in ("phone", "laptop"):
            for channel in (2, 3, 4):
                assert await refused(base, token, channel) == "hocket.kicked"
        async with await Client.open(base, "other") as other:
            assert (await other.join())[-1] == "joined[]"
        await voice.allow(5)
        async with await Client.open(base, "phone") as here:
            assert (await here.join())[-1] == "joined[]"


async def test_t16_a_kick_out_of_one_channel_keeps_every_token_out_of_that_one_alone() -> None:
    async with running(authenticate=one_of_two_tokens) as (voice, base):
        await voice.kick(5, HERE)
        for token in ("phone", "laptop"):
            assert await refused(base, token, 2) == "hocket.kicked"
        async with await Client.open(base, "laptop") as there:
            assert (await there.join(channel=3))[-1] == "joined[]"


@pytest.mark.parametrize("steps", [0, 1, 2])
@pytest.mark.parametrize("channel", [HERE, None])
async def test_t16_a_kick_in_the_middle_of_a_join_ends_it(
    server: tuple[VoiceServer, str], steps: int, channel: ChannelId | None
) -> None:
    voice, base = server
    way = [shapes.initialize(), shapes.prepare(), shapes.join()]
    async with await Client.open(base, "5") as client:
        await client.say(*way[:steps])
        await client.words(steps)
        await voice.kick(5, channel)
        await client.say(*way[steps:])
        error = await client.end()
        assert error is not None
        assert error.identifier == "hocket.kicked"
    await until(lambda: voice.streams == 0)
    assert voice.engine.dump().transports == 0


@pytest.mark.parametrize("asked", ["authenticate", "authorize"])
@pytest.mark.parametrize("change", ["kick", "kick everywhere", "join", "speak"])
async def test_t16_what_is_taken_while_the_app_is_asked_is_not_had_afterwards(asked: str, change: str) -> None:
    waits, goes_on = asyncio.Event(), asyncio.Event()

    async def wait(place: str) -> None:
        if place == asked:
            waits.set()
            await goes_on.wait()

    async def authenticate(credentials: Credentials) -> User:
        await wait("authenticate")
        return User(5)

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        await wait("authorize")
        return Permissions()

    async with running(authenticate=authenticate, authorize=authorize) as (voice, base):

        async def come() -> Refused | None:
            async with await Client.open(base, "x") as client:
                await client.say(shapes.initialize(), shapes.prepare(), shapes.join())
                return await client.end()

        async with asyncio.TaskGroup() as tasks:
            coming = tasks.create_task(come())
            await waits.wait()
            if change.startswith("kick"):
                await voice.kick(5, None if change == "kick everywhere" else HERE)
            else:
                await voice.set_permissions(5, HERE, Permissions(**{change: False}))
            goes_on.set()
        error = coming.result()
        assert error is not None
        assert error.identifier == ("hocket.kicked" if change.startswith("kick") else "hocket.permission-denied")
        assert not voice.channels


async def test_t16_a_handle_says_what_a_user_may_do_and_moderates_whoever_it_names(
    server: tuple[VoiceServer, str],
) -> None:
    voice, base = server
    handle = voice.participant(5, HERE)
    assert handle == voice.participant(5, HERE) != voice.participant(5, THERE)
    assert handle.permissions is None
    async with await Client.open(base, "5") as client:
        await client.join(hocket=1)
        assert not (await client.hear()).hocket.participant.may_moderate
        assert handle.permissions == Permissions()
        await handle.set_permissions(Permissions(moderate=True))
        assert (await client.hear()).hocket.participant.may_moderate
        (shown,) = voice.channels[HERE].participants
        assert shown.permissions == handle.permissions == Permissions(moderate=True)
        await handle.mute()
        assert (await client.hear()).hocket.participant.muted
        await handle.mute(muted=False)
        assert not (await client.hear()).hocket.participant.muted
        assert await handle.kick(reason="Bye.") == 1
        error = await client.end()
        assert error is not None
        assert error.sentence == "Bye."
    assert await refused(base, "5", 2) == "hocket.kicked"
    await handle.allow()
    async with await Client.open(base, "5") as client:
        assert (await client.join())[-1] == "joined[]"
