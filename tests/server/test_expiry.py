"""Credentials that end during the call, and tokens, on a running server."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from hocket import Credentials, JwtAuth, User
from hocket.auth import wall_clock
from hocket.voice import expiry
from tests.auth.tokens import SECRET, signed
from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.voice_stream import StreamError
from tests.e2e.waiting import more_packets, until_true
from tests.server.running import running, until
from tests.server.wire import Client, Refused

ADA, BOB, EVE = 1, 2, 3
HOUR = 3_600.0


class WallClock:
    """The machine's clock as Hocket sees it, which stands until somebody sets it."""

    def __init__(self) -> None:
        self.now = time.time()  # noqa: TID251 - the clock that this one stands for

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    clock = WallClock()
    monkeypatch.setattr("hocket.auth.time", SimpleNamespace(time=clock.time))
    monkeypatch.setattr(expiry, "LOOK_SECONDS", 0.01)
    return clock


async def an_hour_for_ada(credentials: Credentials) -> User:
    user_id = int(credentials.token or 0)
    return User(user_id, expires_at=wall_clock() + HOUR if user_id == ADA else None)


async def test_a_stream_ends_when_its_users_credentials_do_and_the_others_stay(clock: WallClock) -> None:
    async with running(authenticate=an_hour_for_ada) as (voice, base), await Client.open(base, "2") as bob:
        await bob.join()
        async with await Client.open(base, "1") as ada, await Client.open(base, "1") as lobby:
            assert (await ada.join())[-1] == "joined[2]"
            assert await bob.words(1) == ["+1"]
            clock.now += HOUR
            for ended in (await ada.end(), await lobby.end()):
                assert ended is not None
                assert ended.identifier == "hocket.unauthenticated"
                assert "has run out" in ended.sentence
        assert await bob.words(1) == ["-1"]
        await until(lambda: voice.streams == 1)


async def test_a_stream_ends_by_the_machines_own_clock() -> None:
    async def authenticate(credentials: Credentials) -> User:
        return User(ADA, expires_at=wall_clock() + 0.5)

    async with running(authenticate=authenticate) as (_, base), await Client.open(base) as ada:
        opened = wall_clock()
        ended = await ada.end()
        assert ended is not None
        assert ended.identifier == "hocket.unauthenticated"
        assert wall_clock() > opened


async def test_no_packet_comes_of_somebody_whose_credentials_have_ended(clock: WallClock) -> None:
    async with running(authenticate=an_hour_for_ada) as (_, base):
        url = base.replace("http", "ws", 1)
        ada, bob, _ = people = [PymediasoupClient(user, tone) for user, tone in ((ADA, 440), (BOB, None), (EVE, 880))]
        try:
            for person in people:
                await person.join(url, 2, guild=1)
            await more_packets(bob, ADA, 10)
            await more_packets(ada, EVE, 10)
            of_ada, of_eve = bob.ears[ADA], ada.ears[EVE]
            clock.now += HOUR
            await until_true(lambda: ada.ended is not None and ("left", ADA) in bob.history)
            assert isinstance(ada.ended, StreamError)
            assert ada.ended.identifier == "hocket.unauthenticated"
            await more_packets(bob, EVE, 5)  # what was under way has come
            before = of_ada.packets, of_eve.packets
            await more_packets(bob, EVE, 20)
            assert (of_ada.packets, of_eve.packets) == before
        finally:
            for person in people:
                await person.leave()


@pytest.mark.parametrize("ago", [0.0, 1.0])
async def test_credentials_that_have_ended_open_nothing(clock: WallClock, ago: float) -> None:
    async def authenticate(credentials: Credentials) -> User:
        return User(ADA, expires_at=wall_clock() - ago)

    async with running(authenticate=authenticate) as (voice, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base)
        assert (caught.value.status, caught.value.identifier) == (401, "hocket.unauthenticated")
        assert voice.streams == 0


def token_for(user_id: int, **claims: object) -> str:
    return signed({"sub": str(user_id), "exp": wall_clock() + HOUR, **claims})


async def test_a_token_decides_who_comes_in_where_and_what_for() -> None:
    async with running(authenticate=JwtAuth(key=SECRET)) as (voice, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base)
        assert (caught.value.status, caught.value.sentence) == (401, "A token is needed.")
        listener = token_for(5, name="Ada", guild=1, channel=2, permissions=["join", "listen"])
        async with await Client.open(base, listener) as ada:
            assert (await ada.join(speaks=False))[-1] == "joined[]"
            (here,) = voice.channels.values()
            assert [(view.user.id, view.user.name) for view in here.participants] == [(5, "Ada")]
        for token, why in ((listener, "not allowed to speak"), (token_for(5, guild=1, channel=3), "not for this")):
            async with await Client.open(base, token) as ada:
                with pytest.raises(Refused, match=why) as caught:
                    await ada.join()
                assert caught.value.identifier == "hocket.permission-denied"


async def test_a_call_ends_with_its_token(clock: WallClock) -> None:
    async with running(authenticate=JwtAuth(key=SECRET)) as (_, base):
        token = token_for(5)
        async with await Client.open(base, token) as ada:
            await ada.join()
            clock.now += HOUR
            ended = await ada.end()
        assert ended is not None
        assert ended.identifier == "hocket.unauthenticated"
        with pytest.raises(Refused, match="has run out"):
            await Client.open(base, token)


async def test_t14_a_page_of_another_site_may_bring_a_token_that_is_signed() -> None:
    async with running(authenticate=JwtAuth(key=SECRET)) as (_, base):
        headers = {"Origin": "https://elsewhere.example"}
        with pytest.raises(Refused) as caught:
            await Client.open(base, headers=headers)
        assert caught.value.status == 403
        async with await Client.open(base, token_for(5), headers=headers) as ada:
            assert (await ada.join())[-1] == "joined[]"
