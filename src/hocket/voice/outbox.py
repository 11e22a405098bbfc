"""Frames that wait for one client: bounded, in order. Pure; the shell is woken and sends them.

Most frames are the protocol's and none may be lost: when the box is full, the client does not read, and its stream has
to end. A frame that only tells a present state (`put_latest`) takes the place of an older one of the same key that
still waits, so that a client that reads slowly hears the newest and fills nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from itertools import count

_MANY = 64
"""Frames from which on the room that they took is given back; a member of a large channel hears a thousand at once, and
then a few."""


class Outbox:
    """Frames in the order in which they leave.

    Attributes:
        overflowed: a frame found no room. All that waited was dropped, and nothing is taken in but the last frame.
    """

    def __init__(self, limit: int, wake: Callable[[], None]) -> None:
        """An empty box.

        Args:
            limit: most frames that wait.
            wake: called, without re-entering anything, when a frame came, the box was closed, or it overflowed.
        """
        self.overflowed = False
        self._limit = limit
        self._wake = wake
        self._frames: OrderedDict[object, bytes] = OrderedDict()
        self._most = 0
        self._numbers = count()
        self._closed = False

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    @property
    def finished(self) -> bool:
        """Closed, and all that was put in is taken out."""
        return self._closed and not self._frames

    def put(self, frame: bytes) -> None:
        """Adds a frame that must not be lost. Without room the box overflows; after `close` nothing happens."""
        self._add(next(self._numbers), frame)

    def put_latest(self, key: object, frame: bytes) -> None:
        """Adds a frame, or puts it in the place of the one with this key that still waits."""
        self._add(("latest", key), frame)

    def forget(self, key: object) -> None:
        """Drops the frame with this key if it still waits: what it tells of is gone."""
        self._frames.pop(("latest", key), None)

    def take(self) -> bytes | None:
        """Takes the oldest frame; None when none waits."""
        if not self._frames:
            return None
        frame = self._frames.popitem(last=False)[1]
        if not self._frames and self._most >= _MANY:
            self._frames = OrderedDict()  # a dictionary keeps the room of its largest days
            self._most = 0
        return frame

    def close(self, last: bytes | None = None) -> None:
        """Takes no more frames, but for a last one, which always finds room. Only the first call counts."""
        if self._closed:
            return
        if last is not None:
            self._frames["last"] = last
        self._closed = True
        self._wake()

    def _add(self, key: object, frame: bytes) -> None:
        if self._closed or self.overflowed:
            return
        if key not in self._frames and len(self._frames) >= self._limit:
            self.overflowed = True
            self._frames.clear()
        else:
            self._frames[key] = frame
            if len(self._frames) > self._most:
                self._most = len(self._frames)
        self._wake()
