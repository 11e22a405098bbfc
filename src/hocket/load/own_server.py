"""A `hocket serve` for one run: started on free ports of the loopback, measured, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from typing import IO

from hocket.config import StartError
from hocket.load.options import BenchOptions

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_ADDRESS = re.compile(r"(https?://[^\s/]+:\d+)")
_READY = "Ctrl-C"
_SPARE = 16


class OwnServer:
    """A running server: where it is, and its process."""

    def __init__(self, url: str, pid: int) -> None:
        """Where it listens, and which process it is."""
        self.url = url
        self.pid = pid


@contextlib.asynccontextmanager
async def own_server(words: Sequence[str]) -> AsyncIterator[OwnServer]:
    """Starts a server with these options, such as `arguments` gives, and stops it afterwards.

    Raises:
        StartError: it does not start; the message holds its last lines.
    """
    # A file, since nobody would read a pipe to its end while the load runs.
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hocket", "serve"),
            *words,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,  # a Ctrl-C of the terminal is for us to pass on
        )
        try:
            yield OwnServer(await _ready(process, log), process.pid)
        finally:
            await _stop(process)


def arguments(options: BenchOptions) -> list[str]:
    """Free ports of the loopback and limits that let this load in, unless `--serve` says otherwise; and its words."""
    streams = options.channels * options.participants + _SPARE
    defaults = {
        "--port": 0,
        "--media-port": 0,
        "--announce": "127.0.0.1",
        "--limits.streams": streams,
        "--limits.streams-per-address": streams,
        "--limits.joins-per-second": 100_000,
        "--limits.join-burst": 100_000,
        "--limits.address-joins-per-second": 100_000,
        "--limits.address-join-burst": 100_000,
        "--limits.channels": options.channels + _SPARE,
        "--limits.transports": max(20_000, 2 * streams),
        "--limits.producer-packets-per-second": 10_000,
        "--limits.producer-bits-per-second": 100_000_000,
        "--limits.participants": options.participants,
        "--limits.outbox": 4 * options.participants + 1_024,
        "--limits.requests-per-second": 100_000,
        "--limits.request-burst": 100_000,
    }
    chosen = options.serve_words
    named = {word.partition("=")[0] for word in chosen}
    ours = [word for name, value in defaults.items() if name not in named for word in (name, str(value))]
    return [*ours, *chosen]


async def _ready(process: asyncio.subprocess.Process, log: IO[bytes]) -> str:
    """Waits for the line that says where the server is, and for the last of its first lines."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        ended = process.returncode is not None
        text = os.pread(log.fileno(), 65_536, 0).decode(errors="replace")
        found = _ADDRESS.search(text)
        if found and _READY in text:
            return found[1]
        if ended:
            raise StartError("The server does not start:\n" + text.strip())
        await asyncio.sleep(_LOOK_SECONDS)
    raise StartError(f"The server was not ready within {_START_SECONDS:.0f} s.")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
