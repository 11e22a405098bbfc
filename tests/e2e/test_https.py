"""`--tls self-signed` is enough to talk from another machine: the page is secure once the warning is passed."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from playwright.async_api import Playwright

from . import chromium
from .page import PageUser, chromium_user
from .server import serving
from .tone import TONES
from .waiting import until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = "voice.example"
"""Leads to this machine, and the browser does not know: to it, this is another one."""

ELSEWHERE = (*chromium.ALLOWED, f"--host-resolver-rules=MAP {NAME} 127.0.0.1")
OPEN = ("--host", "0.0.0.0", "--auth", "open")
MICROPHONES = "() => window.isSecureContext && navigator.mediaDevices !== undefined"


async def test_over_plain_http_another_machine_has_no_microphone_and_over_self_signed_https_people_talk(
    playwright: Playwright, microphones: dict[str, Path], tmp_path: Path, channel: int
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        users: list[PageUser] = []
        for name in ("alice", "bob"):
            browser = await chromium.launch(playwright, microphones[name], access=ELSEWHERE)
            stack.push_async_callback(browser.close)
            person = chromium_user(browser, name.capitalize(), ignore_https_errors=True)
            users.append(await stack.enter_async_context(person))
        async with serving(*OPEN) as plain:
            await users[0].visit(_from_elsewhere(plain.url), str(channel))
            assert not await users[0].tab.evaluate(MICROPHONES)
        async with serving(*OPEN, "--tls", "self-signed", "--tls-dir", str(tmp_path)) as server:
            ids = []
            for user in users:
                ids.append(await user.enter(_from_elsewhere(server.url), str(channel)))
                assert await user.tab.evaluate(MICROPHONES)
            await asyncio.gather(
                until_heard(users[0], {ids[1]: TONES["bob"]}), until_heard(users[1], {ids[0]: TONES["alice"]})
            )


def _from_elsewhere(url: str) -> str:
    return re.sub(r"//[^:/]+", f"//{NAME}", url)
