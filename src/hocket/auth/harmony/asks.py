"""Answers that are kept for seconds. Who asks for the same while it is being asked waits for the same call."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hocket.errors import ResourceExhausted

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_BUSY_RETRY = 5
"""Seconds."""


@dataclass(slots=True)
class _Asking(Generic[V]):
    task: asyncio.Task[V]
    waiting: int = 0


class Asks(Generic[K, V]):
    """Asks for values by key, and keeps them for a short time. Failures are not kept."""

    def __init__(
        self,
        ask: Callable[[K], Awaitable[V]],
        *,
        seconds: float,
        size: int,
        clock: Callable[[], float],
        at_once: int = 1_000,
    ) -> None:
        """Nothing yet.

        Args:
            ask: gets one value.
            seconds: how long a value is kept.
            size: how many are kept; the oldest makes room.
            clock: seconds.
            at_once: different keys that may be asked for at a time.
        """
        self._ask = ask
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._at_once = at_once
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()  # the oldest first
        self._asking: dict[K, _Asking[V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def is_asking(self, key: K) -> bool:
        """Whether it is being asked for a value."""
        return key in self._asking

    async def get(self, key: K) -> V:
        """A value that is not older than `seconds`.

        Raises:
            ResourceExhausted: too many others are being asked for.
            Exception: whatever `ask` raises.
        """
        kept = self._kept.get(key)
        if kept is not None and self._clock() < kept[0] + self._seconds:
            return kept[1]
        asking = self._asking.get(key)
        if asking is None:
            if len(self._asking) >= self._at_once:
                raise ResourceExhausted("Too many people ask at once.", retry_after=_BUSY_RETRY)
            asking = self._asking[key] = _Asking(asyncio.ensure_future(self._fetch(key)))
            asking.task.add_done_callback(_heard)
        return await self._share(key, asking)

    async def _share(self, key: K, asking: _Asking[V]) -> V:
        """Waits for a call with others. The call goes on as long as anybody waits for it."""
        asking.waiting += 1
        try:
            await asyncio.wait({asking.task})
            return asking.task.result()
        finally:
            asking.waiting -= 1
            if not asking.waiting:
                if self._asking.get(key) is asking:
                    del self._asking[key]
                asking.task.cancel()

    async def _fetch(self, key: K) -> V:
        value = await self._ask(key)
        self._kept[key] = (self._clock(), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
        return value


def _heard(task: asyncio.Task[V]) -> None:
    """Everybody who waited may be gone by now: then a failure is nobody's, and not worth a line in the log."""
    if not task.cancelled():
        task.exception()
