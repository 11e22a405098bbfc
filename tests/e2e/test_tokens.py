"""`--auth jwt` as docs/running.md tells it: from nothing to a call at the page, and what a person reads at its end."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .page import PageUser, Problem
from .server import HOCKET, serving
from .tone import TONES
from .waiting import until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUN_OUT = Problem(
    "hocket.unauthenticated",
    "Your link is no longer accepted",
    "It may have run out, or been taken back. Ask for a new one where you got it, and open that.",
    "Try again",
)
BRIEF = 30
"""Seconds that a token holds which ends in the test. If a busy machine joins later, the page says the same."""


def hocket_token(*options: str) -> str:
    done = subprocess.run([str(HOCKET), "token", *options], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.strip()


async def come(user: PageUser, url: str, token: str) -> None:
    """Opens a link with a token and joins; the name stands in the token."""
    await user.visit(url, f"lobby&token={token}")
    await user.tab.press("join-button")


async def test_from_nothing_to_a_call_with_tokens_and_to_their_end(
    alice: PageUser, bob: PageUser, tmp_path: Path
) -> None:
    key = str(tmp_path / "secret.txt")
    assert hocket_token("--new-key", "--jwt-key", key) == ""
    ada = hocket_token("--jwt-key", key, "--user", "5", "--name", "Ada", "--channel", "lobby")
    async with serving("--auth", "jwt", "--jwt-key", key) as server:
        await come(alice, server.url, ada)
        await alice.connected()
        brief = hocket_token("--jwt-key", key, "--user", "6", "--name", "Brian", "--expires", f"{BRIEF}s")
        await come(bob, server.url, brief)
        await until_heard(alice, {6: TONES["bob"]})
        assert set(await alice.people()) == {"Ada", "Brian"}
        assert "token" not in await alice.tab.evaluate("() => location.href")
        await until(bob.problems, lambda shown: shown == [RUN_OUT], 2 * BRIEF)
        await until(alice.people, lambda people: set(people) == {"Ada"})
        assert await alice.problems() == []
        assert ada not in "\n".join(server.log)


async def test_a_link_for_another_channel_is_refused_in_words(alice: PageUser, tmp_path: Path) -> None:
    key = str(tmp_path / "secret.txt")
    token = hocket_token("--new-key", "--jwt-key", key, "--user", "5", "--channel", "elsewhere")
    async with serving("--auth", "jwt", "--jwt-key", key) as server:
        await come(alice, server.url, token)
        (shown,) = await until(alice.problems, lambda shown: len(shown) == 1)
        assert (shown.code, shown.title) == ("hocket.permission-denied", "You may not join this channel")
