"""Chromium with a tone for a microphone. The fake microphone belongs to the process, hence one process a person."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, BrowserContext, Playwright

PROGRAM: Final = "/usr/bin/chromium"
EARS: Final = Path(__file__).with_name("ears.js")

_FLAGS: Final = (
    "--no-sandbox",  # the tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


ALLOWED: Final = ("--use-fake-ui-for-media-stream",)
"""Gives pages the microphone without a question. Without it a browser that nobody sees says no to all of them."""

TAKEN: Final = (*ALLOWED, "--fail-audio-stream-creation")
"""Every sound device refuses to open, as one does that another program holds."""


async def launch(
    playwright: Playwright,
    microphone: Path | None,
    *,
    program: str = PROGRAM,
    secure: Sequence[str] = (),
    access: Sequence[str] = ALLOWED,
) -> Browser:
    """Starts one person's browser.

    Args:
        playwright: the driver.
        microphone: the WAV file that its microphones play, over and over: the default one and two more, with as many
            speakers. None: it has no sound device but the machine's own.
        program: another executable, such as one that enters a network namespace first.
        secure: origins to be trusted with a microphone although they are plain http from elsewhere.
        access: whether pages get at the devices: `ALLOWED`, `TAKEN`, or nothing for a refusal.
    """
    flags = [*_FLAGS, *access]
    if microphone is not None:
        flags += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}"]
    if secure:
        flags.append(f"--unsafely-treat-insecure-origin-as-secure={','.join(secure)}")
    return await playwright.chromium.launch(executable_path=program, headless=True, args=flags)


async def new_context(browser: Browser, **options: object) -> BrowserContext:
    """A fresh profile in a running browser: its own storage, and the tests' ears in every page.

    The microphone is allowed by the browser's flag, and not by the driver, which would allow it even to frames that the
    page keeps it from. Motion is reduced, since drawing without a graphics card takes half of what a test needs.
    """
    context = await browser.new_context(**{"reduced_motion": "reduce", **options})  # type: ignore[arg-type]
    await context.add_init_script(path=EARS)
    return context


def namespaced(program: str, namespace: str, folder: Path) -> str:
    """An executable that runs `program` inside a network namespace."""
    script = folder / f"{Path(program).name}-{namespace}"
    script.write_text(f'#!/bin/sh\nexec ip netns exec {namespace} {program} "$@"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)
