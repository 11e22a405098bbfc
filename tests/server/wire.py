"""A client on a real socket, bare enough to do wrong things: hRPC frames over a WebSocket, no media."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from hocket.proto import hrpc, voice
from tests.secrecy import secrecy
from tests.voice import shapes
from tests.voice.people import in_short

PATH = "/protocol.voice.v1.VoiceService/StreamMessage"
PATIENCE = 10.0
"""Seconds that anything may take on a busy machine."""


class Refused(Exception):
    """An error of the server: instead of the upgrade (`status` is HTTP's), or as the last frame."""

    def __init__(self, error: hrpc.Error, status: int | None = None) -> None:
        super().__init__(f"{error.identifier}: {error.human_message}")
        secrecy.read(str(self))
        self.identifier = error.identifier
        self.sentence = error.human_message
        self.status = status
        self.retry_after = hrpc.RetryInfo.FromString(error.details).retry_after if error.details else None


class Closed(Exception):
    """The WebSocket is closed."""


class Client:
    """One stream. As a context manager it closes itself."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.socket.close()

    @classmethod
    async def open(
        cls,
        base: str,
        token: str | None = None,
        *,
        headers: dict[str, str] | None = None,
        subprotocols: Sequence[str] | None = None,
        address: str = "127.0.0.1",
    ) -> Self:
        """Opens a stream below `base` (`http://…`), offering the token as a browser does; from that address."""
        logins = [value for name, value in (headers or {}).items() if name.lower() in ("authorization", "cookie")]
        for secret in (token, *(subprotocols or ()), *logins):
            secrecy.keep(secret)
        offered = (["hrpc1"] if token is None else ["hrpc1", token]) if subprotocols is None else subprotocols
        try:
            socket = await connect(
                base.replace("http", "ws", 1).rstrip("/") + PATH,
                subprotocols=[Subprotocol(name) for name in offered] or None,
                additional_headers=headers,
                proxy=None,
                open_timeout=PATIENCE,
                local_addr=(address, 0),
            )
        except InvalidStatus as refused:
            answer = refused.response
            if (answer.headers.get("Content-Type"), answer.headers.get("Hrpc-Version")) != ("application/hrpc", "1"):
                raise
            raise Refused(hrpc.Error.FromString(bytes(answer.body)), answer.status_code) from None
        return cls(socket)

    async def say(self, *requests: voice.StreamMessageRequest) -> None:
        for request in requests:
            await self.socket.send(request.SerializeToString())

    async def hear(self) -> voice.StreamMessageResponse:
        """The next response. Raises Refused for an error frame, Closed for the end."""
        try:
            async with asyncio.timeout(PATIENCE):
                frame = await self.socket.recv(decode=False)
        except ConnectionClosed:
            raise Closed from None
        assert isinstance(frame, bytes)
        assert frame[0] in (0, 1)
        if frame[0] == 1:
            raise Refused(hrpc.Error.FromString(frame[1:]))
        response = voice.StreamMessageResponse.FromString(frame[1:])
        secrecy.keep_passwords(str(frame))
        return response

    async def words(self, count: int) -> list[str]:
        """The next responses, in short."""
        return [in_short(await self.hear()) for _ in range(count)]

    async def join(self, *, guild: int = 1, channel: int = 2, speaks: bool = True, hocket: int = 0) -> list[str]:
        """All steps; gives the words up to JoinedChannel."""
        await self.say(shapes.initialize(guild, channel, hocket), shapes.prepare(), shapes.join(speaks=speaks))
        return await self.words(4 if hocket else 3)

    async def end(self) -> Refused | None:
        """Reads on to the end; gives the error that came last, if one did. Nothing but a close comes after it."""
        return (await self.last_words())[1]

    async def last_words(self) -> tuple[list[str], Refused | None]:
        """Reads on to the end; gives what was said in short, and the error that came last, if one did."""
        words: list[str] = []
        error = None
        while True:
            try:
                words.append(in_short(await self.hear()))
                assert error is None, "something came after the error"
            except Refused as refused:
                error = refused
            except Closed:
                return words, error
