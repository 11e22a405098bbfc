"""How fast requests and joins may come: token buckets over a clock that is handed in. Pure."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable


class TokenBucket:
    """Lets `burst` through at once, and `rate` a second in the long run."""

    def __init__(self, *, rate: float, burst: int, now: float) -> None:
        """A full bucket at `now` (seconds)."""
        self._rate = rate
        self._burst = float(burst)
        self._level = float(burst)
        self._filled_at = now

    def take(self, now: float, amount: int = 1) -> bool:
        """Takes so many tokens; False when there are fewer. A clock that went back fills nothing."""
        level = self._level
        if now > self._filled_at:
            level += (now - self._filled_at) * self._rate
            if level > self._burst:
                level = self._burst
            self._filled_at = now
        self._level = level - amount if level >= amount else level
        return level >= amount

    def wait(self, amount: int = 1) -> int:
        """Seconds from the last `take` until there are so many tokens, rounded up, at least 1."""
        return max(1, math.ceil((min(amount, self._burst) - self._level) / self._rate))

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return self.take(now, 0) and self._level >= self._burst


class TokenBuckets:
    """A bucket for each of many names, of which only so many are kept.

    A full bucket is forgotten, since a new one is full too. When all that are kept are in use, the one that was used
    the longest ago makes room: whoever has that many names at its disposal is held by a bucket for all.
    """

    def __init__(self, *, rate: float, burst: int, most: int) -> None:
        """None yet; at most `most` at a time."""
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._buckets)

    def take(self, name: Hashable, now: float) -> bool:
        """Takes one token from the bucket of that name; False when there is none."""
        bucket = self._buckets.pop(name, None) or TokenBucket(rate=self._rate, burst=self._burst, now=now)
        self._buckets[name] = bucket
        taken = bucket.take(now)
        self._forget(now)
        return taken

    def wait(self, name: Hashable) -> int:
        """Seconds until the bucket of that name has a token, at least 1."""
        bucket = self._buckets.get(name)
        return 1 if bucket is None else bucket.wait()

    def _forget(self, now: float) -> None:
        """Drops up to two of the oldest that are full, and whatever is too many."""
        for _ in range(2):
            oldest = next(iter(self._buckets))
            if self._buckets[oldest].is_full(now) or len(self._buckets) > self._most:
                del self._buckets[oldest]
