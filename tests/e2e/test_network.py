"""Server and clients on different hosts: both IP families, a changed address in mid-call, a network gone silent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright

from . import chromium
from .conftest import Note
from .namespaces import Host, Network
from .page import PageUser, chromium_user
from .server import Server, serving
from .tone import TONES
from .waiting import until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB = TONES["alice"], TONES["bob"]

BACK_SECONDS = 15.0
"""Audio is back so soon after a changed address. The aim is 1 s: Chromium's page notices a dead network after 8 to 9 s,
and plays what is buffered meanwhile, so that a shorter bound here passed or failed by chance."""

GONE_SECONDS = 30.0
"""The others are told so soon of someone whose network went silent."""

RETURN_SECONDS = 60.0
"""Whoever was away for half a minute is back so soon after the network is: the page waits up to 30 s between tries."""

PACKET_MS = 60.0
"""Audio packets come every 20 ms; a gap of three is a gap."""


@dataclass
class World:
    """A server and two people, each on a host of their own."""

    server_host: Host
    alice_host: Host
    bob_host: Host
    alice_browser: Browser
    bob_browser: Browser
    servers: dict[str, Server]

    def url(self, family: str) -> str:
        """The page's address over `ipv4` or `ipv6`."""
        return self.servers[family].url


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    network: Network, playwright: Playwright, microphones: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    server_host, alice_host, bob_host = (network.host(name) for name in ("server", "alice", "bob"))
    folder = tmp_path_factory.mktemp("programs")
    async with contextlib.AsyncExitStack() as stack:
        servers = {
            family: await stack.enter_async_context(
                serving(
                    *("--host", address, "--auth", "open"),
                    prefix=("ip", "netns", "exec", server_host.namespace),
                    announce=address,
                )
            )
            for family, address in (("ipv4", server_host.ipv4), ("ipv6", server_host.ipv6))
        }
        secure = [server.url.rstrip("/") for server in servers.values()]
        browsers = []
        for name, host in (("alice", alice_host), ("bob", bob_host)):
            program = chromium.namespaced(chromium.PROGRAM, host.namespace, folder)
            browser = await chromium.launch(playwright, microphones[name], program=program, secure=secure)
            stack.push_async_callback(browser.close)
            browsers.append(browser)
        yield World(server_host, alice_host, bob_host, browsers[0], browsers[1], servers)


@contextlib.asynccontextmanager
async def talking(world: World, family: str, channel: int) -> AsyncIterator[tuple[PageUser, int, PageUser, int]]:
    """Alice and Bob, who hear each other."""
    async with chromium_user(world.alice_browser, "Alice") as alice, chromium_user(world.bob_browser, "Bob") as bob:
        alice_id = await alice.enter(world.url(family), str(channel))
        bob_id = await bob.enter(world.url(family), str(channel))
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        yield alice, alice_id, bob, bob_id


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_people_on_different_hosts_hear_each_other(world: World, channel: int, family: str) -> None:
    async with talking(world, family, channel):
        pass


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_audio_is_back_after_a_changed_address(world: World, channel: int, family: str, note: Note) -> None:
    async with talking(world, family, channel) as (alice, alice_id, bob, bob_id):
        for user in (alice, bob):
            await user.tab.evaluate("() => ears.watch()")
        await asyncio.to_thread(world.alice_host.change_address)
        for user in (alice, bob):
            await until(longest_gap(user), lambda gap: gap > PACKET_MS)
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        gaps = {user.name: await longest_gap(user)() for user in (alice, bob)}
        note(f"longest gap in the sound when Alice's address changed, {family}, ms", gaps)
        assert max(gaps.values()) <= BACK_SECONDS * 1000, gaps


def longest_gap(user: PageUser) -> Callable[[], Awaitable[float]]:
    """Looks up the longest time without any audio packet since `ears.watch()`, the present one included, in ms."""

    async def look() -> float:
        gap: float = await user.tab.evaluate("() => ears.longestGap()")
        return gap

    return look


async def test_the_others_are_told_of_a_network_that_went_silent_and_of_its_return(
    world: World, channel: int, note: Note
) -> None:
    async with talking(world, "ipv4", channel) as (alice, alice_id, bob, bob_id):
        cut = time.monotonic()
        world.alice_host.unplug()
        try:
            await until(bob.people, lambda people: set(people) == {"Bob"}, GONE_SECONDS)
            note("seconds until a silent network counts as left", round(time.monotonic() - cut, 1))
            assert await bob.heard() == {}
        finally:
            world.alice_host.plug_in()
        await until_heard(alice, {bob_id: BOB}, RETURN_SECONDS)
        await until_heard(bob, {alice_id: ALICE}, RETURN_SECONDS)
