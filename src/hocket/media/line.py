"""Looks after the line that all voice leaves on: where it is too slow the kernel has no room, and packets are lost.

The media threads count them and go on; nobody would read of it, as nothing fails.
"""

from __future__ import annotations

import asyncio

from hocket.logging import Sparing
from hocket.media.engine import EngineClosed, MediaEngine

LOOK_SECONDS = 5.0


async def watch(engine: MediaEngine, log: Sparing) -> None:
    """Says in the log that packets are lost, while they are, as long as the engine runs."""
    known = 0
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            lost = engine.dump().dropped.get("send-no-room", 0)
        except EngineClosed:
            return
        if lost > known:
            log.warning(
                "%d packets of voice found no room to leave in %g seconds: this machine's line is too slow for them",
                lost - known,
                LOOK_SECONDS,
            )
        known = lost
