"""T12 to T14, T16, T17, T20: what must not work, on a real socket beside people who are unharmed."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hocket.auth import Credentials, User
from hocket.config import Limits
from hocket.connections import FRAGMENT_LIMIT, HEAD_LIMIT, SHORT_MESSAGE, HttpConnection
from hocket.errors import Unauthenticated
from hocket.hrpc.codec import REQUEST_LIMIT
from hocket.policy import ChannelId, Permissions
from hocket.server import VoiceServer
from tests.server.running import running, until
from tests.server.wire import PATH, Client, Refused
from tests.voice import shapes


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[VoiceServer, str]]:
    async with running() as pair:
        yield pair


def resident() -> int:
    """This process's memory, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Raw:
    """A TCP connection on which a test says what it likes, and a WebSocket without a library's good manners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, base: str) -> Raw:
        return cls(*await asyncio.open_connection("127.0.0.1", int(base.rpartition(":")[2])))

    @classmethod
    async def upgrade(cls, base: str, *headers: str) -> Raw:
        raw = await cls.connect(base)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {PATH} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: hrpc1", *headers]
        raw.writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await raw.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        assert b"permessage-deflate" not in head
        return raw

    def frame(self, opcode: int, data: bytes = b"", *, final: bool = True, reserved: int = 0) -> None:
        """Writes one frame, masked with zeros."""
        length = len(data)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 127]) + length.to_bytes(8, "big")
        self.writer.write(bytes([0x80 * final | reserved | opcode]) + size + b"\0\0\0\0" + data)

    async def closed(self, seconds: float = 10.0) -> bool:
        """Reads on to the end, and closes this side too; False if there is no end in time."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        self.abort()
        return True

    def abort(self) -> None:
        self.writer.transport.abort()


async def test_t12_wrong_json_and_protobuf_cost_one_stream_and_nobody_else_notices(
    server: tuple[VoiceServer, str],
) -> None:
    voice, base = server
    texts = ["", "[]", "{", "nul", '{"codecs": ' + "[" * 10_000, '{"codecs": [' + "{}," * 5_000 + "{}]}", '{"a": NaN}']
    texts += ['{"codecs": [], "codecs": []}', '{"codecs": "\\ud800"}', "\x00", "x" * 70_000, '{"codecs": 1e999}']
    async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
        await ada.join()
        for text in texts:
            async with await Client.open(base, "9") as fool:
                await fool.say(shapes.initialize(), shapes.prepare(text))
                error = await fool.end()
                assert error is not None
                assert error.identifier == "hocket.invalid-parameters", text[:40]
                assert error.sentence.startswith("rtp_capabilities")
        whole = shapes.join().SerializeToString()
        for length in range(1, len(whole), 7):
            async with await Client.open(base, "9") as fool:
                await fool.socket.send(whole[:length])
                assert await fool.end() is not None
        assert (await bob.join())[-1] == "joined[1]"
        assert await ada.words(1) == ["+2"]
    await until(lambda: voice.streams == 0)
    assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}


