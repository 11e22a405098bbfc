"""What a person sees, kept as pictures: alone, three people, narrow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from .conftest import Browsers
from .page import PageUser, chromium_user
from .pictures import NARROW, WIDE, shoot
from .server import Server
from .waiting import more_packets, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

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


def speaking(people: dict[str, dict[str, object]]) -> list[str]:
    """Who speaks, of the rows of the page."""
    return [name for name, row in people.items() if row["speaking"]]
