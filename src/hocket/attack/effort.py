"""What an attack may use, and what it says of itself afterwards. Plain values."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Budget:
    """The bounds of one attack: seconds, datagrams or requests a second, and TCP connections at once."""

    seconds: float
    packets_per_second: int
    connections: int

    @property
    def packets(self) -> int:
        """Most datagrams or requests in all."""
        return round(self.seconds * self.packets_per_second)


@dataclass(slots=True)
class Effort:
    """What was sent, and what came back.

    Attributes:
        inputs: datagrams, frames, connections or joins, as the attack counts.
        bytes_out: what the datagrams of a flood held; 0 where it is not counted.
        answers: what came back to them.
        bytes_back: and how much that was.
        notes: what else is worth telling, a sentence each.
        broken: promises that the server did not keep, a sentence each: that is harm.
    """

    inputs: int = 0
    bytes_out: int = 0
    answers: int = 0
    bytes_back: int = 0
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


class Pace:
    """How many of a flood are due: so many a second from now on, for so long. What was missed is not made up for in one
    go, so that a machine without time sends less, not bursts."""

    _BURST_SECONDS = 0.05

    def __init__(self, budget: Budget) -> None:
        """Starts the clock."""
        self._rate = budget.packets_per_second
        self._left = budget.packets
        self._last = time.monotonic()
        self._until = self._last + budget.seconds

    def due(self) -> int | None:
        """How many may be sent now; None when the time or the budget is over."""
        now = time.monotonic()
        if now >= self._until or self._left <= 0:
            return None
        count = min(int((min(now - self._last, self._BURST_SECONDS)) * self._rate), self._left)
        if count:
            self._last = now
            self._left -= count
        return count

    def stop(self) -> None:
        """Nothing more is due: whoever sends in another thread ends at its next turn."""
        self._left = 0