async def test_t13_an_oversized_frame_ends_its_stream(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    async with await Client.open(base) as client:
        await client.socket.send(b"\0" * (REQUEST_LIMIT + 1))
        error = await client.end()
        assert error is not None
        assert error.identifier == "hrpc.http.bad-streaming-request"
    async with await Client.open(base) as client:
        await client.socket.send(b"\0" * (2 * REQUEST_LIMIT + 1))
        assert await client.end() is None
        assert client.socket.close_code == 1009


async def test_t13_a_compressed_frame_is_not_unpacked(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    raw = await Raw.upgrade(base, "Sec-WebSocket-Extensions: permessage-deflate")
    raw.frame(0x2, b"\x62\x60\x60\x60" * 10, reserved=0x40)
    assert await raw.closed()
    raw.abort()
    await until(lambda: voice.streams == 0)


@pytest.mark.parametrize("steps", [0, 1, 2])
async def test_t13_a_handshake_that_stalls_is_ended_on_time(steps: int) -> None:
    async with running(limits=Limits(step_seconds=1.0)) as (voice, base), await Client.open(base) as client:
        await client.say(*[shapes.initialize(), shapes.prepare()][:steps])
        await client.words(steps)
        error = await client.end()
        assert error is not None
        assert error.identifier == "hocket.timed-out"
        await until(lambda: voice.engine.dump().transports == 0)


async def test_t13_a_joined_stream_has_no_such_limit() -> None:
    async with running(limits=Limits(step_seconds=0.5)) as (_, base), await Client.open(base, "1") as ada:
        await ada.join()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ada.hear(), 1.0)


async def test_t13_too_many_requests_end_the_stream_with_a_time_to_come_back(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
        await ada.join()
        await bob.join()
        await bob.say(*[shapes.resume("1")] * 1_000)
        error = await bob.end()
        assert error is not None
        assert (error.identifier, error.retry_after is not None) == ("hrpc.resource-exhausted", True)
        assert await ada.words(2) == ["+2", "-2"]


async def flood(raw: Raw) -> None:
    """Sends pings of 32 MiB, more than the kernel holds on both sides together."""
    pings = (bytes([0x89, 0x80 | 125]) + b"\0\0\0\0" + b"x" * 125) * 1_000
    for _ in range(32 * 2**20 // len(pings)):
        raw.writer.write(pings)
        await asyncio.wait_for(raw.writer.drain(), 2)


async def test_t13_a_ping_flood_by_a_client_that_does_not_read_fills_no_memory(
    server: tuple[VoiceServer, str],
) -> None:
    voice, base = server
    raw = await Raw.upgrade(base)
    raw.reader._transport.pause_reading()  # type: ignore[attr-defined]
    before = resident()
    with pytest.raises(TimeoutError):  # a server that goes on reading takes it all
        await flood(raw)
    assert resident() - before < 24 * 2**20
    raw.abort()
    await until(lambda: voice.streams == 0)


async def flood_with_requests(client: Client) -> None:
    """Sends 32 MiB of short ones."""
    for _ in range(32 * 2**20 // SHORT_MESSAGE):
        await asyncio.wait_for(client.socket.send(bytes(SHORT_MESSAGE)), 2)


async def test_t13_requests_that_come_while_the_app_is_asked_fill_no_memory() -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def authorize(user: User, channel: ChannelId) -> Permissions:
        asked.set()
        await answered.wait()
        return Permissions()

    async with running(authorize=authorize) as (voice, base):
        hasty = await Client.open(base, "1")
        await hasty.say(shapes.initialize())
        await asked.wait()
        before = resident()
        with pytest.raises(TimeoutError):  # a server that goes on reading takes it all
            await flood_with_requests(hasty)
        assert resident() - before < 24 * 2**20
        answered.set()
        hasty.socket.transport.abort()
        await until(lambda: voice.streams == 0)


async def test_t13_endless_fragments_are_ended(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    raw = await Raw.upgrade(base)
    raw.frame(0x2, final=False)
    for _ in range(2 * FRAGMENT_LIMIT):
        raw.frame(0x0, final=False)
    assert await raw.closed()
    await until(lambda: voice.streams == 0)


async def test_t13_a_connection_that_says_nothing_or_never_ends_its_head_is_closed_on_time(
    server: tuple[VoiceServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "request_seconds", 0.3)
    _, base = server
    silent, slow = [await Raw.connect(base) for _ in range(2)]
    slow.writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    assert await silent.closed()
    assert await slow.closed()


async def test_t13_a_head_without_end_is_not_read_to_its_end(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    began = asyncio.get_running_loop().time()
    endless = await Raw.connect(base)
    endless.writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * (HEAD_LIMIT // 6 + 1))
    assert await endless.closed()
    assert asyncio.get_running_loop().time() - began < HttpConnection.request_seconds


async def test_t13_a_half_closed_socket_leaves_nothing_behind(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    raw = await Raw.upgrade(base)
    await until(lambda: voice.streams == 1)
    raw.writer.write_eof()
    assert await raw.closed()
    await until(lambda: voice.streams == 0)


async def test_t13_streams_of_one_user_and_of_one_address_are_limited() -> None:
    limits = Limits(streams_per_user=2, streams_per_address=4)
    async with running(limits=limits) as (_, base):
        first = [await Client.open(base, "1") for _ in range(2)]
        with pytest.raises(Refused) as caught:
            await Client.open(base, "1")
        assert (caught.value.status, caught.value.identifier) == (429, "hrpc.resource-exhausted")
        assert caught.value.retry_after
        more = [await Client.open(base, "2") for _ in range(2)]
        with pytest.raises(Refused) as caught:
            await Client.open(base, "3")
        assert "address" in caught.value.sentence
        for client in (*first, *more):
            await client.socket.close()
        async with await Client.open(base, "3"):
            pass


async def test_t13_somebody_who_does_not_read_is_closed_as_a_slow_consumer_and_harms_nobody() -> None:
    limits = Limits(outbox=40, participants=16, close_seconds=0.3, address_join_burst=10_000, join_burst=10_000)
    async with running(limits=limits) as (voice, base):
        sleeper = await Client.open(base, "1")
        await sleeper.join(speaks=False)
        sleeper.socket.transport.pause_reading()
        async with await Client.open(base, "2") as reader:
            await reader.join(speaks=False)
            # Until the kernel's buffers on both sides are full, and then uvicorn's, and then the outbox.
            joins = 0
            while voice.streams > 1 and joins < 4_000:
                async with await Client.open(base, "3") as busy:
                    await busy.join()
                    joins += 1
                assert await reader.words(2) == ["+3", "-3"]
                if joins == 50:
                    # The rest of the way in one step: this many frames would take minutes to come about.
                    (conversation,) = [each for each in voice._here._conversations if each.user.id == 1]
                    for _ in range(10_000):
                        conversation._outbox.put(b"\0" * 4_096)
                        await asyncio.sleep(0)
            await until(lambda: [view.user.id for view in voice.channels[1, 2].participants] == [2])  # type: ignore[index]
        sleeper.socket.transport.abort()
        await until(lambda: voice.streams == 0)


async def test_t14_a_foreign_origin_without_a_token_gets_403(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    with pytest.raises(Refused) as caught:
        await Client.open(base, headers={"Origin": "https://evil.example"})
    assert (caught.value.status, caught.value.identifier) == (403, "hocket.permission-denied")


async def test_t14_under_open_auth_a_token_does_not_excuse_a_foreign_origin(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    with pytest.raises(Refused) as caught:
        await Client.open(base, "1", headers={"Origin": "https://evil.example"})
    assert caught.value.status == 403


async def test_t14_the_own_origin_comes_in(server: tuple[VoiceServer, str]) -> None:
    _, base = server
    async with await Client.open(base, headers={"Origin": base}) as client:
        assert (await client.join())[-1] == "joined[]"


async def test_t14_an_origin_that_is_allowed_comes_in() -> None:
    friend = "https://friend.example"
    async with running(allowed_origins=[friend]) as (_, base), await Client.open(base, headers={"Origin": friend}):
        pass


async def cookies_or_tokens(credentials: Credentials) -> User | None:
    """An app's own rule: a token, or what the browser sends along by itself."""
    if credentials.token == "secret" or credentials.headers.get("cookie") == "session=secret":
        return User(1)
    return None


async def test_t14_a_foreign_page_may_bring_a_token_but_not_ride_on_a_cookie() -> None:
    cookie, foreign = {"Cookie": "session=secret"}, {"Origin": "https://evil.example"}
    async with running(authenticate=cookies_or_tokens) as (_, base):
        async with await Client.open(base, headers=cookie | {"Origin": base}):
            pass
        async with await Client.open(base, "secret", headers=foreign):
            pass
        with pytest.raises(Refused) as caught:
            await Client.open(base, headers=cookie | foreign)
        assert caught.value.status == 403
        with pytest.raises(Refused) as caught:
            await Client.open(base, "wrong")
        assert caught.value.status == 401


async def test_t14_a_wrong_token_carries_no_cookie_of_a_foreign_page_in() -> None:
    cookie, friend = {"Cookie": "session=secret"}, "https://friend.example"
    async with running(authenticate=cookies_or_tokens, allowed_origins=[friend]) as (_, base):
        for origin in (base, friend):
            async with await Client.open(base, "wrong", headers=cookie | {"Origin": origin}):
                pass
        with pytest.raises(Refused) as caught:
            await Client.open(base, "wrong", headers=cookie | {"Origin": "https://evil.example"})
        assert (caught.value.status, caught.value.identifier) == (401, "hocket.unauthenticated")


async def test_t14_a_login_of_the_browsers_own_is_no_token_of_a_foreign_page() -> None:
    headers = {"Authorization": "Basic YWRhOnNlY3JldA==", "Origin": "https://evil.example"}

    async def believes_all(credentials: Credentials) -> User:
        return User(1)

    async with running(authenticate=believes_all) as (_, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base, headers=headers)
        assert caught.value.status == 403


async def test_t16_a_kicked_user_is_out_at_once_and_stays_out_until_allowed(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
        await ada.join()
        await bob.join()
        assert await voice.kick(2, reason="Enough.") == 1
        assert voice.engine.dump().producers == 1
        error = await bob.end()
        assert error is not None
        assert (error.identifier, error.sentence) == ("hocket.kicked", "Enough.")
        assert await ada.words(2) == ["+2", "-2"]
        async with await Client.open(base, "2") as again:
            await again.say(shapes.initialize())
            error = await again.end()
            assert error is not None
            assert error.identifier == "hocket.kicked"
        await voice.allow(2)
        async with await Client.open(base, "2") as again:
            assert (await again.join())[-1] == "joined[1]"


async def test_t17_any_order_of_requests_ends_in_one_error_and_the_server_goes_on(
    server: tuple[VoiceServer, str],
) -> None:
    _, base = server
    requests = [shapes.initialize(), shapes.prepare(), shapes.join(), shapes.resume("1"), shapes.set_muted()]
    for first in requests:
        for second in requests:
            async with await Client.open(base, "1") as client:
                await client.say(first, second)
                if first is requests[0] and second is requests[1]:
                    assert await client.words(2) == ["initialized", "prepared_for_join_channel"]
                    continue
                error = await client.end()
                assert error is not None
                assert error.identifier == "hocket.out-of-order"


async def test_t20_our_own_faults_tell_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(credentials: Credentials) -> User:
        raise RuntimeError(f"cannot look up {credentials.token}")

    async with running(authenticate=broken) as (_, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base, "hidden")
    assert (caught.value.status, caught.value.identifier) == (500, "hrpc.internal-server-error")
    assert "look up" not in caught.value.sentence
    assert "a stream failed" in caplog.text


async def test_an_authentication_that_hangs_is_ended_with_a_time_to_come_back() -> None:
    async def hanging(credentials: Credentials) -> User:
        await asyncio.Event().wait()
        raise Unauthenticated

    async with running(authenticate=hanging, limits=Limits(authorize_seconds=0.2)) as (voice, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base, "1")
        assert (caught.value.status, caught.value.identifier) == (503, "hrpc.unavailable")
        assert voice.dump()["counts"] == {}


async def test_silent_loss_is_seen_by_the_websockets_ping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hocket.serving.PING_INTERVAL", 1.0)
    monkeypatch.setattr("hocket.serving.PING_TIMEOUT", 1.0)
    async with running() as (voice, base), await Client.open(base, "2") as bob:
        await bob.join()
        lost = await Raw.upgrade(base, "Authorization: 1")  # it answers no ping, and closes nothing
        for request in (shapes.initialize(), shapes.prepare(), shapes.join()):
            lost.frame(0x2, request.SerializeToString())
        assert await bob.words(2) == ["+1", "-1"]
        await until(lambda: voice.streams == 1)
        lost.abort()


def test_silent_loss_is_seen_within_30_seconds() -> None:
    from hocket.config import PING_INTERVAL, PING_TIMEOUT

    assert PING_INTERVAL + PING_TIMEOUT < 30
