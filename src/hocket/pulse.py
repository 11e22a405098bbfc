"""Notices that the event loop stood still: a function did not give way. Voices went on; everything else waited."""

from __future__ import annotations

import asyncio
from typing import Final

from hocket.logging import Sparing

_BEAT: Final = 0.25
"""Seconds between two looks."""

_LATE: Final = 0.7
"""Seconds from which on a look is late: joins by the hundred delay one by less, a second of standing still by more."""


async def watch(log: Sparing) -> None:
    """Says in the log when it happened and for how long; for ever."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _BEAT
        await asyncio.sleep(_BEAT)
        late = loop.time() - due
        if late > _LATE:
            log.warning(
                "the event loop stood still for %.1f seconds: a function of the app does not give way, or the machine "
                "has too much to do",
                late,
            )
