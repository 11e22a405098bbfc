"""How fast requests may come: a token bucket over a clock that is handed in. Pure."""

from __future__ import annotations


class TokenBucket:
    """Lets `burst` through at once, and `rate` a second in the long run."""

    def __init__(self, *, rate: float, burst: int, now: float) -> None:
        """A full bucket at `now` (seconds)."""
        self._rate = rate
        self._burst = float(burst)
        self._level = float(burst)
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Takes one token; False when there is none. A clock that went back fills nothing."""
        gained = max(0.0, now - self._filled_at) * self._rate
        self._level = min(self._burst, self._level + gained)
        self._filled_at = max(now, self._filled_at)
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True
