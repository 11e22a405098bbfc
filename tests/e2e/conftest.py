"""What the end-to-end tests share: browsers that are started once, since each costs a second of both cores."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from . import chromium
from .page import PageUser, chromium_user
from .server import Server, serving
from .tone import TONES, write_wave

TEST_SECONDS = 180
"""No test here may take longer, whatever hangs."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bounds each test's time."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def microphones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A WAV file with each person's tone, and one with nothing but silence under `nobody`."""
    folder = tmp_path_factory.mktemp("microphones")
    files = {name: write_wave(folder / f"{name}.wav", tone) for name, tone in TONES.items()}
    files["nobody"] = write_wave(folder / "nobody.wav", 440, amplitude=0.0)
    return files


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as driver:
        yield driver


class Browsers:
    """One Chromium a person, started when first asked for."""

    def __init__(self, playwright: Playwright, microphones: dict[str, Path]) -> None:
        self._playwright = playwright
        self._microphones = microphones
        self._running: dict[str, Browser] = {}

    async def of(self, name: str) -> Browser:
        """The browser whose microphone plays `name`'s tone."""
        browser = self._running.get(name)
        if browser is None or not browser.is_connected():
            browser = await chromium.launch(self._playwright, self._microphones[name])
            self._running[name] = browser
        return browser

    async def close(self) -> None:
        """Ends them all."""
        for browser in self._running.values():
            with contextlib.suppress(Exception):
                await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers(playwright: Playwright, microphones: dict[str, Path]) -> AsyncIterator[Browsers]:
    running = Browsers(playwright, microphones)
    yield running
    await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _server() -> AsyncIterator[Server]:
    async with serving() as running:
        yield running


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """The server of all tests that need no other. A test may do what it likes to it: it runs on, and logs no fault."""
    before = len(_server.log)
    yield _server
    assert _server.process.returncode is None, "\n".join(_server.log[-40:])
    faults = [line for line in _server.log[before:] if "Traceback" in line or "rror:" in line or "panicked" in line]
    assert faults == [], "\n".join(_server.log[before:])


@pytest_asyncio.fixture(loop_scope="session")
async def alice(browsers: Browsers) -> AsyncIterator[PageUser]:
    async with chromium_user(await browsers.of("alice"), "Alice") as user:
        yield user


@pytest_asyncio.fixture(loop_scope="session")
async def bob(browsers: Browsers) -> AsyncIterator[PageUser]:
    async with chromium_user(await browsers.of("bob"), "Bob") as user:
        yield user


@pytest_asyncio.fixture(loop_scope="session")
async def carol(browsers: Browsers) -> AsyncIterator[PageUser]:
    async with chromium_user(await browsers.of("carol"), "Carol") as user:
        yield user


_figures: list[str] = []
Note = Callable[[str, object], None]


@pytest.fixture
def note() -> Note:
    """Keeps a measured figure for the end of the test run's output."""

    def keep(what: str, value: object) -> None:
        _figures.append(f"{what}: {value}")

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what was measured."""
    if _figures:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(_figures))


_channels = itertools.count(1000)


@pytest.fixture
def channel() -> int:
    """A channel that no other test uses."""
    return next(_channels)
