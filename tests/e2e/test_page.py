"""The project's own page in Chromium: who is in a channel hears everyone else there, and nobody else."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import WebSocketRoute

from .conftest import Browsers
from .page import ChromiumTab, PageUser, all_enter, chromium_user
from .server import Server
from .tone import TONES
from .waiting import more_packets, nothing_comes_of, until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = TONES["alice"], TONES["bob"], TONES["carol"]


async def test_two_people_hear_each_other(server: Server, channel: int, alice: PageUser, bob: PageUser) -> None:
    alice_id, bob_id = await all_enter(server, channel, alice, bob)
    await until_heard(alice, {bob_id: BOB})
    await until_heard(bob, {alice_id: ALICE})


async def test_three_people_hear_each_other_under_their_names(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    alice_id, bob_id, carol_id = await all_enter(server, channel, alice, bob, carol)
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    await until_heard(bob, {alice_id: ALICE, carol_id: CAROL})
    await until_heard(carol, {alice_id: ALICE, bob_id: BOB})
    for user in (alice, bob, carol):
        people = await until(user.people, lambda people: set(people) == {"Alice", "Bob", "Carol"})
        assert {name: int(row["id"]) for name, row in people.items()} == {
            "Alice": alice_id,
            "Bob": bob_id,
            "Carol": carol_id,
        }
        assert [name for name, row in people.items() if row["own"]] == [user.name]


async def test_people_in_another_channel_are_not_heard(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    _, bob_id = await all_enter(server, channel, alice, bob)
    await carol.enter(server.url, f"{channel}-elsewhere")
    await until_heard(alice, {bob_id: BOB})
    await nothing_comes_of(alice, CAROL, {bob_id: BOB})
    await nothing_comes_of(carol, BOB, {})
    assert set(await carol.people()) == {"Carol"}


async def test_nothing_is_sent_before_the_consumer_is_resumed(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    assert isinstance(bob.tab, ChromiumTab)
    held: list[bytes] = []
    release = asyncio.Event()

    def hold_back_resume(socket: WebSocketRoute) -> None:
        """Lets a page's requests through, but for ResumeConsumer (field 4 of the request)."""
        upstream = socket.connect_to_server()

        def forward(message: bytes | str) -> None:
            assert isinstance(message, bytes)
            if message[0] == 4 << 3 | 2 and not release.is_set():
                held.append(message)
            else:
                upstream.send(message)

        async def let_go() -> None:
            await release.wait()
            for message in held:
                upstream.send(message)

        socket.on_message(forward)
        letting_go.append(asyncio.ensure_future(let_go()))

    letting_go: list[asyncio.Future[None]] = []
    await bob.tab.page.route_web_socket("**/StreamMessage", hold_back_resume)
    alice_id, carol_id = await all_enter(server, channel, alice, carol)
    await bob.visit(server.url, str(channel))
    await bob.tab.fill("name-input", bob.name)
    await bob.tab.press("join-button")
    await until(bob.packets, lambda packets: set(packets) == {alice_id, carol_id})
    await more_packets(carol, alice_id, 100)
    assert await bob.packets() == {alice_id: 0, carol_id: 0}
    assert len(held) == 2
    release.set()
    await until_heard(bob, {alice_id: ALICE, carol_id: CAROL})
    await asyncio.gather(*letting_go)


async def test_who_leaves_falls_silent_and_vanishes(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    _, bob_id, carol_id = await all_enter(server, channel, alice, bob, carol)
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    await bob.leave()
    await until_heard(alice, {carol_id: CAROL})
    await until(alice.people, lambda people: set(people) == {"Alice", "Carol"})
    await nothing_comes_of(alice, BOB, {carol_id: CAROL})
    assert await alice.heard() == {carol_id: CAROL}
    await until(bob.sounding, lambda tones: tones == set())
    assert await bob.heard() == {}
    assert await bob.connection() == ""


async def test_who_closes_the_tab_has_left(server: Server, channel: int, browsers: Browsers, alice: PageUser) -> None:
    async with chromium_user(await browsers.of("bob"), "Bob") as bob:
        _, bob_id = await all_enter(server, channel, alice, bob)
        await until_heard(alice, {bob_id: BOB})
    await until(alice.people, lambda people: set(people) == {"Alice"})
    await nothing_comes_of(alice, BOB, {})


async def test_a_late_joiner_hears_who_was_there_and_is_heard(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    alice_id, bob_id = await all_enter(server, channel, alice, bob)
    await until_heard(alice, {bob_id: BOB})
    await more_packets(alice, bob_id, 100)
    carol_id = await carol.enter(server.url, str(channel))
    await until_heard(carol, {alice_id: ALICE, bob_id: BOB})
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    await until_heard(bob, {alice_id: ALICE, carol_id: CAROL})


async def test_who_reloads_the_page_comes_back_as_the_same_person(
    server: Server, channel: int, alice: PageUser, bob: PageUser
) -> None:
    alice_id, bob_id = await all_enter(server, channel, alice, bob)
    await until_heard(alice, {bob_id: BOB})
    await bob.tab.reload()
    await until_heard(alice, {})
    assert await bob.join() == bob_id
    await until_heard(alice, {bob_id: BOB})
    await until_heard(bob, {alice_id: ALICE})


async def test_who_mutes_is_not_heard_until_they_unmute(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    alice_id, bob_id, carol_id = await all_enter(server, channel, alice, bob, carol)
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    await bob.tab.press("mute-button")
    await until_heard(alice, {carol_id: CAROL})
    await until(alice.people, lambda people: bool(people["Bob"]["muted"]))
    await more_packets(alice, carol_id, 50)
    assert await alice.heard() == {carol_id: CAROL}
    await until_heard(bob, {alice_id: ALICE, carol_id: CAROL})
    await bob.tab.press("mute-button")
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    await until(alice.people, lambda people: not people["Bob"]["muted"])


async def test_an_open_microphone_that_nobody_speaks_into_costs_the_others_no_packet(
    server: Server, channel: int, browsers: Browsers, alice: PageUser
) -> None:
    async with chromium_user(await browsers.of("nobody"), "Nobody") as nobody:
        alice_id, nobody_id = await all_enter(server, channel, alice, nobody)
        await until_heard(nobody, {alice_id: ALICE})
        await more_packets(nobody, alice_id, 100)
        assert await alice.packets() == {nobody_id: 0}


async def test_who_deafens_hears_nobody_and_the_others_see_it(
    server: Server, channel: int, alice: PageUser, bob: PageUser
) -> None:
    alice_id, bob_id = await all_enter(server, channel, alice, bob)
    await until_heard(bob, {alice_id: ALICE})
    await bob.tab.press("deafen-button")
    await until_heard(bob, {})
    await until(alice.people, lambda people: bool(people["Bob"]["deafened"]))
    await bob.tab.press("deafen-button")
    await until_heard(bob, {alice_id: ALICE})
    await until_heard(alice, {bob_id: BOB})
    await until(alice.people, lambda people: not people["Bob"]["deafened"])


async def test_the_page_shows_who_speaks(server: Server, channel: int, alice: PageUser, bob: PageUser) -> None:
    await all_enter(server, channel, alice, bob)
    await until(alice.people, lambda people: "Bob" in people and bool(people["Bob"]["speaking"]))
    await bob.tab.press("mute-button")
    await until(alice.people, lambda people: not people["Bob"]["speaking"])
