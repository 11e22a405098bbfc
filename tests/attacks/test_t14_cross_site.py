"""T14: a page of another site comes in only with a token, and a token is a secret: never sent back, never logged."""

from __future__ import annotations

import asyncio
import itertools
import logging

import httpx
import pytest

from hocket.auth import Credentials, User
from hocket.server import VoiceServer
from tests.server.running import running
from tests.server.test_attacks import Raw
from tests.server.wire import PATH, PATIENCE, Client, Refused
from tests.voice import shapes

CLOSE = b"\x88\x02\x03\xe8"
"""A close frame with code 1000."""

TOKEN = "topsecret-of-ada"
FOREIGN = ("https://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example", "//", "")


async def knows_the_token(credentials: Credentials) -> User | None:
    return User(1) if credentials.token == TOKEN else None


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("login", [{}, {"Cookie": "session=x"}, {"Authorization": "Basic eDp5"}])
async def test_a_foreign_origin_without_a_token_gets_403_whatever_the_browser_adds(
    origin: str, login: dict[str, str]
) -> None:
    asked: list[Credentials] = []

    async def believes_all(credentials: Credentials) -> User:
        asked.append(credentials)
        return User(1)

    async with running(authenticate=believes_all) as (_, base):
        with pytest.raises(Refused) as caught:
            await Client.open(base, headers=login | {"Origin": origin})
        assert (caught.value.status, caught.value.identifier) == (403, "hocket.permission-denied")
        async with httpx.AsyncClient(trust_env=False) as http:  # how a page asks why
            assert (await http.get(base + PATH, headers=login | {"Origin": origin})).status_code == 403
    assert asked == [], "the app is not even asked"


async def test_a_foreign_origin_with_the_token_comes_in_and_with_another_does_not() -> None:
    async with running(authenticate=knows_the_token) as (_, base):
        for origin in FOREIGN:
            async with await Client.open(base, TOKEN, headers={"Origin": origin}):
                pass
            with pytest.raises(Refused) as caught:
                await Client.open(base, "wrong", headers={"Origin": origin})
            assert caught.value.status == 401


async def test_the_token_of_a_subprotocol_is_never_echoed_and_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hocket")
    async with running(authenticate=knows_the_token) as (_, base):
        for offered in (f"hrpc1, {TOKEN}", f"hrpc1,{TOKEN}", f"hrpc1, {TOKEN}, {TOKEN}"):
            raw = await Raw.connect(base)
            raw.writer.write(request(offered))
            head = await raw.reader.readuntil(b"\r\n\r\n")
            assert TOKEN.encode() not in head
            if head.startswith(b"HTTP/1.1 101"):
                assert head.lower().count(b"sec-websocket-protocol: hrpc1\r\n") == 1
                raw.frame(0x2, shapes.prepare("[]").SerializeToString())  # an error, which ends it
            assert TOKEN.encode() not in await rest(raw)
        async with await Client.open(base, TOKEN) as ada:
            assert ada.socket.subprotocol == "hrpc1"
            await ada.say(shapes.initialize())
            await ada.words(1)
    assert "stream opened" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_token_that_is_refused_is_neither_echoed_nor_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "hocket")

    async def refuses(credentials: Credentials) -> User | None:
        return None

    async def fails(credentials: Credentials) -> User | None:
        raise LookupError("no such session")

    for authenticate, first in itertools.product((refuses, fails, None), ("hrpc1", "hrpc2", "")):
        async with running(authenticate=authenticate) as (_, base):
            raw = await Raw.connect(base)
            raw.writer.write(request(f"{first}, {TOKEN}".lstrip(", ")))
            answer = await rest(raw)
            assert answer.startswith(b"HTTP/1.1 ")
            assert b"101" not in answer.splitlines()[0]
            assert TOKEN.encode() not in answer
    assert TOKEN not in caplog.text


async def test_what_the_server_tells_of_itself_holds_no_token() -> None:
    async with running(authenticate=knows_the_token) as (voice, base), await Client.open(base, TOKEN) as ada:
        await ada.join()
        assert TOKEN not in told(voice)


def told(voice: VoiceServer) -> str:
    assert voice._service is not None
    return f"{voice.dump()} {voice.channels} {voice.engine.dump()} {voice._service._conversations}"


def request(subprotocols: str) -> bytes:
    """A WebSocket's opening, word for word."""
    lines = [f"GET {PATH} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += [f"Sec-WebSocket-Protocol: {subprotocols}", "", ""]
    return "\r\n".join(lines).encode()


async def rest(raw: Raw) -> bytes:
    """What still comes, up to the end or to the WebSocket's close frame."""
    read = b""
    async with asyncio.timeout(PATIENCE):
        while CLOSE not in read and (chunk := await raw.reader.read(65_536)):
            read += chunk
    raw.abort()
    return read
