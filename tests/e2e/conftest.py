"""What the end-to-end tests share: browsers that are started once, since each costs a second of both cores."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from . import chromium
from .tone import TONES, write_wave


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
