"""Firefox with a tone for a microphone, driven over WebDriver BiDi."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from .bidi import Bidi
from .namespaces import Host

PROGRAM: Final = "/usr/bin/firefox-esr"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 10.0
_LISTENING: Final = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")


def preferences(tone: int, secure: Sequence[str] = ()) -> Mapping[str, object]:
    """A fake microphone that plays `tone` Hz, media on loopback, and nothing that calls home.

    `secure`: hosts to be trusted with a microphone although their pages are plain http.
    """
    return {
        "dom.securecontext.allowlist": ",".join(secure),
        "media.navigator.streams.fake": True,
        "media.navigator.audio.fake_frequency": tone,
        "media.navigator.permission.disabled": True,
        # A fake microphone counts as no capture, and without the permission ICE uses the default route's address alone.
        "permissions.default.microphone": 1,
        "media.peerconnection.ice.loopback": True,
        "media.peerconnection.ice.obfuscate_host_addresses": False,
        "media.autoplay.default": 0,
        "media.autoplay.blocking_policy": 0,
        # Without a sound card Firefox leaves every AudioContext suspended; its mock of one runs.
        "media.cubeb.force_mock_context": True,
        "ui.prefersReducedMotion": 1,
        "remote.active-protocols": 1,
        "app.update.disabledForTesting": True,
        "app.normandy.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "browser.startup.homepage": "about:blank",
        "browser.startup.page": 0,
        "datareporting.policy.dataSubmissionEnabled": False,
        "dom.security.https_first": False,
        "extensions.getAddons.cache.enabled": False,
        "extensions.systemAddon.update.enabled": False,
        "network.captive-portal-service.enabled": False,
        "network.connectivity-service.enabled": False,
        "services.settings.server": "data:,",
        "toolkit.telemetry.enabled": False,
        "browser.safebrowsing.malware.enabled": False,
        "browser.safebrowsing.phishing.enabled": False,
        "browser.search.update": False,
        "media.gmp-manager.updateEnabled": False,
        "media.gmp-provider.enabled": False,
    }


def _javascript(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else f'"{value}"'


def _write_profile(folder: Path, wanted: Mapping[str, object]) -> None:
    lines = [f'user_pref("{name}", {_javascript(value)});\n' for name, value in wanted.items()]
    (folder / "user.js").write_text("".join(lines))


@contextlib.asynccontextmanager
async def launch(tone: int, *, host: Host | None = None, secure: Sequence[str] = ()) -> AsyncIterator[Bidi]:
    """Starts a Firefox with a profile of its own, and ends it with everything that it started.

    Args:
        tone: what its microphone plays, in Hz.
        host: where it runs; None is this machine.
        secure: hosts to be trusted with a microphone although their pages are plain http.
    """
    folder = Path(tempfile.mkdtemp(prefix="hocket-firefox-"))
    _write_profile(folder, preferences(tone, secure))
    process = await asyncio.create_subprocess_exec(
        *(
            *([] if host is None else host.enter),
            PROGRAM,
            "--headless",
            "--no-remote",
            "--profile",
            str(folder),
            "--remote-debugging-port=0",
        ),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "MOZ_CRASHREPORTER_DISABLE": "1", "HOME": str(folder)},
    )
    try:
        address = await _address(process)
        drain = asyncio.ensure_future(_drain(process))
        session = await Bidi.open(address, None if host is None else host.connect("127.0.0.1", _port(address)))
        try:
            yield session
        finally:
            await session.close()
            drain.cancel()
    finally:
        await _end(process)
        shutil.rmtree(folder, ignore_errors=True)


async def _address(process: asyncio.subprocess.Process) -> str:
    """Waits for the line that says where BiDi listens."""
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(START_SECONDS):
        async for line in process.stderr:
            said += line
            if found := _LISTENING.search(line):
                return found[1].decode()
    raise RuntimeError(f"Firefox ended before it listened:\n{said.decode(errors='replace')}")


def _port(address: str) -> int:
    return int(address.rpartition(":")[2])


async def _drain(process: asyncio.subprocess.Process) -> None:
    """Keeps Firefox from waiting for someone to read what it says."""
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
                return
