"""What a person sees, kept as pictures in `artifacts/screenshots/`: alone, three people, an error, narrow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from .conftest import Browsers
from .page import ChromiumTab, PageUser, chromium_user
from .server import Server, serving
from .waiting import more_packets, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

FOLDER = Path(__file__).resolve().parents[2] / "artifacts" / "screenshots"
WIDE = {"width": 1200, "height": 800}
NARROW = {"width": 360, "height": 720}
SCHEMES = ("light", "dark")

A_WHILE = 250
"""Packets of 20 ms: so long someone speaks before the picture, which shows the last seconds of everyone."""

NewUser = Callable[..., Awaitable[PageUser]]


@pytest_asyncio.fixture(loop_scope="session")
async def new_user(browsers: Browsers) -> AsyncIterator[NewUser]:
    """Makes people: `await new_user(microphone, name, color_scheme=…)`."""
    async with AsyncExitStack() as stack:

        async def make(microphone: str, name: str, **options: object) -> PageUser:
            browser = await browsers.of(microphone)
            return await stack.enter_async_context(chromium_user(browser, name, **options))

        yield make


async def shoot(user: PageUser, name: str) -> None:
    """Takes the picture, and checks that nothing is wider than the window."""
    assert isinstance(user.tab, ChromiumTab)
    FOLDER.mkdir(parents=True, exist_ok=True)
    await user.tab.page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    wider = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await user.tab.evaluate(wider) <= 0, f"{name} is wider than its window"


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_screens_of_someone_alone(server: Server, channel: int, new_user: NewUser, scheme: str) -> None:
    ada = await new_user("nobody", "Ada Lovelace", viewport=WIDE, color_scheme=scheme)
    await ada.visit(server.url, f"evening-{channel}")
    await shoot(ada, f"lobby-{scheme}")
    await ada.join()
    await shoot(ada, f"alone-{scheme}")


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_screens_of_three_people_with_one_speaking(
    server: Server, channel: int, new_user: NewUser, scheme: str
) -> None:
    ada = await new_user("nobody", "Ada Lovelace", viewport=WIDE, color_scheme=scheme)
    phone = await new_user("nobody", "Grace Hopper", viewport=NARROW, color_scheme=scheme)
    alan = await new_user("alice", "Alan Turing")
    for user in (ada, phone, alan):
        await user.enter(server.url, f"evening-{channel}")
    await phone.tab.press("mute-button")
    for user in (ada, phone):
        await until(user.people, lambda people: speaking(people) == ["Alan Turing"] and people["Grace Hopper"]["muted"])
    await more_packets(ada, await alan.user_id(), A_WHILE)
    await shoot(ada, f"three-{scheme}")
    await shoot(phone, f"three-narrow-{scheme}")


async def test_screens_of_a_server_that_is_gone(channel: int, new_user: NewUser) -> None:
    async with serving() as short_lived:
        ada = await new_user("nobody", "Ada Lovelace", viewport=WIDE)
        phone = await new_user("nobody", "Grace Hopper", viewport=NARROW)
        for user in (ada, phone):
            await user.enter(short_lived.url, f"evening-{channel}")
    for user, name in ((ada, "error"), (phone, "error-narrow")):
        await until(problems(user), lambda shown: len(shown) > 0)
        await shoot(user, name)


def speaking(people: dict[str, dict[str, object]]) -> list[str]:
    """Who speaks, of the rows of the page."""
    return [name for name, row in people.items() if row["speaking"]]


def problems(user: PageUser) -> Callable[[], Awaitable[list[str]]]:
    """Looks up the codes of the problems that the page shows."""

    async def look() -> list[str]:
        codes = "() => [...document.querySelectorAll('[data-testid=problem]')].map((card) => card.dataset.code)"
        found: list[str] = await user.tab.evaluate(codes)
        return found

    return look
