"""A server on a real socket, in the test's own event loop, with the real media engine."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection

import uvicorn

from hocket.auth import Authenticate
from hocket.config import Limits, OneChannel, Ptime, read_networks
from hocket.listening import listen
from hocket.policy import Authorize, HowManySpeak, PtimeOf
from hocket.server import VoiceServer
from hocket.serving import uvicorn_config
from tests.secrecy import secrecy

PATIENCE = 10.0


@contextlib.asynccontextmanager
async def uvicorn_running(config: uvicorn.Config) -> AsyncIterator[str]:
    """Serves on a free port; gives the base URL."""
    (listener,) = listen("127.0.0.1", 0)
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment] # signals are pytest's
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([listener]))
        await until(lambda: server.started)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True


@contextlib.asynccontextmanager
async def running(
    *,
    page: bool = False,
    limits: Limits | None = None,
    active_speakers: int | HowManySpeak = 0,
    ptime: Ptime | PtimeOf = "auto",
    authenticate: Authenticate | None = None,
    authorize: Authorize | None = None,
    one_channel: OneChannel = "replace",
    allowed_origins: Collection[str] = (),
    consent_ms: int = 30_000,
    trusted_proxies: Collection[str] = (),
    workers: int = 1,
) -> AsyncIterator[tuple[VoiceServer, str]]:
    """A VoiceServer as `hocket serve` serves it; with a `consent_ms` (RFC 7675) of the test's own, if it gives one."""
    voice = VoiceServer(
        announce=["127.0.0.1"],
        workers=workers,
        page=page,
        limits=limits,
        active_speakers=active_speakers,
        ptime=ptime,
        authenticate=authenticate,
        authorize=authorize,
        one_channel=one_channel,
        allowed_origins=allowed_origins,
    )
    voice._media_options["consent_ms"] = consent_ms  # no option of the library: 30 s is the RFC's
    config = uvicorn_config(voice, limits or Limits(), trusted_proxies=read_networks(trusted_proxies))
    async with voice, uvicorn_running(config) as base:
        yield voice, base
        await voice.drain()
        secrecy.read(f"{voice.dump()}")


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits until something holds that needs a turn or two of the event loop, or of the network."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of things that tell nobody when they change
            await asyncio.sleep(0.01)
