"""A server that is harmed: Hocket itself behind a media relay and signalling that make mistakes on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from hocket.proto import voice
from hocket.server import VoiceServer
from tests.server.running import uvicorn_running

STRANGERS = 300
"""Addresses that the relay knows what to do with; with more, it loses packets."""

LONG_REQUEST = 200_000
"""Bytes of a request that have the server lose its mind, and everybody their stream."""

Message = MutableMapping[str, Any]


class Relay(asyncio.DatagramProtocol):
    """Passes datagrams on to the media port and back, with a socket of its own for each client.

    Mistakes: it keeps something for each address that it has ever heard of and gets slower by it, so that each tenth
    packet is lost; and whoever asks with a ClientHello gets three times as much back, without having proved anything.
    """

    clients: asyncio.DatagramTransport

    def __init__(self, media: tuple[str, int]) -> None:
        self.media = media
        self.lines: dict[tuple[str, int], asyncio.DatagramTransport | None] = {}
        self.passed = 0

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if data[0] == 22 and address not in self.lines:
            self.lines[address] = None  # the mistake of T1: state for a stranger
            self.clients.sendto(data * 3, address)
            return
        if address not in self.lines:
            self.lines[address] = None
            self.opening = asyncio.ensure_future(self.open(address, data))
        line = self.lines[address]
        self.passed += 1
        if line is not None and not (len(self.lines) > STRANGERS and self.passed % 10 == 0):
            line.sendto(data)

    async def open(self, address: tuple[str, int], first: bytes) -> None:
        back = Back(lambda data: self.clients.sendto(data, address))
        loop = asyncio.get_running_loop()
        line, _ = await loop.create_datagram_endpoint(lambda: back, remote_addr=self.media)
        self.lines[address] = line
        line.sendto(first)

    async def close(self) -> None:
        for line in (self.clients, *self.lines.values()):
            if line is not None:
                line.abort()
        await asyncio.sleep(0)  # the turn in which they end


class Back(asyncio.DatagramProtocol):
    """The other half of a client's line."""

    def __init__(self, give: Callable[[bytes], None]) -> None:
        self.give = give

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.give(data)


@contextlib.asynccontextmanager
async def weak_server() -> AsyncIterator[str]:
    """Runs one; gives its URL."""
    hocket = VoiceServer(announce=["127.0.0.1"], workers=1, page=False)
    async with hocket:
        relay = Relay(("127.0.0.1", hocket.engine.port))
        loop = asyncio.get_running_loop()
        relay.clients, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
        port = relay.clients.get_extra_info("sockname")[1]
        config = uvicorn.Config(weak(hocket, port), lifespan="off", log_config=None, ws_max_size=2**24)
        try:
            async with uvicorn_running(config) as base:
                yield base
                await hocket.drain()
        finally:
            await relay.close()


def weak(hocket: VoiceServer, media_port: int) -> Callable[..., Awaitable[None]]:
    """The app, which announces the relay, and where one long request ends everybody's stream."""

    async def app(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[..., Awaitable[None]]
    ) -> None:
        async def hear() -> Message:
            message = await receive()
            if len(message.get("bytes") or b"") > LONG_REQUEST:
                for user in (9_000_001, 9_000_002):
                    await hocket.kick(user)
            return message

        async def tell(message: Message) -> None:
            data = message.get("bytes") or b"\1"
            if data[0] == 0:
                message = {**message, "bytes": b"\0" + through_relay(data[1:], media_port)}
            await send(message)

        await hocket.asgi(scope, hear, tell)

    return app


def through_relay(data: bytes, media_port: int) -> bytes:
    """An answer whose candidates are the relay's."""
    answer = voice.StreamMessageResponse.FromString(data)
    if answer.WhichOneof("message") == "prepared_for_join_channel":
        prepared = answer.prepared_for_join_channel
        for options in (prepared.consumer_transport_options, prepared.producer_transport_options):
            candidates = [json.loads(text) | {"port": media_port} for text in options.ice_candidates]
            del options.ice_candidates[:]
            options.ice_candidates.extend(json.dumps(candidate) for candidate in candidates)
    return answer.SerializeToString()
