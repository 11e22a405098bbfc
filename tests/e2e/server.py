"""A real `hocket serve`, in a process of its own, on free ports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from tests.secrecy import secrecy

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0
_ADDRESS: Final = re.compile(r"(https?://\S+?:\d+\S*)")
HOCKET: Final = Path(sys.executable).with_name("hocket")


class Server:
    """A running server.

    Attributes:
        url: where the page is, ending in a slash.
        log: everything that it has printed, a line each.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""
        self.log: list[str] = []
        self._listening = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    @property
    def stream_url(self) -> str:
        """Where the service is, for clients without a page."""
        return self.url.replace("http", "ws", 1)

    async def ready(self) -> None:
        """Waits for the line that says where to open the page."""
        async with asyncio.timeout(START_SECONDS):
            listening = asyncio.ensure_future(self._listening.wait())
            await asyncio.wait({listening, self._reader}, return_when=asyncio.FIRST_COMPLETED)
            listening.cancel()
        if not self._listening.is_set():
            raise RuntimeError("the server ended before it was ready:\n" + "\n".join(self.log))

    async def stop(self, how: signal.Signals = signal.SIGINT) -> float:
        """Asks it to end, as Ctrl-C does, and gives the seconds that it took.

        Raises:
            AssertionError: it ended with another status than 0, or had to be killed.
        """
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                status = await self.process.wait()
        except TimeoutError:
            self.process.kill()
            status = await self.process.wait()
        took = time.monotonic() - began
        await self._reader
        assert status == 0, f"status {status} after {took:.1f} s:\n" + "\n".join(self.log[-40:])
        return took

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.log.append(line.decode(errors="replace").rstrip())
            secrecy.read(self.log[-1])
            found = _ADDRESS.search(self.log[-1])
            if found and not self.url:
                self.url = found[1].rstrip("/.,") + "/"
                self._listening.set()


@contextlib.asynccontextmanager
async def serving(
    *options: str, prefix: Sequence[str] = (), announce: str | None = "127.0.0.1"
) -> AsyncIterator[Server]:
    """Starts `hocket serve` and stops it afterwards, which must succeed.

    Args:
        options: further options of `hocket serve`.
        prefix: a command that runs it, such as `ip netns exec name`.
        announce: the media address that clients are told; None leaves it to the server.
    """
    process = await asyncio.create_subprocess_exec(
        *(*prefix, str(HOCKET), "serve", *_defaults(options, announce), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    server = Server(process)
    try:
        await server.ready()
        yield server
    finally:
        if process.returncode is None:
            await server.stop()


def _defaults(options: Sequence[str], announce: str | None) -> list[str]:
    """Options that a test did not set itself: free ports, one media address."""
    defaults = {"--port": "0", "--media-port": "0"} | ({} if announce is None else {"--announce": announce})
    return [word for name, value in defaults.items() if name not in options for word in (name, value)]
