"""A person at the project's own page, in Chromium or Firefox: clicks what a person clicks, and says whom they hear."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from playwright.async_api import Browser, BrowserContext, Page

from . import chromium
from .bidi import Bidi, BidiPage, Json
from .server import Server
from .tone import AUDIBLE_DBFS, Peak, name_tone
from .waiting import until

PREFERENCES: Final = 'try { localStorage.setItem("hocket.processing", "off"); } catch {}'
"""Noise suppression is right to remove a steady tone; these tests want it raw."""

_HEARD: Final = """(floor) => {
  const heard = {};
  for (const id of window.hocket?.client.participants.keys() ?? []) {
    const element = window.hocket.audio(id);
    const played = element !== undefined && !element.muted && !element.paused && element.volume > 0;
    heard[id] = played ? window.ears.peaks(window.hocket.track(id), floor) : [];
  }
  return heard;
}"""

_PACKETS: Final = """async () => {
  const packets = {};
  for (const id of window.hocket?.client.participants.keys() ?? []) {
    packets[id] = (await window.ears.packets(window.hocket.track(id))) ?? 0;
  }
  return packets;
}"""

_SOUNDING: Final = "(floor) => window.ears.tracks().map((track) => window.ears.peaks(track, floor))"

_PEOPLE: Final = """() => [...document.querySelectorAll('[data-testid="person"]')].map((row) => ({
  id: row.dataset.userId,
  name: row.querySelector('[data-testid="person-name"]').textContent.trim(),
  own: row.dataset.own === "true",
  speaking: row.dataset.speaking === "true",
  muted: row.dataset.muted === "true",
  deafened: row.dataset.deafened === "true",
}))"""

_PROBLEMS: Final = """() => [...document.querySelectorAll('[data-testid="problem"]')].map((card) => ({
  code: card.dataset.code,
  title: card.querySelector("h2").textContent,
  text: card.querySelector("p")?.textContent ?? "",
  remedy: card.querySelector("button")?.textContent ?? "",
}))"""

_CONNECTION: Final = """() => {
  const line = document.querySelector('[data-testid="connection-state"]');
  return line === null ? "" : [line.dataset.phase, line.dataset.media ?? ""].join(" ").trim();
}"""


Statistics = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Problem:
    """A card that says what is wrong: its code, its words, and the words of its button; empty without one."""

    code: str
    title: str
    text: str
    remedy: str = ""


class Tab(Protocol):
    """What a person does in a tab, whatever drives the browser."""

    async def goto(self, url: str) -> None:
        """Opens an address."""

    async def reload(self) -> None:
        """Loads the page again."""

    async def evaluate(self, function: str, argument: object = None) -> Json:
        """Calls a function in the page."""

    async def press(self, test_id: str) -> None:
        """Clicks the button with this `data-testid`."""

    async def fill(self, test_id: str, text: str) -> None:
        """Types into the field with this `data-testid`."""


class ChromiumTab:
    """A tab that Playwright drives, with its waiting for what can be clicked."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def goto(self, url: str) -> None:
        """Opens an address."""
        await self.page.goto(url)

    async def reload(self) -> None:
        """Loads the page again."""
        await self.page.reload()

    async def evaluate(self, function: str, argument: object = None) -> Json:
        """Calls a function in the page."""
        return await self.page.evaluate(function, argument)

    async def press(self, test_id: str) -> None:
        """Clicks a button."""
        await self.page.get_by_test_id(test_id).click()

    async def fill(self, test_id: str, text: str) -> None:
        """Types into a field."""
        await self.page.get_by_test_id(test_id).fill(text)


class FirefoxTab:
    """A tab that BiDi drives. It waits for what it clicks, and clicks it by script, as a user's act."""

    def __init__(self, page: BidiPage) -> None:
        self._page = page
        self._url = ""

    async def goto(self, url: str) -> None:
        """Opens an address."""
        self._url = url
        await self._page.goto(url)

    async def reload(self) -> None:
        """Loads the page again."""
        await self._page.goto(self._url)

    async def evaluate(self, function: str, argument: object = None) -> Json:
        """Calls a function in the page."""
        return await self._page.evaluate(function, argument)

    async def press(self, test_id: str) -> None:
        """Clicks a button."""
        click = "(id) => { const it = document.querySelector(id); it?.click(); return it !== null; }"
        await until(lambda: self.evaluate(click, f'[data-testid="{test_id}"]'), bool)

    async def fill(self, test_id: str, text: str) -> None:
        """Types into a field."""
        fill = """([id, text]) => {
          const field = document.querySelector(id);
          if (field === null) return false;
          field.value = text;
          field.dispatchEvent(new Event("input", {bubbles: true}));
          return true;
        }"""
        await until(lambda: self.evaluate(fill, [f'[data-testid="{test_id}"]', text]), bool)


