"""What a server's process holds, before, during and after: from `/proc`."""

from __future__ import annotations

import asyncio
import os
import time
from types import TracebackType
from typing import Self

from hocket.attack.report import Held, harm_to_process
from hocket.load.process import ProcessGone, usage

_LOOK_SECONDS = 0.1
_BACK_SECONDS = 15.0
"""How long a server may take to give back what an attack took: longer than it waits for the head of a request."""


def held(pid: int) -> Held | None:
    """What a process holds now; None when there is none, or it may not be looked at."""
    try:
        found = usage(pid)
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    except (ProcessGone, OSError):
        return None
    return Held(memory=found.memory, descriptors=descriptors, threads=len(found.threads))


async def settled(pid: int, before: Held) -> Held | None:
    """Waits until a process has given back what it took, or for 15 s; gives what it holds then."""
    until = time.monotonic() + _BACK_SECONDS
    while (now := held(pid)) is not None and harm_to_process(before, None, now) and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)
    return now


class Peak:
    """The most that a process holds while this context is open. `held` is None where there is nothing to see."""

    def __init__(self, pid: int | None) -> None:
        """Of a process; None looks at nothing."""
        self._pid = pid
        self.held: Held | None = None

    async def __aenter__(self) -> Self:
        """Begins to look."""
        self._task = asyncio.ensure_future(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Looks no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self) -> None:
        while self._pid is not None:
            now = held(self._pid)
            if now is not None:
                self.held = now if self.held is None else _most(self.held, now)
            await asyncio.sleep(_LOOK_SECONDS)


def _most(one: Held, other: Held) -> Held:
    return Held(
        memory=max(one.memory, other.memory),
        descriptors=max(one.descriptors, other.descriptors),
        threads=max(one.threads, other.threads),
    )
