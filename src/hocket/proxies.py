"""Whose address counts where a proxy stands before the server: `X-Forwarded-For`, believed of named peers alone.

Anybody can write that header. A proxy appends the address that it was asked from, so only what proxies of ours have
appended is worth something: from the right, up to the first address that is none of theirs. That one is the client's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from hocket.addresses import IpAddress
from hocket.config import IpNetwork
from hocket.hrpc.asgi import Receive, Scope, Send
from hocket.policy import parse_address

AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_WITH_PORT = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")
"""`192.0.2.1:4711`, `[2001:db8::1]:4711` and `[2001:db8::1]`; a bare IPv6 address has neither brackets nor a port."""


class BehindProxies:
    """An ASGI app around another, which is told the client's address where a trusted proxy told us."""

    def __init__(self, app: AsgiApp, trusted: Sequence[IpNetwork]) -> None:
        """Believes peers in the networks `trusted`."""
        self._app = app
        self._trusted = tuple(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        client = scope.get("client")
        if client:
            forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            scope = {**scope, "client": (client_address(client[0], forwarded, self._trusted), client[1])}
        await self._app(scope, receive, send)


def client_address(peer: str, forwarded: Sequence[str], trusted: Sequence[IpNetwork]) -> str:
    """The address of whoever asked first.

    Args:
        peer: the address that the connection comes from.
        forwarded: the values of the `X-Forwarded-For` headers, in their order.
        trusted: networks whose hosts say the truth about whom they were asked by.

    Returns:
        The peer's, if it is not trusted. Else the rightmost that is not; if all are, the leftmost. What is no address
        ends the list: whatever stands left of it may be the client's own words.
    """
    address = parse_address(peer)
    if address is None:
        return peer
    for entry in reversed(",".join(forwarded).split(",")):
        if not _is_in(address, trusted):
            break
        before = _read(entry.strip())
        if before is None:
            break
        address = before
    return str(address)


def _is_in(address: IpAddress, networks: Sequence[IpNetwork]) -> bool:
    return any(address in network for network in networks)


def _read(entry: str) -> IpAddress | None:
    found = _WITH_PORT.fullmatch(entry)
    return parse_address((found[1] or found[2]) if found else entry)
