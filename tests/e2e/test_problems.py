"""What a person reads when something is wrong: its code, the exact words, and a picture of each."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from . import chromium
from .conftest import Browsers, Note
from .page import ChromiumTab, PageUser, Problem, chromium_user
from .pictures import NARROW, WIDE, shoot
from .server import Server, serving
from .tone import TONES
from .waiting import more_packets, until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

DENIED = Problem(
    "microphone-denied",
    "You can listen, but not speak",
    "The browser does not let this page use the microphone. Allow it next to the address bar, then try again.",
    "Try again",
)
MISSING = Problem(
    "microphone-missing", "No microphone found", "You can listen. To speak, plug one in and try again.", "Try again"
)
BUSY = Problem(
    "microphone-busy",
    "The microphone is taken",
    "Another program holds it. You can listen; close that program and try again to speak.",
    "Try again",
)
GONE = Problem(
    "client.connection-lost",
    "The connection is gone",
    "Your network may be down, or the server is restarting. You will be back by yourself as soon as it works again.",
    "Try now",
)

NOWHERE = "192.0.2.1"
"""An address of TEST-NET-1 (RFC 5737), which answers nobody: to a client, a firewall that swallows all."""

BLOCKED_SECONDS = 10.0
"""So long the page waits before it says that no sound gets through; twice as long a busy machine may take."""


async def sees_only(user: PageUser, expected: Problem) -> None:
    """Waits until the page tells this problem and no other."""
    await until(user.problems, lambda shown: shown == [expected])


@pytest.mark.parametrize(
    ("has_microphone", "access", "expected"),
    [(False, chromium.ALLOWED, MISSING), (True, chromium.TAKEN, BUSY)],
    ids=["missing", "busy"],
)
async def test_who_has_no_microphone_is_told_why_and_gets_the_others_sound(
    server: Server,
    channel: int,
    playwright: Playwright,
    browsers: Browsers,
    microphones: dict[str, Path],
    has_microphone: bool,
    access: Sequence[str],
    expected: Problem,
) -> None:
    microphone = microphones["alice"] if has_microphone else None
    async with (
        await chromium.launch(playwright, microphone, access=access) as browser,
        chromium_user(await browsers.of("bob"), "Bob") as bob,
        chromium_user(browser, "Ada Lovelace", viewport=WIDE) as ada,
    ):
        bob_id = await bob.enter(server.url, f"evening-{channel}")
        await ada.enter(server.url, f"evening-{channel}")
        await sees_only(ada, expected)
        await more_packets(ada, bob_id, 1)
        await shoot(ada, expected.code)


async def test_who_refuses_the_microphone_is_told_where_to_allow_it_and_speaks_one_click_after(
    server: Server, channel: int, playwright: Playwright, browsers: Browsers, microphones: dict[str, Path]
) -> None:
    async with (
        await chromium.launch(playwright, microphones["alice"], access=()) as browser,
        chromium_user(await browsers.of("bob"), "Bob") as bob,
        chromium_user(browser, "Ada Lovelace", viewport=WIDE) as ada,
    ):
        bob_id = await bob.enter(server.url, f"evening-{channel}")
        ada_id = await ada.enter(server.url, f"evening-{channel}")
        await sees_only(ada, DENIED)
        await until_heard(ada, {bob_id: TONES["bob"]})
        await shoot(ada, DENIED.code)
        assert isinstance(ada.tab, ChromiumTab)
        await ada.tab.page.context.grant_permissions(["microphone"])
        await ada.tab.page.locator(f'[data-code="{DENIED.code}"] button').click()
        await until_heard(bob, {ada_id: TONES["alice"]})
        await until(ada.problems, lambda shown: shown == [])


async def test_who_is_behind_a_firewall_is_told_which_port_to_open(
    channel: int, browsers: Browsers, note: Note
) -> None:
    async with (
        serving(announce=NOWHERE) as walled,
        chromium_user(await browsers.of("alice"), "Ada Lovelace", viewport=WIDE) as ada,
    ):
        port = media_port(walled)
        await ada.visit(walled.url, f"evening-{channel}")
        await ada.tab.fill("name-input", ada.name)
        await ada.tab.press("join-button")
        await until(ada.connection, lambda state: state == "joined connecting")
        began = time.monotonic()
        await until(ada.connection, lambda state: state == "joined blocked", 2 * BLOCKED_SECONDS)
        note("seconds until the page says that no sound gets through", round(time.monotonic() - began, 1))
        await sees_only(
            ada,
            Problem(
                "media-blocked",
                "No sound gets through",
                f"You are in the channel, but a firewall seems to block the sound (UDP {NOWHERE}:{port}). "
                "Try another network, or ask whoever runs the server to open that port.",
            ),
        )
        await shoot(ada, "media-blocked")


def media_port(server: Server) -> int:
    """The port that the server's first words name."""
    found = re.search(r"Media\s+UDP port (\d+)", "\n".join(server.log))
    assert found is not None, server.log
    return int(found[1])


async def test_whose_server_is_gone_is_told_so_and_that_they_will_be_back(channel: int, browsers: Browsers) -> None:
    nobody = await browsers.of("nobody")
    async with (
        chromium_user(nobody, "Ada Lovelace", viewport=WIDE) as ada,
        chromium_user(nobody, "Grace Hopper", viewport=NARROW) as phone,
    ):
        async with serving() as short_lived:
            for user in (ada, phone):
                await user.enter(short_lived.url, f"evening-{channel}")
        for user, name in ((ada, "error"), (phone, "error-narrow")):
            await sees_only(user, GONE)
            await shoot(user, name)
