"""Which of the machine's own addresses clients are told for media. Pure; `network` asks the kernel."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

OWN_LIMIT = 8
"""Most of the machine's own addresses that are announced: each costs every client connectivity checks."""

_VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni", "flannel", "podman")
"""Interfaces on which no person's browser sits; announced last."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Announced:
    """An address that clients are told. `why`: where it comes from, for people: `asked for`, `eth0`, `loopback`."""

    address: str
    why: str


def is_virtual(name: str) -> bool:
    """Whether an interface of this name joins containers or virtual machines, and no people."""
    return name.startswith(_VIRTUAL)


def choose(own: Iterable[tuple[str, IpAddress]], *, loopback: bool | None) -> tuple[Announced, ...]:
    """What to announce when nothing was asked for. Pure.

    A browser elsewhere needs an address of the network that it shares with this machine. A browser on this machine can
    use those too, but on a machine without a network only the loopback is left.

    Args:
        own: interface names and addresses, as `own_addresses` gives them.
        loopback: True: the loopback first, for a page that is opened on this machine alone. None: it comes last.
            False: only if there is nothing else.
    """
    usable = [(name, ip) for name, ip in own if not (ip.is_link_local or ip.is_multicast or ip.is_unspecified)]
    outer = [(name, ip) for name, ip in usable if not ip.is_loopback]
    # Stable: IPv4 before IPv6, interfaces of people before those of containers.
    outer.sort(key=lambda entry: (is_virtual(entry[0]), entry[1].version))
    chosen = [Announced(str(ip), name) for name, ip in outer[:OWN_LIMIT]]
    inner = [Announced(str(ip), "loopback") for _, ip in usable if ip.is_loopback and ip.version == 4][:1]
    if loopback is None:
        return (*chosen, *inner)
    if loopback:
        return (*inner, *chosen)
    return tuple(chosen) or tuple(inner)