class PageUser:
    """One person at the page."""

    def __init__(self, tab: Tab, name: str) -> None:
        self.tab = tab
        self.name = name

    async def visit(self, url: str, channel: str) -> None:
        """Opens a channel's link; nothing is joined yet."""
        await self.tab.goto(f"{url.rstrip('/')}/#/{channel}")

    async def join(self) -> int:
        """Types the name, clicks Join, and waits until the sound is up; gives the user id."""
        await self.tab.fill("name-input", self.name)
        await self.tab.press("join-button")
        await self.connected()
        return await self.user_id()

    async def enter(self, url: str, channel: str) -> int:
        """Opens a channel's link and joins it; gives the user id."""
        await self.visit(url, channel)
        return await self.join()

    async def connected(self) -> None:
        """Waits until the page says that it is in the channel and that sound gets through."""
        await until(self.connection, lambda state: state == "joined connected")

    async def leave(self) -> None:
        """Clicks Leave."""
        await self.tab.press("leave-button")

    async def user_id(self) -> int:
        """The id under which this tab is known."""
        return int(await self.tab.evaluate('() => sessionStorage.getItem("hocket.user-id")'))

    async def connection(self) -> str:
        """The state that the page shows, such as `joined connected`; empty outside a call."""
        state: str = await self.tab.evaluate(_CONNECTION)
        return state

    async def people(self) -> dict[str, dict[str, Any]]:
        """The rows that the page shows, by name."""
        rows: list[dict[str, Any]] = await self.tab.evaluate(_PEOPLE)
        return {row["name"]: row for row in rows}

    async def problems(self) -> list[Problem]:
        """What the page says is wrong."""
        cards: list[dict[str, str]] = await self.tab.evaluate(_PROBLEMS)
        return [Problem(**card) for card in cards]

    async def heard(self) -> dict[int, int]:
        """Who is heard now: user id → frequency in Hz."""
        spectra: dict[str, list[dict[str, float]]] = await self.tab.evaluate(_HEARD, AUDIBLE_DBFS)
        named = {int(user): name_tone([Peak(**peak) for peak in found]) for user, found in spectra.items()}
        return {user: tone for user, tone in named.items() if tone is not None}

    async def packets(self) -> dict[int, int]:
        """RTP packets that have come from each user."""
        packets: dict[str, int] = await self.tab.evaluate(_PACKETS)
        return {int(user): count for user, count in packets.items()}

    async def sounding(self) -> set[int]:
        """Frequencies in Hz of all that sounds in the page, whoever is in the channel: what any element of the document
        plays and what any connection receives, each by itself."""
        spectra: list[list[dict[str, float]]] = await self.tab.evaluate(_SOUNDING, AUDIBLE_DBFS)
        tones = {name_tone([Peak(**peak) for peak in found]) for found in spectra}
        return {tone for tone in tones if tone is not None}

    async def streams(self) -> dict[str, int]:
        """RTP packets of every stream that any of the page's connections receives, whoever is in the channel."""
        counts: dict[str, int] = await self.tab.evaluate("() => window.ears.streams('inbound-rtp')")
        return counts

    async def statistics(self, *types: str) -> Statistics:
        """Reports of `getStats()` of some types, of all the page's connections that are up."""
        found: Statistics = await self.tab.evaluate("(types) => window.ears.statistics(...types)", list(types))
        return found

    async def sent(self) -> int:
        """RTP packets that the page has sent."""
        counts: dict[str, int] = await self.tab.evaluate("() => window.ears.streams('outbound-rtp')")
        return sum(counts.values())


async def all_enter(server: Server, channel: int, *users: PageUser) -> list[int]:
    """Everyone joins, one after the other, as people do."""
    return [await user.enter(server.url, str(channel)) for user in users]


@contextlib.asynccontextmanager
async def chromium_user(browser: Browser, name: str, **options: object) -> AsyncIterator[PageUser]:
    """A person in a fresh profile of a running Chromium."""
    context: BrowserContext = await chromium.new_context(browser, **options)
    try:
        await context.add_init_script(PREFERENCES)
        yield PageUser(ChromiumTab(await context.new_page()), name)
    finally:
        await context.close()


async def firefox_user(session: Bidi, name: str) -> PageUser:
    """A person in a new tab of a running Firefox."""
    page = await BidiPage.open(session)
    await page.add_init_script(PREFERENCES + chromium.EARS.read_text())
    return PageUser(FirefoxTab(page), name)
