"""Every control of the page does what it says: keyboard, volumes, devices, level meter, link."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from .conftest import Browsers
from .page import ChromiumTab, PageUser, all_enter, chromium_user
from .server import Server
from .tone import TONES
from .waiting import more_packets, until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = TONES["alice"], TONES["bob"], TONES["carol"]

MOVING = {"reduced_motion": "no-preference"}
"""The page draws as it does for most people, thirty times a second, and not once a second."""

FOCUSED = "() => document.activeElement?.dataset.testid ?? ''"

SENDING_FROM = """() => window.ears.peers
  .filter((peer) => peer.connectionState === "connected")
  .flatMap((peer) => peer.getSenders())
  .flatMap(({track}) => track === null || track.readyState === "ended" ? [] : [track.getSettings().deviceId])"""

PLAYING_ON = "() => [...document.querySelectorAll('audio')].map((element) => element.sinkId)"

VOLUMES = "() => [...document.querySelectorAll('audio')].map((it) => [it.dataset.userId, it.volume])"


def page_of(user: PageUser) -> Page:
    """What Playwright drives."""
    assert isinstance(user.tab, ChromiumTab)
    return user.tab.page


def seen(user: PageUser, function: str) -> Callable[[], Awaitable[Any]]:
    """Looks up something in the page, for `until`."""
    return lambda: user.tab.evaluate(function)


async def becomes(user: PageUser, function: str, expected: object) -> None:
    """Waits until the page answers this."""
    await until(seen(user, function), lambda answer: answer == expected)


async def tab_to(page: Page, test_id: str, most: int = 12) -> None:
    """Presses Tab until an element has the focus, as somebody without a mouse does."""
    for _ in range(most):
        if await page.evaluate(FOCUSED) == test_id:
            return
        await page.keyboard.press("Tab")
    assert await page.evaluate(FOCUSED) == test_id


async def test_the_keyboard_alone_joins_mutes_deafens_opens_the_settings_and_leaves(
    server: Server, channel: int, alice: PageUser, bob: PageUser
) -> None:
    bob_id = await bob.enter(server.url, str(channel))
    await alice.visit(server.url, str(channel))
    page = page_of(alice)
    await becomes(alice, FOCUSED, "name-input")
    await page.keyboard.type("Alice")
    await tab_to(page, "join-button", 2)
    await page.keyboard.press("Enter")
    await alice.connected()
    await until_heard(bob, {await alice.user_id(): ALICE})
    await becomes(alice, FOCUSED, "channel-name")

    await page.keyboard.press("m")
    await until(bob.people, lambda people: bool(people["Alice"]["muted"]))
    await until_heard(bob, {})
    await page.keyboard.press("M")
    await until_heard(bob, {await alice.user_id(): ALICE})
    await until_heard(alice, {bob_id: BOB})
    await page.keyboard.press("d")
    await until(bob.people, lambda people: bool(people["Alice"]["deafened"]))
    await until_heard(alice, {})
    await page.keyboard.press("d")
    await until_heard(alice, {bob_id: BOB})

    await tab_to(page, "settings-button")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("settings")).to_be_visible()
    await becomes(alice, FOCUSED, "microphone-select")
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("settings")).to_be_hidden()
    assert not (await alice.people())["Alice"]["muted"]
    await becomes(alice, FOCUSED, "settings-button")
    await tab_to(page, "leave-button")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("join-form")).to_be_visible()
    await until(bob.people, lambda people: set(people) == {"Bob"})


async def test_the_volume_of_one_person_is_theirs_alone(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    _, bob_id, carol_id = await all_enter(server, channel, alice, bob, carol)
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})
    slider = page_of(alice).locator(f'[data-user-id="{bob_id}"] [data-testid="person-volume"]')
    await slider.fill("30")
    assert dict(await alice.tab.evaluate(VOLUMES)) == {str(bob_id): 0.3, str(carol_id): 1}
    await expect(slider).to_have_attribute("aria-valuetext", "30 percent")
    await slider.press("Home")
    await until_heard(alice, {carol_id: CAROL})
    await slider.press("End")
    await until_heard(alice, {bob_id: BOB, carol_id: CAROL})


async def test_another_microphone_takes_the_place_of_the_first_in_mid_call(
    server: Server, channel: int, alice: PageUser, bob: PageUser
) -> None:
    alice_id, _ = await all_enter(server, channel, alice, bob)
    await until_heard(bob, {alice_id: ALICE})
    sent = "() => window.ears.streams('outbound-rtp').then(Object.keys)"
    before = await alice.tab.evaluate(sent)
    for device in await choices(alice, "microphone-select"):
        await page_of(alice).get_by_test_id("microphone-select").select_option(device)
        await becomes(alice, SENDING_FROM, [device])
        await more_packets(bob, alice_id, 25)
        await until_heard(bob, {alice_id: ALICE})
    assert await alice.tab.evaluate(sent) == before


async def test_another_speaker_plays_everybody_who_is_there_and_who_comes_later(
    server: Server, channel: int, alice: PageUser, bob: PageUser, carol: PageUser
) -> None:
    _, bob_id = await all_enter(server, channel, alice, bob)
    await until_heard(alice, {bob_id: BOB})
    for number, device in enumerate(await choices(alice, "speaker-select")):
        await page_of(alice).get_by_test_id("speaker-select").select_option(device)
        if number == 0:
            await carol.enter(server.url, str(channel))
        await becomes(alice, PLAYING_ON, [device, device])
    await until_heard(alice, {bob_id: BOB, await carol.user_id(): CAROL})


async def choices(user: PageUser, test_id: str) -> list[str]:
    """Opens the settings; the ids of the two devices that Chromium's fake offers there besides the system's choice."""
    await user.tab.press("settings-button")
    options = page_of(user).get_by_test_id(test_id).locator("option")
    await expect(options).to_have_count(3)
    devices: list[str] = await options.evaluate_all("(options) => options.map((option) => option.value)")
    assert devices[0] == ""
    assert len(set(devices)) == 3
    return devices[1:]


async def test_the_meter_moves_with_the_voice_and_rests_in_silence(
    server: Server, channel: int, browsers: Browsers
) -> None:
    async with (
        chromium_user(await browsers.of("alice"), "Alice", **MOVING) as alice,
        chromium_user(await browsers.of("nobody"), "Nobody", **MOVING) as nobody,
    ):
        alice_id, _ = await all_enter(server, channel, alice, nobody)
        await until(level(alice), lambda percent: percent > 50)
        highest = 0

        async def look() -> int:
            nonlocal highest
            highest = max(highest, await level(nobody)())
            return (await nobody.packets())[alice_id]

        start = await look()
        await until(look, lambda packets: packets >= start + 50)
        assert highest == 0
        assert await level(alice)() > 50


def level(user: PageUser) -> Callable[[], Awaitable[int]]:
    """Looks up what the meter tells, in percent of its length."""
    look = "() => Number(document.querySelector('[data-testid=level-meter]').getAttribute('aria-valuenow'))"
    return seen(user, look)


async def test_the_copied_link_opens_the_same_channel(
    server: Server, channel: int, alice: PageUser, bob: PageUser
) -> None:
    page = page_of(alice)
    # Chromium takes for refused whatever the driver does not list.
    await page.context.grant_permissions(["microphone", "clipboard-read", "clipboard-write"])
    await alice.visit(server.url, str(channel))
    await alice.tab.fill("channel-input", f"Küche & Bad {channel}")
    await alice.join()
    await alice.tab.press("copy-link")
    await expect(page.get_by_test_id("copy-link")).to_have_text("Copied")
    link = await page.evaluate("() => navigator.clipboard.readText()")
    assert link == await page.get_by_test_id("channel-link").input_value()
    await bob.tab.goto(link)
    bob_id = await bob.join()
    await until_heard(alice, {bob_id: BOB})
    assert await page_of(bob).get_by_test_id("channel-name").text_content() == f"küche-&-bad-{channel}"


async def test_a_screen_reader_finds_the_switches_under_the_same_names_whatever_their_state(
    server: Server, channel: int, alice: PageUser
) -> None:
    await alice.enter(server.url, str(channel))
    page = page_of(alice)
    for test_id in ("deafen-button", "mute-button"):
        await expect(page.get_by_test_id(test_id)).to_have_attribute("aria-pressed", "false")
        await alice.tab.press("deafen-button")
        await expect(page.get_by_test_id(test_id)).to_have_attribute("aria-pressed", "true")
        await alice.tab.press("deafen-button")
    await alice.tab.press("deafen-button")
    found = {name: await page.get_by_role("button", name=name, exact=True).count() for name in ("Mute", "Deafen")}
    assert found == {"Mute": 1, "Deafen": 1}
