"""Unary calls over HTTP: an authenticator may bring some, beside the stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from hocket.auth import Credentials, User
from hocket.errors import PermissionDenied, Unavailable
from hocket.hrpc import asgi
from hocket.hrpc.service import UNARY_LIMIT
from hocket.proto import hrpc
from hocket.server import VoiceServer
from tests.server.running import running, uvicorn_running
from tests.server.test_attacks import Raw
from tests.server.wire import Client, Refused

PAGE = "https://web.example.org"
ECHO = "/example.v1.EchoService/Echo"
HRPC = {"content-type": "application/hrpc"}


class Echo:
    """An authenticator with a call of its own."""

    def __init__(self) -> None:
        self.unary = {ECHO: self.echo}

    async def __call__(self, credentials: Credentials) -> User:
        return User(7)

    async def echo(self, body: bytes) -> bytes:
        if body == b"away":
            raise Unavailable(retry_after=9)
        if body == b"no":
            raise PermissionDenied
        if body == b"bug":
            raise RuntimeError("secret")
        return body


@pytest_asyncio.fixture
async def base() -> AsyncIterator[str]:
    async with running(authenticate=Echo(), allowed_origins=[PAGE], page=True) as (_, url):
        yield url


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def test_a_call_is_answered_as_hrpc_answers(base: str, http: httpx.AsyncClient) -> None:
    answer = await http.post(base + ECHO, content=b"hello", headers=HRPC)
    assert (answer.status_code, answer.content) == (200, b"hello")
    assert answer.headers["content-type"] == "application/hrpc"
    assert answer.headers["hrpc-version"] == "1"


async def test_an_empty_answer_is_one(base: str, http: httpx.AsyncClient) -> None:
    answer = await http.post(base + ECHO, content=b"", headers=HRPC)
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("body", "status", "identifier"),
    [
        (b"away", 503, "hrpc.unavailable"),
        (b"no", 403, "hocket.permission-denied"),
        (b"bug", 500, "hrpc.internal-server-error"),
        (bytes(UNARY_LIMIT + 1), 400, "hrpc.http.bad-unary-request"),
    ],
)
async def test_an_error_is_a_status_and_a_serialized_error(
    base: str, http: httpx.AsyncClient, body: bytes, status: int, identifier: str
) -> None:
    answer = await http.post(base + ECHO, content=body, headers=HRPC)
    error = hrpc.Error.FromString(answer.content)
    assert (answer.status_code, error.identifier) == (status, identifier)
    assert "secret" not in answer.text
    if status == 503:
        assert answer.headers["retry-after"] == "9"
        assert hrpc.RetryInfo.FromString(error.details).retry_after == 9


async def test_the_longest_call_is_taken(base: str, http: httpx.AsyncClient) -> None:
    answer = await http.post(base + ECHO, content=bytes(UNARY_LIMIT), headers=HRPC)
    assert len(answer.content) == UNARY_LIMIT


async def test_what_is_no_call_is_refused(base: str, http: httpx.AsyncClient) -> None:
    for answer in (
        await http.get(base + ECHO),
        await http.post(base + ECHO, content=b"x", headers={"content-type": "text/plain"}),
        await http.options(base + ECHO),
    ):
        assert answer.status_code == 400
        assert hrpc.Error.FromString(answer.content).identifier == "hrpc.http.bad-unary-request"


async def test_a_websocket_is_none(base: str) -> None:
    raw = await Raw.connect(base)
    raw.writer.write(
        f"GET {ECHO} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: hrpc1\r\n\r\n".encode()
    )
    assert (await raw.reader.readline()).startswith(b"HTTP/1.1 400")
    raw.abort()


async def test_another_method_of_its_service_is_not_implemented(base: str, http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{base}/example.v1.EchoService/BeginAuth", headers=HRPC)
    assert answer.status_code == 501


async def test_a_server_whose_authenticator_brings_none_has_none(http: httpx.AsyncClient) -> None:
    async with running() as (_, base):
        assert (await http.post(base + ECHO, headers=HRPC)).status_code == 404


async def test_streams_are_opened_as_ever(base: str) -> None:
    async with await Client.open(base) as client:
        assert (await client.join())[-1] == "joined[]"
    with pytest.raises(Refused):
        await Client.open(base, subprotocols=[])


async def test_a_page_that_is_allowed_can_call_and_read_errors(base: str, http: httpx.AsyncClient) -> None:
    asks = {"origin": PAGE, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = await http.options(base + ECHO, headers=asks)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, PAGE)
    assert "content-length" not in answer.headers
    for body, status in ((b"hello", 200), (b"away", 503), (b"bug", 500)):
        answer = await http.post(base + ECHO, content=body, headers={**HRPC, "origin": PAGE})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PAGE)


async def test_another_page_is_told_nothing(base: str, http: httpx.AsyncClient) -> None:
    asks = {"origin": "https://evil.example.org", "access-control-request-method": "POST"}
    answers = [
        await http.options(base + ECHO, headers=asks),
        await http.post(base + ECHO, content=b"hello", headers={**HRPC, "origin": "https://evil.example.org"}),
    ]
    assert [answer.status_code for answer in answers] == [400, 200]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


async def test_nothing_but_unary_calls_is_opened_to_other_pages(base: str, http: httpx.AsyncClient) -> None:
    asks = {"origin": PAGE, "access-control-request-method": "POST"}
    for path in ("/", "/protocol.voice.v1.VoiceService/StreamMessage", "/example.v1.EchoService/Other"):
        answer = await http.options(base + path, headers=asks)
        assert answer.status_code >= 400
        assert "access-control-allow-origin" not in answer.headers


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    monkeypatch.setattr(asgi, "_BODY_SECONDS", 0.2)
    raw = await Raw.connect(base)
    raw.writer.write(
        f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/hrpc\r\nContent-Length: 9\r\n\r\nhalf".encode()
    )
    async with asyncio.timeout(10):
        assert (await raw.reader.readline()).startswith(b"HTTP/1.1 408")
    raw.abort()


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(
    base: str, http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    raw = await Raw.connect(base)
    raw.writer.write(
        f"POST {ECHO} HTTP/1.1\r\nHost: x\r\nContent-Type: application/hrpc\r\nContent-Length: 9\r\n\r\nhalf".encode()
    )
    await raw.writer.drain()
    raw.abort()
    assert (await http.post(base + ECHO, content=b"hello", headers=HRPC)).content == b"hello"
    assert not caplog.records


async def test_calls_are_found_below_any_prefix(http: httpx.AsyncClient) -> None:
    voice = VoiceServer(announce=["127.0.0.1"], workers=1, authenticate=Echo(), page=True)
    app = Starlette(routes=[Mount("/voice", app=voice.asgi)], lifespan=voice.lifespan)
    async with uvicorn_running(uvicorn.Config(app, lifespan="on", log_config=None)) as base:
        assert (await http.post(f"{base}/voice{ECHO}", content=b"hello", headers=HRPC)).content == b"hello"
