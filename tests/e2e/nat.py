"""A NAT between clients and the server's media port. It can forget its mappings as home routers do, and lose datagrams.

The loss is made here and not by the kernel: netem is a module that many machines have not.
"""

from __future__ import annotations

import asyncio
import random
from typing import Self

Address = tuple[str, int]


class Nat:
    """Relays datagrams on loopback: every client address gets an outer socket of its own. Use it as a context manager.

    Attributes:
        port: where clients send to.
        loss: share of the datagrams that is lost either way, 0 … 1.
        lost_rtp: audio packets lost on the way to clients so far.
    """

    def __init__(self) -> None:
        self.port = 0
        self.loss = 0.0
        self.lost_rtp = 0
        self._chance = random.Random(20)
        self._server: Address = ("127.0.0.1", 0)
        self._inner: asyncio.DatagramTransport | None = None
        self._outer: dict[Address, asyncio.DatagramTransport] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._inner, _ = await loop.create_datagram_endpoint(lambda: _Inner(self), local_addr=("127.0.0.1", 0))
        self.port = self._inner.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._inner is not None
        for transport in (self._inner, *self._outer.values()):
            transport.close()

    @property
    def mappings(self) -> list[int]:
        """The outer ports in use: what the server takes for the clients' ports."""
        return [transport.get_extra_info("sockname")[1] for transport in self._outer.values()]

    def lead_to(self, server: Address) -> None:
        """Says where the server's media port is; known once a client was told."""
        self._server = server

    async def forget(self) -> None:
        """Gives every client a new outer port, and drops what still comes to the old ones."""
        clients = list(self._outer)
        for client in clients:
            self._outer.pop(client).close()
        for client in clients:
            await self._map(client)

    async def outward(self, data: bytes, client: Address) -> None:
        """Passes a client's datagram on, or loses it."""
        if self._chance.random() < self.loss:
            return
        if client not in self._outer:
            await self._map(client)
        self._outer[client].sendto(data)

    def inward(self, data: bytes, client: Address) -> None:
        """Passes the server's answer on, or loses it."""
        if self._chance.random() < self.loss:
            self.lost_rtp += is_rtp(data)
            return
        assert self._inner is not None
        self._inner.sendto(data, client)

    async def _map(self, client: Address) -> None:
        loop = asyncio.get_running_loop()
        outer, _ = await loop.create_datagram_endpoint(lambda: _Outer(self, client), remote_addr=self._server)
        if client in self._outer:
            outer.close()
        else:
            self._outer[client] = outer


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is RTP, and neither STUN, DTLS nor RTCP (RFC 7983 §7, RFC 5761 §4)."""
    return len(data) > 12 and 128 <= data[0] <= 191 and not 64 <= data[1] & 0x7F <= 95


class _Inner(asyncio.DatagramProtocol):
    """The side of the clients."""

    def __init__(self, nat: Nat) -> None:
        self._nat = nat
        self._tasks: set[asyncio.Future[None]] = set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        task = asyncio.ensure_future(self._nat.outward(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Outer(asyncio.DatagramProtocol):
    """The side of the server, for one client."""

    def __init__(self, nat: Nat, client: Address) -> None:
        self._nat = nat
        self._client = client

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._nat.inward(data, self._client)
