"""Logging in with a homeserver's token: the two calls that we serve, against a homeserver over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hocket.auth import Credentials, User, wall_clock
from hocket.auth.harmony import HarmonyAuth, IdTable, Sessions
from hocket.auth.harmony.login import KEY, LOGIN_FEDERATED
from hocket.config import ConfigError
from hocket.errors import (
    BadUnaryRequest,
    HocketError,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from hocket.hrpc.service import find_method
from hocket.proto import auth, harmonytypes
from tests.clock import Clock
from tests.server.homeserver import Chat, Fault, chatting, hrpc, status

OURS = "voice.example.org"
OWN_KEY = Ed25519PrivateKey.generate()


@pytest_asyncio.fixture
async def harmony(home: Chat, clock: Clock) -> AsyncIterator[HarmonyAuth]:
    async with made(home, clock=clock) as entered:
        yield entered


def made(*homes: Chat, clock: Clock, sessions: Sessions | None = None, ids: IdTable | None = None) -> HarmonyAuth:
    known = [home.known(f"chat{number or ''}.example.org") for number, home in enumerate(homes)]
    return HarmonyAuth(server_id=OURS, homeservers=known, key=OWN_KEY, sessions=sessions, ids=ids, clock=clock)


async def log_in(
    harmony: HarmonyAuth, token: harmonytypes.Token | None, server_id: str = "chat.example.org"
) -> auth.Session:
    request = auth.LoginFederatedRequest(auth_token=token, server_id=server_id)
    answer = await harmony.unary[LOGIN_FEDERATED](request.SerializeToString())
    return auth.LoginFederatedResponse.FromString(answer).session


async def who(harmony: HarmonyAuth, token: str | None) -> User:
    return await harmony(Credentials(token=token))


async def refused(harmony: HarmonyAuth, token: harmonytypes.Token, server_id: str = "chat.example.org") -> HocketError:
    with pytest.raises(HocketError) as caught:
        await log_in(harmony, token, server_id)
    return caught.value


def changed(token: harmonytypes.Token, **parts: bytes) -> harmonytypes.Token:
    return harmonytypes.Token(**{"sig": token.sig, "data": token.data, **parts})


async def test_a_user_of_the_homeserver_gets_a_session_that_opens_streams(home: Chat, harmony: HarmonyAuth) -> None:
    session = await log_in(harmony, home.sign(2**64 - 1, " Zo\u00eb\n"))
    assert session.user_id == 2**64 - 1, "the ids of the only homeserver are ours"
    user = await who(harmony, session.session_token)
    assert (user.id, user.name) == (2**64 - 1, "Zoë")
    assert user.expires_at is not None
    assert 86_390 < user.expires_at - wall_clock() <= 86_400


async def test_our_key_is_raw_ed25519(harmony: HarmonyAuth) -> None:
    answer = auth.KeyResponse.FromString(await harmony.unary[KEY](b""))
    assert answer.key == OWN_KEY.public_key().public_bytes_raw()
    assert len(answer.key) == 32
    with pytest.raises(BadUnaryRequest):
        await harmony.unary[KEY](b"\xff")


def test_the_paths_are_those_of_the_messages() -> None:
    (service,) = auth.DESCRIPTOR.services_by_name.values()
    assert {f"/{service.full_name}/{method.name}" for method in service.methods} == {KEY, LOGIN_FEDERATED}
    with pytest.raises(HocketError):
        find_method(KEY)


@pytest.mark.parametrize(
    "name", ["other key", "changed", "truncated", "empty", "63 bytes", "65 bytes", "none", "zeros"]
)
async def test_every_wrong_signature_is_refused(home: Chat, harmony: HarmonyAuth, name: str) -> None:
    good = home.sign(7)
    longer = harmonytypes.Token(sig=good.sig, data=good.data + b"\x22\x00")
    wrong = {
        "other key": Chat().sign(7),
        "changed": changed(good, data=home.sign(8).data),
        "truncated": changed(good, data=good.data[:-1]),
        "empty": changed(good, data=b""),
        "63 bytes": changed(good, sig=good.sig[:-1]),
        "65 bytes": changed(good, sig=good.sig + b"\0"),
        "none": changed(good, sig=b""),
        "zeros": changed(good, sig=bytes(64)),
    }
    for token in (wrong[name], longer):
        assert isinstance(await refused(harmony, token), Unauthenticated)
    assert isinstance(await refused(harmony, harmonytypes.Token()), Unauthenticated)
    assert (await log_in(harmony, good)).user_id == 7


async def test_the_key_is_asked_for_once(home: Chat, harmony: HarmonyAuth) -> None:
    for user_id in range(1, 20):
        await log_in(harmony, home.sign(user_id))
    assert home.asked["Key"] == 1


async def test_a_crowd_that_logs_in_at_once_asks_for_the_key_once(home: Chat, harmony: HarmonyAuth) -> None:
    sessions = await asyncio.gather(*(log_in(harmony, home.sign(user_id)) for user_id in range(1, 20)))
    assert [session.user_id for session in sessions] == list(range(1, 20))
    assert home.asked["Key"] == 1


async def test_a_key_that_changed_is_found(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    before = home.sign(7)
    await log_in(harmony, before)
    home.key = Ed25519PrivateKey.generate()
    clock.now += 31
    sessions = await asyncio.gather(*(log_in(harmony, home.sign(user_id)) for user_id in (8, 9)))
    assert [session.user_id for session in sessions] == [8, 9]
    assert home.asked["Key"] == 2
    assert isinstance(await refused(harmony, before), Unauthenticated), "the old key counts no more"


async def test_bad_signatures_ask_for_the_key_no_more_than_once_in_half_a_minute(
    home: Chat, harmony: HarmonyAuth, clock: Clock
) -> None:
    await log_in(harmony, home.sign(7))
    wrong = Chat().sign(7)
    for _ in range(10):
        clock.now += 10
        for _ in range(20):
            assert isinstance(await refused(harmony, wrong), Unauthenticated)
    assert home.asked["Key"] == 1 + 3
    assert (await log_in(harmony, home.sign(7))).user_id == 7, "who has a good one is not kept out"


async def test_a_key_is_asked_for_again_after_an_hour(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    stolen = home.sign(7)
    await log_in(harmony, stolen)
    home.key = Ed25519PrivateKey.generate()
    clock.now += 3_600
    assert isinstance(await refused(harmony, stolen), Unauthenticated)


@pytest.mark.parametrize("server_id", ["", "other.example.org", "chat.example.org.evil.example", "127.0.0.1"])
async def test_an_unknown_homeserver_is_refused_and_never_asked(
    home: Chat, harmony: HarmonyAuth, server_id: str
) -> None:
    assert isinstance(await refused(harmony, home.sign(7), server_id), PermissionDenied)
    port = home.base.rpartition(":")[2]
    assert isinstance(await refused(harmony, home.sign(7), f"127.0.0.1:{port}"), PermissionDenied)
    assert not home.asked


async def test_a_homeservers_name_may_have_capitals(home: Chat, harmony: HarmonyAuth) -> None:
    assert (await log_in(harmony, home.sign(7), "Chat.Example.ORG")).user_id == 7


@pytest.mark.parametrize("server_id", ["", "other.example.org", "VOICE.example.org", "voice.example.org:8080"])
async def test_a_token_for_another_server_is_refused(home: Chat, harmony: HarmonyAuth, server_id: str) -> None:
    error = await refused(harmony, home.sign(7, server_id=server_id))
    assert isinstance(error, Unauthenticated)
    assert OURS in error.sentence


async def test_user_0_is_refused(home: Chat, harmony: HarmonyAuth) -> None:
    assert isinstance(await refused(harmony, home.sign(0)), Unauthenticated)


async def test_signed_garbage_is_refused(home: Chat, harmony: HarmonyAuth) -> None:
    for data in (b"\xff", b"\x08", b"\x12\x01\xff", b"hello"):
        token = harmonytypes.Token(sig=home.key.sign(data), data=data)
        assert isinstance(await refused(harmony, token), Unauthenticated)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
async def test_garbage_is_a_mistake_of_the_client(home: Chat, harmony: HarmonyAuth, body: bytes) -> None:
    with pytest.raises((BadUnaryRequest, Unauthenticated, PermissionDenied)):
        await harmony.unary[LOGIN_FEDERATED](body)


@pytest.mark.parametrize("fault", [status(500), status(404), status(401)])
async def test_without_the_key_nobody_gets_in_and_it_is_not_asked_for_each(
    home: Chat, harmony: HarmonyAuth, clock: Clock, fault: Fault
) -> None:
    home.faults["Key"] = fault
    for _ in range(20):
        error = await refused(harmony, home.sign(7))
        assert isinstance(error, Unavailable)
        assert error.retry_after <= 5
    assert home.asked["Key"] == 1
    del home.faults["Key"]
    clock.now += 5
    assert (await log_in(harmony, home.sign(7))).user_id == 7


async def test_a_homeserver_that_gives_32_zeros_lets_nobody_in(home: Chat, harmony: HarmonyAuth) -> None:
    async def zeros() -> object:
        return hrpc(b"\x0a\x20" + bytes(32))

    home.faults["Key"] = zeros  # type: ignore[assignment]
    assert isinstance(await refused(harmony, changed(home.sign(7), sig=bytes(64))), Unavailable)


async def test_an_outage_keeps_those_whose_key_is_known(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    await log_in(harmony, home.sign(7))
    home.faults["Key"] = status(500)
    clock.now += 60
    assert isinstance(await refused(harmony, Chat().sign(8)), Unavailable)
    assert (await log_in(harmony, home.sign(8))).user_id == 8


async def test_the_same_token_may_be_shown_again_and_each_time_opens_a_session_of_its_own(
    home: Chat, harmony: HarmonyAuth, clock: Clock
) -> None:
    shown = home.sign(7)
    first, second = await log_in(harmony, shown), await log_in(harmony, shown)
    assert first.user_id == second.user_id == 7
    assert first.session_token != second.session_token
    clock.now += 3_600
    with pytest.raises(Unauthenticated):
        await who(harmony, first.session_token)
    again = await log_in(harmony, shown)
    assert (await who(harmony, again.session_token)).id == 7


@pytest.mark.parametrize("token", [None, "", "x", "7:Ada", "\u00e4"])
async def test_what_is_no_session_opens_nothing(harmony: HarmonyAuth, token: str | None) -> None:
    with pytest.raises(Unauthenticated):
        await who(harmony, token)


async def test_the_homeservers_token_is_no_session(home: Chat, harmony: HarmonyAuth) -> None:
    await log_in(harmony, home.sign(7))
    for token in (home.sign(7).sig.hex(), home.token):
        with pytest.raises(Unauthenticated):
            await who(harmony, token)


async def test_sessions_can_be_taken_back(home: Chat, harmony: HarmonyAuth) -> None:
    sessions = [await log_in(harmony, home.sign(7)) for _ in range(3)]
    assert harmony.revoke(sessions[0].session_token)
    assert not harmony.revoke(sessions[0].session_token)
    with pytest.raises(Unauthenticated):
        await who(harmony, sessions[0].session_token)
    assert (await who(harmony, sessions[1].session_token)).id == 7
    assert harmony.revoke_user(7) == 2
    with pytest.raises(Unauthenticated):
        await who(harmony, sessions[1].session_token)


async def test_there_are_only_so_many_sessions(home: Chat, clock: Clock) -> None:
    async with made(home, clock=clock, sessions=Sessions(per_user=2, in_all=3)) as harmony:
        sessions = [await log_in(harmony, home.sign(7)) for _ in range(4)]
        with pytest.raises(Unauthenticated):
            await who(harmony, sessions[0].session_token)
        assert (await who(harmony, sessions[3].session_token)).id == 7
        await log_in(harmony, home.sign(8))
        assert isinstance(await refused(harmony, home.sign(9)), ResourceExhausted)


async def test_users_of_two_homeservers_with_the_same_id_are_two_people(home: Chat, clock: Clock) -> None:
    ids = IdTable(":memory:", b"secret")
    async with chatting() as second, made(home, second, clock=clock, ids=ids) as harmony:
        one = await log_in(harmony, home.sign(7))
        other = await log_in(harmony, second.sign(7), "chat1.example.org")
        assert one.user_id != other.user_id
        assert max(one.user_id, other.user_id) < 2**63
        assert (await log_in(harmony, home.sign(7))).user_id == one.user_id
        assert isinstance(await refused(harmony, home.sign(7), "chat1.example.org"), Unauthenticated)
    ids.close()


def test_several_homeservers_need_a_table() -> None:
    homes = [Chat(base="http://127.0.0.1:1"), Chat(base="http://127.0.0.1:2")]
    with pytest.raises(ConfigError, match="IdTable"):
        made(*homes, clock=Clock())


async def test_t20_no_token_is_logged_or_shown(
    home: Chat, harmony: HarmonyAuth, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="hocket")
    shown = home.sign(7)
    session = await log_in(harmony, shown)
    user = await who(harmony, session.session_token)
    home.faults["Key"] = status(500)
    await refused(harmony, changed(shown, sig=bytes(64)))
    text = caplog.text + repr(user) + repr(harmony.unary) + repr(home.known())
    assert "logged in" in text
    for secret in (session.session_token, home.token, shown.sig.hex(), str(shown.sig)):
        assert secret not in text
