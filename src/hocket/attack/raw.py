"""A TCP connection, and a WebSocket without a library's good manners."""

from __future__ import annotations

import asyncio
import base64
import os
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from hocket.attack.target import Target

PATH = "/protocol.voice.v1.VoiceService/StreamMessage"
CONTINUATION, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
_OPEN_SECONDS = 10.0


def frame(opcode: int, data: bytes = b"", *, final: bool = True, reserved: int = 0) -> bytes:
    """One frame, masked with zeros (RFC 6455 §5.2)."""
    length = len(data)
    size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 127]) + length.to_bytes(8)
    return bytes([0x80 * final | reserved | opcode]) + size + b"\0\0\0\0" + data


class RawRefused(Exception):
    """The server does not take the connection, or answers the upgrade with something else."""


class Raw:
    """See the module's documentation. A context manager that drops the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Over an open connection."""
        self.reader = reader
        self.writer = writer
        self._upgraded = False

    async def __aenter__(self) -> Self:
        """Nothing to wait for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drops the connection."""
        self.writer.transport.abort()

    @classmethod
    async def connect(cls, target: Target) -> Self:
        """Opens a connection to the port of the WebSocket, and says nothing.

        Raises:
            RawRefused: there is none to be had.
        """
        host, port, secure = target.host
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                return cls(*await asyncio.open_connection(host, port, ssl=secure or None))
        except (OSError, TimeoutError) as error:
            raise RawRefused(str(error) or "no answer") from None

    @classmethod
    async def upgrade(cls, target: Target, token: str, *headers: str) -> Self:
        """Opens a WebSocket; `headers` are further lines of the request.

        Raises:
            RawRefused: the server does not want it.
        """
        raw = await cls.connect(target)
        try:
            raw.write(request_head(target, token, *headers))
            async with asyncio.timeout(_OPEN_SECONDS):
                head = await raw.reader.readuntil(b"\r\n\r\n")
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            raw.writer.transport.abort()
            raise RawRefused(str(error) or "no answer") from None
        if not head.startswith(b"HTTP/1.1 101"):
            raw.writer.transport.abort()
            raise RawRefused(head.partition(b"\r\n")[0].decode("latin-1"))
        raw._upgraded = True
        return raw

    def write(self, data: bytes) -> None:
        """Writes, unless the connection is over."""
        if not self.writer.transport.is_closing():
            self.writer.write(data)

    def do_not_read(self) -> None:
        """Takes nothing off the connection from here on."""
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    async def ended(self, seconds: float) -> bool:
        """Reads on; whether the server ends the connection in time, or says on a WebSocket that it is over."""
        try:
            async with asyncio.timeout(seconds):
                if self._upgraded:
                    while await self._opcode() != CLOSE:
                        pass
                else:
                    while await self.reader.read(65_536):
                        pass
        except TimeoutError:
            return False
        except (OSError, EOFError):
            return True
        return True

    async def _opcode(self) -> int:
        """Of the server's next frame, which has no mask."""
        first, length = await self.reader.readexactly(2)
        if length >= 126:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8))
        await self.reader.readexactly(length)
        return first & 0x0F


def request_head(target: Target, token: str, *headers: str) -> bytes:
    """The request that opens a stream."""
    parts = urlsplit(target.url)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {parts.path}{PATH} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: hrpc1"]
    return "\r\n".join([*lines, f"Authorization: {token}", *headers, "", ""]).encode()
