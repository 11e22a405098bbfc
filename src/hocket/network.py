"""The machine's addresses, as the kernel lists them, and those of host names. Sends nothing but name look-ups."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

import ifaddr

from hocket.addresses import Announced, IpAddress
from hocket.config import ConfigError


def own_addresses() -> list[tuple[str, IpAddress]]:
    """The machine's addresses with the names of their interfaces, as the kernel lists them."""
    found: list[tuple[str, IpAddress]] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            text = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            found.append((adapter.nice_name, ipaddress.ip_address(text.partition("%")[0])))
    return found


async def resolve(asked: Sequence[str]) -> tuple[Announced, ...]:
    """The addresses that were asked for; host names are looked up once.

    Raises:
        ConfigError: a name has no address, or an address leads to no machine.
    """
    announced: dict[str, Announced] = {}
    for entry in asked:
        for address in await _look_up(entry):
            if ipaddress.ip_address(address).is_unspecified or ipaddress.ip_address(address).is_multicast:
                raise ConfigError(
                    f"--announce {entry}: no client can connect to this address: give the one that they reach."
                )
            announced.setdefault(address, Announced(address, "asked for" if address == entry else entry))
    return tuple(announced.values())


async def _look_up(entry: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(entry.strip("[]")))]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(entry, None, type=socket.SOCK_DGRAM)
    except OSError:
        hint = " Give no scheme, port or path." if ":" in entry or "/" in entry else ""
        raise ConfigError(f"--announce {entry}: this is neither an IP address nor a name that has one.{hint}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
