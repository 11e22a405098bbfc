"""A Harmony client's whole way, over real sockets: token, login, stream, JoinedChannel; and what ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hocket.auth.harmony import HarmonyAuth, IdTable
from hocket.auth.harmony.login import KEY, LOGIN_FEDERATED
from hocket.config import HarmonyOutage
from hocket.policy import ChannelId
from hocket.proto import auth, harmonytypes, hrpc
from hocket.server import VoiceServer
from tests.server.homeserver import Chat, chatting, status
from tests.server.running import running, until
from tests.server.wire import Client, Refused

OURS = "voice.example.org"
HRPC = {"content-type": "application/hrpc"}


class Clients:
    """Harmony clients of one homeserver, at a voice server."""

    def __init__(self, base: str, home: Chat, name: str = "chat.example.org") -> None:
        self.base = base
        self.home = home
        self.name = name

    async def log_in(self, user_id: int, token: harmonytypes.Token | None = None) -> auth.Session:
        request = auth.LoginFederatedRequest(auth_token=token or self.home.sign(user_id), server_id=self.name)
        async with httpx.AsyncClient() as http:
            answer = await http.post(self.base + LOGIN_FEDERATED, content=request.SerializeToString(), headers=HRPC)
        if answer.status_code != 200:
            raise Refused(hrpc.Error.FromString(answer.content), answer.status_code)
        return auth.LoginFederatedResponse.FromString(answer.content).session

    async def open(self, user_id: int) -> Client:
        return await Client.open(self.base, (await self.log_in(user_id)).session_token)


def made(
    *homes: Chat, rechecked: float = 30.0, outage: HarmonyOutage = "end", ids: IdTable | None = None
) -> HarmonyAuth:
    known = [home.known(f"chat{number or ''}.example.org") for number, home in enumerate(homes)]
    return HarmonyAuth(
        server_id=OURS,
        homeservers=known,
        key=Ed25519PrivateKey.generate(),
        recheck_seconds=rechecked,
        outage=outage,
        ids=ids,
    )


@contextlib.asynccontextmanager
async def serving(
    rechecked: float = 30.0, outage: HarmonyOutage = "end"
) -> AsyncIterator[tuple[Chat, HarmonyAuth, VoiceServer, Clients]]:
    async with chatting() as home:
        harmony = made(home, rechecked=rechecked, outage=outage)
        async with running(authenticate=harmony) as (voice, base):
            yield home, harmony, voice, Clients(base, home)


async def test_two_members_meet_in_a_voice_channel() -> None:
    async with serving() as (home, _, voice, clients):
        home.admit(7)
        home.admit(2**64 - 1)
        async with await clients.open(7) as ada, await clients.open(2**64 - 1) as bob:
            assert await ada.join() == ["initialized", "prepared_for_join_channel", "joined[]"]
            assert (await bob.join())[-1] == "joined[7]"
            assert await ada.words(1) == [f"+{2**64 - 1}"]
            (one, other) = voice.channels[ChannelId(1, 2)].participants
            assert (one.user.name, other.user.id) == ("Ada", 2**64 - 1)


async def test_our_key_is_served() -> None:
    async with serving() as (_, _, _, clients), httpx.AsyncClient() as http:
        answer = await http.post(clients.base + KEY, headers=HRPC)
        assert len(auth.KeyResponse.FromString(answer.content).key) == 32
        assert (await http.post(clients.base + KEY.replace("Key", "BeginAuth"), headers=HRPC)).status_code == 501


async def test_who_may_not_speak_joins_as_a_listener() -> None:
    async with serving() as (home, _, _, clients):
        home.admit(7, "messages.view")
        async with await clients.open(7) as ada:
            assert (await ada.join(speaks=False))[-1] == "joined[]"
        async with await clients.open(7) as ada:
            with pytest.raises(Refused, match="not allowed to speak"):
                await ada.join()


@pytest.mark.parametrize("where", [(1, 3), (1, 4), (1, 99), (9, 2)])
async def test_a_channel_that_is_none_for_voice_is_refused(where: tuple[int, int]) -> None:
    async with serving() as (home, _, _, clients):
        home.admit(7)
        async with await clients.open(7) as ada:
            with pytest.raises(Refused) as caught:
                await ada.join(guild=where[0], channel=where[1])
    assert caught.value.identifier == "hocket.permission-denied"


async def test_a_stranger_is_refused() -> None:
    async with serving() as (_, _, _, clients), await clients.open(7) as ada:
        with pytest.raises(Refused) as caught:
            await ada.join()
    assert caught.value.identifier == "hocket.permission-denied"


@pytest.mark.parametrize("token", [None, "nonsense", "7%3AAda"])
async def test_without_a_session_nobody_opens_a_stream(token: str | None) -> None:
    async with serving() as (_, _, voice, clients):
        with pytest.raises(Refused) as caught:
            await Client.open(clients.base, token)
        assert (caught.value.status, caught.value.identifier) == (401, "hocket.unauthenticated")
        assert voice.streams == 0


async def test_a_wrong_token_gets_401_and_an_unknown_homeserver_403() -> None:
    async with serving() as (home, _, _, clients):
        with pytest.raises(Refused) as caught:
            await clients.log_in(7, Chat().sign(7))
        assert (caught.value.status, caught.value.identifier) == (401, "hocket.unauthenticated")
        with pytest.raises(Refused) as caught:
            await Clients(clients.base, home, "other.example.org").log_in(7)
        assert (caught.value.status, caught.value.identifier) == (403, "hocket.permission-denied")


async def test_an_outage_is_told_with_a_time_to_come_back() -> None:
    async with serving() as (home, _, _, clients):
        home.admit(7)
        async with await clients.open(7) as ada:
            home.faults["QueryHasPermission"] = status(500)
            with pytest.raises(Refused) as caught:
                await ada.join()
            assert caught.value.identifier == "hrpc.unavailable"
            assert caught.value.retry_after
        home.faults["Key"] = status(500)
        async with running(authenticate=made(home)) as (_, base):
            with pytest.raises(Refused) as caught:
                await Clients(base, home).log_in(7)
            assert (caught.value.status, caught.value.identifier) == (503, "hrpc.unavailable")
            assert caught.value.retry_after


async def test_a_removed_member_is_put_out_and_the_others_stay() -> None:
    async with serving(rechecked=0.1) as (home, _, voice, clients):
        home.admit(7)
        home.admit(8)
        async with await clients.open(7) as ada, await clients.open(8) as bob:
            await ada.join()
            await bob.join()
            await ada.words(1)
            # Answers are kept for some seconds, so this takes as long.
            del home.members[1, 8]
            error = await bob.end()
            assert error is not None
            assert error.identifier == "hocket.permission-denied"
            assert await ada.words(1) == ["-8"]
            assert voice.streams == 1


async def test_a_session_that_is_taken_back_ends_its_stream() -> None:
    async with serving() as (home, harmony, _, clients):
        home.admit(7)
        session = await clients.log_in(7)
        async with await Client.open(clients.base, session.session_token) as ada:
            await ada.join()
            assert harmony.revoke(session.session_token)
            error = await ada.end()
            assert error is not None
            assert error.identifier == "hocket.unauthenticated"
        with pytest.raises(Refused):
            await Client.open(clients.base, session.session_token)


async def test_a_kick_keeps_a_user_out_whatever_token_is_shown() -> None:
    async with serving() as (home, _, voice, clients):
        home.admit(7)
        async with await clients.open(7) as ada:
            await ada.join()
            await voice.kick(7)
            assert await ada.end() is not None
        async with await clients.open(7) as again:
            with pytest.raises(Refused) as caught:
                await again.join()
        assert caught.value.identifier == "hocket.kicked"


async def test_users_and_guilds_of_two_homeservers_do_not_meet() -> None:
    """Whoever runs a homeserver may give a guild any number; it does not lead into the channel of another."""
    ids = IdTable(":memory:", b"secret")
    async with chatting() as home, chatting() as evil:
        home.admit(7)
        evil.admit(7)
        async with (
            running(authenticate=made(home, evil, ids=ids)) as (voice, base),
            await Clients(base, home).open(7) as ada,
            await Clients(base, evil, "chat1.example.org").open(7) as mallory,
        ):
            assert (await ada.join())[-1] == "joined[]"
            assert (await mallory.join())[-1] == "joined[]"
            assert len(voice.channels) == 2
    ids.close()


async def test_a_slow_homeserver_holds_up_nobody_of_another() -> None:
    ids = IdTable(":memory:", b"secret")
    go_on = asyncio.Event()

    async def held() -> object:
        await go_on.wait()
        return status(500)

    async with chatting() as home, chatting() as stuck:
        home.admit(7)
        stuck.faults["GetGuildChannels"] = held  # type: ignore[assignment]
        async with running(authenticate=made(home, stuck, ids=ids)) as (_, base):
            slow = [await Clients(base, stuck, "chat1.example.org").open(user_id) for user_id in range(1, 13)]
            joins = [asyncio.ensure_future(client.join()) for client in slow]
            await until(lambda: stuck.asked["GetGuildChannels"] == 1)
            async with await Clients(base, home).open(7) as ada:
                assert (await ada.join())[-1] == "joined[]"
            for each in joins:
                each.cancel()
            for client in slow:
                client.socket.transport.abort()
            go_on.set()
    ids.close()


async def test_t20_no_token_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="hocket")
    async with serving() as (home, harmony, voice, clients):
        home.admit(7)
        session = await clients.log_in(7)
        async with await Client.open(clients.base, session.session_token) as ada:
            await ada.join()
        with pytest.raises(Refused):
            await clients.log_in(7, harmonytypes.Token(sig=bytes(64), data=home.sign(7).data))
        home.faults["QueryHasPermission"] = status(401)
        async with await clients.open(8) as bob:
            with pytest.raises(Refused):
                await bob.join()
        harmony.revoke(session.session_token)
        shown = caplog.text + repr(voice.dump()) + repr(voice.channels)
    assert "logged in" in shown
    assert "does not take this server's token" in shown
    assert session.session_token not in shown
    assert home.token not in shown


async def test_everything_is_given_back() -> None:
    async with serving(rechecked=0.05) as (home, _, voice, clients):
        for user_id in range(1, 6):
            home.admit(user_id)
            async with await clients.open(user_id) as each:
                await each.join()
        await until(lambda: voice.streams == 0)
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}
    left = [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in left if "put_out" in task or "_fetch" in task]
