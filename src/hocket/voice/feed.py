"""Events on their way to the app: bounded, so that an app that does not listen costs nothing but its own news."""

from __future__ import annotations

import asyncio
from weakref import WeakSet

from hocket.voice.events import Event

_WAITING = 10_000
"""Most events that wait for one subscriber; then the oldest are lost."""


class Subscription:
    """An async iterator over events, from its creation on; it ends when the server does.

    Attributes:
        lost: events that found no room because this subscriber was too slow.
    """

    def __init__(self, *, limit: int = _WAITING) -> None:
        """Room for so many events."""
        self.lost = 0
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._limit = limit
        self._closed = False

    def put(self, event: Event) -> None:
        """Adds an event; the oldest makes room for it if need be."""
        if self._closed:
            return
        if self._queue.qsize() >= self._limit:
            self._queue.get_nowait()
            self.lost += 1
        self._queue.put_nowait(event)

    def close(self) -> None:
        """Ends the iteration after the events that wait."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    def __aiter__(self) -> Subscription:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        event = await self._queue.get()
        if event is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return event


class Feed:
    """Hands each event to every subscription that somebody still holds."""

    def __init__(self) -> None:
        """Nobody listens yet."""
        self._subscriptions: WeakSet[Subscription] = WeakSet()

    def publish(self, event: Event) -> None:
        """Never raises and never blocks."""
        if not self._subscriptions:
            return
        for subscription in list(self._subscriptions):
            subscription.put(event)

    def subscribe(self) -> Subscription:
        """Events from now on."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """Ends every iteration."""
        for subscription in list(self._subscriptions):
            subscription.close()
