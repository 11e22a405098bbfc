"""When a run may go on: conditions over what the crowd counts and a clock. Pure."""

from __future__ import annotations

from collections.abc import Callable

_QUIET_SECONDS = 0.3
"""Without a packet for so long, none is under way. Shorter than the half second after which a server may call a speaker
silent."""

_STALL_SECONDS = 2.0
"""Without a further first packet for so long, none is waited for: the server does not forward the rest."""


class Quiet:
    """Tells when the last packet has come in: after a silence, what was sent before it is counted or lost."""

    def __init__(self, arrived: Callable[[], int], clock: Callable[[], float]) -> None:
        """`arrived` tells how many packets have come so far, `clock` seconds."""
        self._arrived = arrived
        self._clock = clock
        self._seen = (arrived(), clock())

    def __call__(self) -> bool:
        """Whether that is so now."""
        arrived, now = self._arrived(), self._clock()
        if arrived != self._seen[0]:
            self._seen = (arrived, now)
        return now - self._seen[1] >= _QUIET_SECONDS


class Settled:
    """Tells when no further first packets are to be expected.

    Of those who do not talk, and of more talkers than the server lets through at once, none may ever come; so it is
    enough that as many streams have begun as there are of people who talk, or that none has begun for a while.
    """

    def __init__(self, streams: int, begun: Callable[[], int], clock: Callable[[], float]) -> None:
        """For so many streams of people who talk; `begun` tells how many of any have begun, `clock` seconds."""
        self._streams = streams
        self._begun = begun
        self._clock = clock
        self._seen = (0, clock())

    def __call__(self) -> bool:
        """Whether that is so now. When nothing has begun at all, the patience of the caller decides."""
        begun, now = self._begun(), self._clock()
        if begun != self._seen[0]:
            self._seen = (begun, now)
        return begun >= self._streams or (begun > 0 and now - self._seen[1] >= _STALL_SECONDS)
