"""WIRE.md, "hRPC": streams, frames, errors, on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from hocket.proto import hrpc
from tests.server.running import running, until
from tests.server.wire import PATH, Client, Refused
from tests.voice import shapes


@pytest_asyncio.fixture
async def base() -> AsyncIterator[str]:
    async with running(page=True) as (_, url):
        yield url


async def test_the_subprotocol_hrpc1_is_echoed_and_never_the_token(base: str) -> None:
    async with await Client.open(base, "12%3AAda") as client:
        assert client.socket.response is not None
        assert client.socket.response.headers.get_all("Sec-WebSocket-Protocol") == ["hrpc1"]
        assert "Ada" not in str(client.socket.response.headers)


async def test_compression_is_not_negotiated(base: str) -> None:
    async with await Client.open(base) as client:
        assert client.socket.response is not None
        assert "Sec-WebSocket-Extensions" not in client.socket.response.headers


@pytest.mark.parametrize("header", ["7:Ada", "Bearer 7:Ada", "bearer 7:Ada"])
async def test_the_token_may_come_in_the_authorization_header(base: str, header: str) -> None:
    async with await Client.open(base, headers={"Authorization": header}) as client:
        await client.say(shapes.initialize(hocket=1))
        await client.hear()
        assert (await client.hear()).hocket.welcome.user_id == 7


async def test_the_token_may_come_as_a_second_subprotocol(base: str) -> None:
    async with await Client.open(base, "18446744073709551615%3AZo%C3%AB") as client:
        await client.say(shapes.initialize(hocket=1))
        await client.hear()
        welcome = (await client.hear()).hocket.welcome
        assert (welcome.user_id, welcome.name) == (2**64 - 1, "Zoë")


async def test_without_a_token_somebody_is_a_fresh_guest(base: str) -> None:
    ids = set()
    for _ in range(3):
        async with await Client.open(base) as client:
            await client.say(shapes.initialize(hocket=1))
            await client.hear()
            ids.add((await client.hear()).hocket.welcome.user_id)
    assert len(ids) == 3
    assert min(ids) > 2**53


async def test_a_stream_without_the_subprotocol_is_refused_before_the_upgrade(base: str) -> None:
    with pytest.raises(Refused) as caught:
        await Client.open(base, subprotocols=[])
    assert (caught.value.status, caught.value.identifier) == (400, "hrpc.http.bad-streaming-request")


@pytest.mark.parametrize("token", ["nonsense", "0", "18446744073709551616", "-1", "%FF"])
async def test_a_token_that_is_none_gets_401_before_the_upgrade(base: str, token: str) -> None:
    with pytest.raises(Refused) as caught:
        await Client.open(base, token)
    assert (caught.value.status, caught.value.identifier) == (401, "hocket.unauthenticated")


async def test_an_unknown_service_gets_404(base: str) -> None:
    with pytest.raises(Refused) as caught:
        await Client.open(f"{base}/elsewhere")
    assert (caught.value.status, caught.value.identifier) == (404, "hrpc.not-found")


async def test_an_unknown_method_of_the_voice_service_gets_501(base: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{base}/protocol.voice.v1.VoiceService/Nothing")
    assert answer.status_code == 501
    assert hrpc.Error.FromString(answer.content).identifier == "hrpc.not-implemented"


async def test_a_text_frame_ends_the_stream_with_an_error(base: str) -> None:
    async with await Client.open(base) as client:
        await client.socket.send("hello")
        error = await client.end()
    assert error is not None
    assert error.identifier == "hrpc.http.bad-streaming-request"


@pytest.mark.parametrize("frame", [b"\xff\xff\xff", b"", b"\x0a", b"\x0a\x05\x08", b"\xf8\x3e\x01"])
async def test_a_frame_that_is_no_request_ends_the_stream_with_an_error(base: str, frame: bytes) -> None:
    async with await Client.open(base) as client:
        await client.socket.send(frame)
        error = await client.end()
    assert error is not None
    assert error.identifier.startswith(("hrpc.http.bad-streaming-request", "hocket."))


async def test_an_error_frame_is_followed_by_a_websocket_close(base: str) -> None:
    async with await Client.open(base) as client:
        await client.say(shapes.prepare())
        error = await client.end()
        assert error is not None
        assert error.identifier == "hocket.out-of-order"
        assert client.socket.close_code == 1000


async def test_answers_that_were_due_come_before_the_error(base: str) -> None:
    async with await Client.open(base) as client:
        await client.say(shapes.initialize(), shapes.prepare(), shapes.initialize())
        assert await client.words(2) == ["initialized", "prepared_for_join_channel"]
        error = await client.end()
        assert error is not None
        assert error.identifier == "hocket.out-of-order"


async def test_a_streaming_method_without_an_upgrade_says_so(base: str) -> None:
    async with httpx.AsyncClient() as http:
        for answer in (await http.get(base + PATH), await http.post(base + PATH)):
            assert answer.status_code == 400
            assert answer.headers["content-type"] == "application/hrpc"
            assert answer.headers["hrpc-version"] == "1"
            assert hrpc.Error.FromString(answer.content).identifier == "hrpc.http.bad-streaming-request"


async def test_a_plain_request_tells_what_would_keep_a_stream_out(base: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(base + PATH, headers={"Authorization": "nonsense"})
    assert answer.status_code == 401
    assert hrpc.Error.FromString(answer.content).identifier == "hocket.unauthenticated"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_unknown_fields_are_skipped(base: str) -> None:
    async with await Client.open(base) as client:
        await client.socket.send(shapes.initialize().SerializeToString() + b"\xfa\x7d\x03new")
        assert await client.words(1) == ["initialized"]


async def test_requests_sent_ahead_are_answered_in_order(base: str) -> None:
    async with await Client.open(base) as client:
        assert await client.join() == ["initialized", "prepared_for_join_channel", "joined[]"]


async def test_two_people_learn_of_each_other(base: str) -> None:
    async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
        await ada.join()
        assert await bob.join() == ["initialized", "prepared_for_join_channel", "joined[1]"]
        assert await ada.words(1) == ["+2"]
        await bob.socket.close()
        assert await ada.words(1) == ["-2"]


async def test_everything_is_given_back_when_streams_end() -> None:
    async with running() as (voice, base):
        for _ in range(3):
            clients = [await Client.open(base, str(user_id)) for user_id in range(1, 6)]
            for client in clients:
                await client.join()
            assert voice.engine.dump().producers == 5
            assert voice.engine.dump().consumers == 20
            for number, client in enumerate(clients):
                if number % 2:
                    await client.socket.close()
                else:
                    client.socket.transport.abort()
            await until(lambda: voice.streams == 0)
        dump = voice.engine.dump()
        assert (dump.routers, dump.transports, dump.producers, dump.consumers) == (0, 0, 0, 0)
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}
        assert len([task for task in asyncio.all_tasks() if "Conversation" in repr(task)]) == 0
