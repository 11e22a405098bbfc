"""What is attacked: a server's signalling and its media port, which its own words tell."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from urllib.parse import urlsplit

from hocket.attack.options import AttackOptions
from hocket.load import shapes
from hocket.load.shapes import Remote
from hocket.load.stream import Request, Stream, StreamError

FIRST_ATTACKER = 11
"""Number of the first token of an attacker; those before it are the two people's and of who joins after an attack."""


EXHAUSTED = "hrpc.resource-exhausted"
"""The reason of a server that has had enough for now."""

_PATIENCE_SECONDS = 10.0
_AGAIN_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Target:
    """A server.

    Attributes:
        url: where the service is mounted, as a WebSocket URL.
        media: address of its media port, as getaddrinfo gives it.
    """

    url: str
    media: tuple[str, int]
    options: AttackOptions

    @property
    def channel(self) -> int:
        """The channel that attackers join: not that of the two people."""
        return self.options.first_channel + 1

    def token(self, number: int) -> str:
        """The token of an attacker, counted from 0."""
        return self.options.token(FIRST_ATTACKER + number)

    def prepared(self, number: int) -> AbstractAsyncContextManager[tuple[Stream, Remote]]:
        """A stream of an attacker; see `prepared`."""
        return prepared(self.url, self.token(number), self.options.guild, self.channel)

    @property
    def host(self) -> tuple[str, int, bool]:
        """Host, TCP port and whether TLS is spoken there."""
        parts = urlsplit(self.url)
        secure = parts.scheme == "wss"
        return parts.hostname or "", parts.port or (443 if secure else 80), secure

    def datagram_socket(self, source: int = 0) -> socket.socket:
        """An unblocking socket on a fresh port.

        On loopback also from one of many addresses, as `source` says; each second is one from which the load client
        speaks for the two people, with another port.
        """
        family = socket.AF_INET6 if ":" in self.media[0] else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            if self.media[0].startswith("127."):
                made.bind((f"127.0.1.{source % 256}" if source % 2 else f"127.1.0.{source // 2 % 4}", 0))
            made.connect(self.media)
        except BaseException:
            made.close()
            raise
        return made


async def opened(url: str, token: str) -> Stream:
    """A stream, which is asked for again while the server says that there were too many: attackers before us, mostly.

    Raises:
        StreamError: the server refused for another reason, for 10 s, or does not answer.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await Stream.open(url, token)
        except StreamError as error:
            if error.reason != EXHAUSTED or time.monotonic() > until:
                raise
        await asyncio.sleep(_AGAIN_SECONDS)


@contextlib.asynccontextmanager
async def prepared(url: str, token: str, guild: int, channel: int) -> AsyncIterator[tuple[Stream, Remote]]:
    """A stream that has gone as far as its transports, and the server's end of the one to hear on.

    Raises:
        StreamError: the server refused, or does not answer.
        ShapeError: the server's JSON is none.
    """
    stream = await opened(url, token)
    try:
        await stream.send(Request(initialize=Request.Initialize(guild_id=guild, channel_id=channel)))
        router = (await stream.expect("initialized")).initialized.rtp_capabilities
        asked = Request.PrepareForJoinChannel(rtp_capabilities=shapes.receiving(router))
        await stream.send(Request(prepare_for_join_channel=asked))
        answer = (await stream.expect("prepared_for_join_channel")).prepared_for_join_channel
        yield stream, shapes.read_transport(answer.consumer_transport_options)
    finally:
        await stream.close()


async def find(url: str, options: AttackOptions) -> Target:
    """Asks a server where its media port is.

    Raises:
        StreamError: the server refused, or does not answer.
        ShapeError: the server's JSON is none, or its address is no IP address.
    """
    async with prepared(url, options.token(FIRST_ATTACKER), options.guild, options.first_channel + 1) as (_, remote):
        return Target(url, remote.addresses[0], options)
