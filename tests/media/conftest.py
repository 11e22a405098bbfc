"""What the tests of the media engine share."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hocket.media.engine import MediaEngine


@pytest.fixture
def loopback() -> Callable[..., MediaEngine]:
    """Make an engine on 127.0.0.1 with two workers; give other options as keywords."""

    def make(**options: object) -> MediaEngine:
        defaults: dict[str, object] = {"announce": ["127.0.0.1"], "addresses": ["127.0.0.1"], "workers": 2}
        return MediaEngine(**(defaults | options))  # type: ignore[arg-type]

    return make


def descriptors() -> set[str]:
    """Give this process's open descriptors, each with what it is."""
    return {f"{entry.name} {entry.readlink()}" for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def threads() -> list[str]:
    """Give the names of this process's media threads. A thread has its name a moment after it began."""
    names = [(task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]
    return sorted(name for name in names if name.startswith("hocket-media"))


async def until(condition: Callable[[], bool], *, seconds: float = 5) -> None:
    """Look at `condition` until it holds; raises `TimeoutError` when it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the media threads set no asyncio.Event
            await asyncio.sleep(0.01)
