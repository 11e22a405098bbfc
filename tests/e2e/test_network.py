"""Server and clients on different hosts: both IP families, a changed address in mid-call, a network gone silent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright

from . import chromium, firefox
from .conftest import Note
from .namespaces import Host, Network
from .page import PageUser, chromium_user, firefox_user
from .server import Server, serving
from .tone import TONES
from .waiting import nothing_comes_of, until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = TONES["alice"], TONES["bob"], TONES["carol"]

BACK_SECONDS = 1.0
"""Audio is back so soon after a changed address."""

GONE_SECONDS = 30.0
"""The others are told so soon of someone whose network went silent."""

RETURN_SECONDS = 60.0
"""Whoever was away for half a minute is back so soon after the network is: the page waits up to 30 s between tries."""

FLOWING = 100
"""Audio packets, 2 s of them: the sound is really back, and not only what was under way."""

MOVES = 3
"""Calls in which the address changes. The middle gap counts, so that one hiccup of a busy machine fails nothing."""


@dataclass
class World:
    """A server, two people with a Chromium, and room for a third, each on a host of their own."""

    hosts: dict[str, Host]
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
    hosts = {name: network.host(name) for name in ("server", "alice", "bob", "carol")}
    folder = tmp_path_factory.mktemp("programs")
    async with contextlib.AsyncExitStack() as stack:
        servers = {
            family: await stack.enter_async_context(
                serving(
                    *("--host", address, "--auth", "open"),
                    prefix=hosts["server"].enter,
                    announce=address,
                )
            )
            for family, address in (("ipv4", hosts["server"].ipv4), ("ipv6", hosts["server"].ipv6))
        }
        secure = [server.url.rstrip("/") for server in servers.values()]
        browsers = []
        for name in ("alice", "bob"):
            program = chromium.namespaced(chromium.PROGRAM, hosts[name].namespace, folder)
            browser = await chromium.launch(playwright, microphones[name], program=program, secure=secure)
            stack.push_async_callback(browser.close)
            browsers.append(browser)
        yield World(hosts, browsers[0], browsers[1], servers)


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
async def test_firefox_has_audio_back_within_a_second_of_a_changed_address(
    world: World, channel: int, family: str, note: Note
) -> None:
    """Firefox, which looks for its addresses when it needs them."""
    host, address = world.hosts["carol"], getattr(world.hosts["server"], family)
    async with (
        chromium_user(world.bob_browser, "Bob") as bob,
        firefox.launch(CAROL, host=host, secure=[address]) as session,
    ):
        carol = await firefox_user(session, "Carol")
        gaps = await gaps_of_changed_addresses(world.url(family), channel, carol, host, bob)
    note(f"longest gaps in the sound when a Firefox's address changed, {family}, ms", gaps)
    assert median(gaps) <= BACK_SECONDS * 1000, gaps


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
async def test_chromium_has_audio_back_within_a_second_of_a_changed_address(
    world: World, channel: int, family: str, note: Note
) -> None:
    """Chromium, which is told of its addresses, and late."""
    host = world.hosts["alice"]
    async with chromium_user(world.alice_browser, "Alice") as alice, chromium_user(world.bob_browser, "Bob") as bob:
        gaps = await gaps_of_changed_addresses(world.url(family), channel, alice, host, bob)
    note(f"longest gaps in the sound when a Chromium's address changed, {family}, ms", gaps)
    assert median(gaps) <= BACK_SECONDS * 1000, gaps


async def gaps_of_changed_addresses(
    url: str, channel: int, mover: PageUser, host: Host, other: PageUser
) -> list[float]:
    """Two people talk, one's host changes its address; the longest gap in what either heard, in ms, for each call."""
    other_id = await other.enter(url, str(channel))
    await mover.visit(url, str(channel))
    gaps = []
    for _ in range(MOVES):
        mover_id = await mover.join()
        heard = {mover: {other_id: TONES[other.name.lower()]}, other: {mover_id: TONES[mover.name.lower()]}}
        for user, expected in heard.items():
            await until_heard(user, expected)
        for user in heard:
            await user.tab.evaluate("() => ears.watch()")
        await asyncio.to_thread(host.change_address)
        gaps.append(max([await longest_gap(user, FLOWING) for user in heard]))
        for user, expected in heard.items():
            await until_heard(user, expected)
        await mover.leave()
    return gaps


async def longest_gap(user: PageUser, packets: int) -> float:
    """Waits for so many audio packets since `ears.watch()`; the longest time between two of them, in ms."""

    async def look() -> dict[str, float]:
        noted: dict[str, float] = await user.tab.evaluate("() => ears.arrivals()")
        return noted

    noted = await until(look, lambda noted: noted["arrived"] >= packets)
    return round(noted["longest"])


async def test_the_others_are_told_of_a_network_that_went_silent_and_of_its_return(
    world: World, channel: int, note: Note
) -> None:
    async with talking(world, "ipv4", channel) as (alice, alice_id, bob, bob_id):
        cut = time.monotonic()
        world.hosts["alice"].unplug()
        try:
            await until(bob.people, lambda people: set(people) == {"Bob"}, GONE_SECONDS)
            note("seconds until a silent network counts as left", round(time.monotonic() - cut, 1))
            await nothing_comes_of(bob, ALICE, {})
        finally:
            world.hosts["alice"].plug_in()
        await until_heard(alice, {bob_id: BOB}, RETURN_SECONDS)
        await until_heard(bob, {alice_id: ALICE}, RETURN_SECONDS)
