"""Asking a homeserver over real HTTP: what it says, and every way in which it can fail to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hocket.auth.harmony import homeserver
from hocket.auth.harmony.homeserver import ANSWER_LIMIT, CannotAsk, Denied, HomeserverClient, http_client
from hocket.auth.harmony.servers import read_homeserver
from tests.server.homeserver import CATEGORY, OUTAGES, TEXT, VOICE, Chat, chatting, elsewhere, hrpc, status
from tests.server.running import until

CALLS: dict[str, Callable[[HomeserverClient], Awaitable[object]]] = {
    "Key": lambda client: client.key(),
    "GetGuildChannels": lambda client: client.voice_channels(1),
    "QueryHasPermission": lambda client: client.has_permission(1, 2, "messages.view", 7),
}


@pytest_asyncio.fixture
async def home() -> AsyncIterator[Chat]:
    async with chatting() as running:
        running.admit(7)
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with http_client() as client:
        yield client


@pytest.fixture
def client(home: Chat, http: httpx.AsyncClient) -> HomeserverClient:
    return HomeserverClient(home.known(), http)


async def test_the_key(home: Chat, client: HomeserverClient) -> None:
    key = await client.key()
    assert isinstance(key, Ed25519PublicKey)
    assert key.public_bytes_raw() == home.key.public_key().public_bytes_raw()
    assert "authorization" not in home.headers["Key"], "everybody may ask; the token is not shown without need"


async def test_the_voice_channels_of_a_guild(home: Chat, client: HomeserverClient) -> None:
    home.guilds[9] = {1: VOICE, 2: TEXT, 3: CATEGORY, 4: 3, 2**64 - 1: VOICE}
    assert await client.voice_channels(9) == {1, 2**64 - 1}
    assert home.headers["GetGuildChannels"]["authorization"] == "service-secret"
    assert home.headers["GetGuildChannels"]["hrpc-version"] == "1"


async def test_a_permission(home: Chat, client: HomeserverClient) -> None:
    home.admit(2**64 - 1, "messages.view")
    assert await client.has_permission(1, 2, "messages.view", 2**64 - 1)
    assert not await client.has_permission(1, 2, "messages.send", 2**64 - 1)
    assert not await client.has_permission(1, 2, "messages.view", 8)
    asked = home.questions[0]
    assert (asked.guild_id, asked.channel_id, asked.check_for) == (1, 2, "messages.view")
    assert getattr(asked, "as") == 2**64 - 1


@pytest.mark.parametrize("code", [400, 403, 404])
@pytest.mark.parametrize("method", ["GetGuildChannels", "QueryHasPermission"])
async def test_a_denial_is_an_answer(home: Chat, client: HomeserverClient, method: str, code: int) -> None:
    home.faults[method] = status(code)
    with pytest.raises(Denied):
        await CALLS[method](client)


@pytest.mark.parametrize("fault", OUTAGES)
@pytest.mark.parametrize("method", CALLS)
async def test_every_outage_of_every_call_is_one(
    monkeypatch: pytest.MonkeyPatch, home: Chat, client: HomeserverClient, method: str, fault: str
) -> None:
    monkeypatch.setattr(homeserver, "CALL_SECONDS", 0.5)
    home.faults[method] = OUTAGES[fault]
    with pytest.raises(CannotAsk) as caught:
        async with asyncio.timeout(10):
            await CALLS[method](client)
    assert caught.value.retry_after > 0
    assert sum(home.asked.values()) == 1, "no redirect is followed, nothing is asked twice"
    del home.faults[method]
    await CALLS[method](client)


@pytest.mark.parametrize("method", CALLS)
async def test_a_homeserver_that_is_not_there_is_an_outage(http: httpx.AsyncClient, method: str) -> None:
    async with chatting() as gone:
        base = gone.base
    for url in (base, "http://nosuch.localhost:1", "https://a..example"):
        with pytest.raises(CannotAsk):
            await CALLS[method](HomeserverClient(read_homeserver(url, "secret"), http))


@pytest.mark.parametrize("answer", [b"", bytes(31), bytes(33), bytes(32), bytes([1, *bytes(31)])])
async def test_a_key_that_is_none_is_an_outage(home: Chat, client: HomeserverClient, answer: bytes) -> None:
    async def key() -> object:
        return hrpc(b"\x0a" + bytes([len(answer)]) + answer)

    home.faults["Key"] = key  # type: ignore[assignment]
    with pytest.raises(CannotAsk):
        await client.key()


async def test_a_redirect_to_another_host_gets_nothing(home: Chat, client: HomeserverClient) -> None:
    async with chatting() as victim:
        home.faults["QueryHasPermission"] = elsewhere(f"{victim.base}/protocol.chat.v1.ChatService/QueryHasPermission")
        with pytest.raises(CannotAsk):
            await client.has_permission(1, 2, "messages.view", 7)
        assert not victim.asked


async def test_proxies_and_logins_of_the_environment_do_not_count(monkeypatch: pytest.MonkeyPatch, home: Chat) -> None:
    async with chatting() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base)
        async with http_client() as http:
            assert await HomeserverClient(home.known(), http).voice_channels(1) == {2, 5}
        assert not proxy.asked


async def test_an_answer_is_taken_up_to_its_bound(home: Chat, client: HomeserverClient) -> None:
    """Both answers are whole messages, with a field that nobody knows."""
    size = ANSWER_LIMIT - 5

    async def padded() -> object:
        return hrpc(b"\xba\x3e" + bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14]) + bytes(size))

    home.faults["QueryHasPermission"] = padded  # type: ignore[assignment]
    assert not await client.has_permission(1, 2, "messages.view", 7)
    size += 1
    with pytest.raises(CannotAsk):
        await client.has_permission(1, 2, "messages.view", 7)


async def test_only_so_many_calls_are_made_at_a_time(home: Chat, client: HomeserverClient) -> None:
    go_on = asyncio.Event()
    inside = most = 0

    async def held() -> object:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await go_on.wait()
        inside -= 1
        return hrpc(b"\x08\x01")

    home.faults["QueryHasPermission"] = held  # type: ignore[assignment]
    async with asyncio.TaskGroup() as tasks:
        for user in range(30):
            tasks.create_task(client.has_permission(1, 2, "messages.view", user))
        await until(lambda: inside == 8)
        go_on.set()
    assert (home.asked["QueryHasPermission"], most) == (30, 8)


async def test_the_log_hears_of_an_outage_once_and_of_its_end(
    home: Chat, client: HomeserverClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="hocket")
    home.faults["Key"] = status(500)
    for _ in range(5):
        with pytest.raises(CannotAsk):
            await client.key()
    del home.faults["Key"]
    await client.key()
    await client.key()
    assert [record.getMessage() for record in caplog.records if record.name == "hocket.auth"] == [
        "the homeserver chat.example.org cannot be asked: status 500",
        "the homeserver chat.example.org can be asked again",
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200))
async def test_garbage_gives_an_answer_or_an_outage_and_never_more(
    home: Chat, client: HomeserverClient, body: bytes
) -> None:
    async def random() -> object:
        return hrpc(body)

    for method, call in CALLS.items():
        home.faults[method] = random  # type: ignore[assignment]
        try:
            answer = await call(client)
        except CannotAsk:
            continue
        assert isinstance(answer, bool | frozenset | Ed25519PublicKey)
