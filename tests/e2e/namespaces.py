"""Hosts of the tests' own on this machine: Linux network namespaces around a switch, with IPv4 and IPv6.

Everything is made by `ip netns` and goes with the network that made it; nothing outside the namespaces is changed.
Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

PREFIX = "hocket-"


def run(*command: str) -> str:
    """Runs one command; its output, or an error that holds what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Host:
    """One host: a namespace with one interface on the switch."""

    def __init__(self, network: Network, name: str, number: int) -> None:
        self.namespace = f"{PREFIX}{os.getpid()}-{name}"
        self.interface = "eth0"
        self._number = number
        self._switch_port = f"port{number}"
        run("ip", "netns", "add", self.namespace)
        peer = ("peer", "name", self.interface, "netns", self.namespace)
        run("ip", "-n", network.switch, "link", "add", self._switch_port, "type", "veth", *peer)
        run("ip", "-n", network.switch, "link", "set", self._switch_port, "master", "switch", "up")
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", self.interface, "up")
        self.ipv4, self.ipv6 = self._addresses(number)
        self._add_addresses()

    @property
    def enter(self) -> tuple[str, ...]:
        """What to put before a command, so that it runs on this host."""
        return ("ip", "netns", "exec", self.namespace)

    def ip(self, *arguments: str) -> str:
        """Runs `ip` inside the host."""
        return run("ip", "-n", self.namespace, *arguments)

    def change_address(self) -> None:
        """Takes the host's addresses away and gives it new ones, as a change of network does."""
        self.ip("address", "del", f"{self.ipv4}/16", "dev", self.interface)
        self.ip("address", "del", f"{self.ipv6}/64", "dev", self.interface)
        self._number += 100
        self.ipv4, self.ipv6 = self._addresses(self._number)
        self._add_addresses()

    def connect(self, address: str, port: int) -> socket.socket:
        """A TCP connection that begins on this host, for a program outside of it."""
        with self.inside():
            return socket.create_connection((address, port))

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """The sockets that this thread opens in the block are this host's, and so are the threads that it starts."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            _set_namespace(there)
            yield
        finally:
            _set_namespace(home)
            os.close(there)
            os.close(home)

    def unplug(self) -> None:
        """Cuts the host off without a word: its cable leads nowhere, and the host itself notices nothing."""
        self._plug("nomaster")

    def plug_in(self) -> None:
        """Undoes `unplug`."""
        self._plug("master", "switch")

    def _plug(self, *where: str) -> None:
        switch = self.namespace.rsplit("-", 1)[0] + "-switch"
        run("ip", "-n", switch, "link", "set", self._switch_port, *where)

    def _addresses(self, number: int) -> tuple[str, str]:
        return f"10.77.{number // 200}.{number % 200 + 1}", f"fd77::{number + 1:x}"

    def _add_addresses(self) -> None:
        self.ip("address", "add", f"{self.ipv4}/16", "dev", self.interface)
        self.ip("address", "add", f"{self.ipv6}/64", "dev", self.interface, "nodad")


class Network:
    """A switch and its hosts. Use it as a context manager."""

    def __init__(self) -> None:
        self.switch = f"{PREFIX}{os.getpid()}-switch"
        self._hosts: list[Host] = []

    def __enter__(self) -> Self:
        remove_stale()
        run("ip", "netns", "add", self.switch)
        try:
            run("ip", "-n", self.switch, "link", "add", "switch", "type", "bridge")
            run("ip", "-n", self.switch, "link", "set", "switch", "up")
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in (*(host.namespace for host in self._hosts), self.switch):
            with contextlib.suppress(RuntimeError):
                run("ip", "netns", "del", namespace)

    def host(self, name: str) -> Host:
        """Adds a host."""
        host = Host(self, name, len(self._hosts) + 1)
        self._hosts.append(host)
        return host


_CLONE_NEWNET: Final = 0x40000000


def _set_namespace(descriptor: int) -> None:
    """Moves the calling thread: setns(2), which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def remove_stale() -> None:
    """Removes what a killed test run left behind: namespaces named after a process that is no more."""
    for line in run("ip", "netns", "list").splitlines():
        name = line.split()[0]
        parts = name.removeprefix(PREFIX).split("-")
        if name.startswith(PREFIX) and parts[0].isdigit() and not Path(f"/proc/{parts[0]}").exists():
            run("ip", "netns", "del", name)
