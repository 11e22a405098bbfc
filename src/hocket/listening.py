"""The listening sockets of `hocket serve`, and what an operator is told when there are none."""

from __future__ import annotations

import errno
import socket

from hocket.config import ConfigError, StartError

BACKLOG = 1_024

_UNSENT_MS = 20_000
"""How long the kernel keeps data that a client does not take, before it drops the connection (`TCP_USER_TIMEOUT`)."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of `host`, all on one port.

    Raises:
        ConfigError: the host name has no address.
        StartError: the port is taken, or not ours to take.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigError(f"--host {host}: this is neither an IP address nor a name that has one.") from None
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            sockets.append(_listen(family, (address[0], port, *address[2:])))
            port = port or sockets[0].getsockname()[1]
    except OSError as error:
        for each in sockets:
            each.close()
        raise why(error, f"TCP port {port} on {host}", "--port") from None
    return sockets


def _listen(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # `::` takes IPv4 too where the system lets it: whoever asks for every address means every address.
            dual = address[0] == "::" and socket.has_dualstack_ipv6()
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MS)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def why(error: OSError, what: str, option: str) -> StartError:
    """An operator's sentence for what the kernel says of a port."""
    name = error.strerror or str(error)
    if isinstance(error, PermissionError):
        return StartError(f"{what} is not for this user: {name}. Choose one from 1024 on with {option}.")
    if error.errno == errno.EADDRNOTAVAIL:
        return StartError(f"{what} cannot be used: this machine has no such address.")
    return StartError(f"{what} cannot be used: {name}. Is Hocket running already? Choose another with {option}.")
