"""What tests of several ways to authenticate stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.clock import Clock
from tests.server.homeserver import Chat, chatting


@pytest.fixture
def clock() -> Clock:
    """The test's own time."""
    return Clock()


@pytest_asyncio.fixture
async def home() -> AsyncIterator[Chat]:
    """A homeserver."""
    async with chatting() as running:
        yield running
