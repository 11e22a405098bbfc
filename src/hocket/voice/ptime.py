"""How much sound a channel's packets hold: the more people hear each of them, the longer they are. Pure.

A packet costs the server by its number and hardly by its length, and the line too: of 20 ms it is some 80 bytes of
sound in 66 of headers. With 60 ms a listener costs a third of the packets and 70 % of the bytes, and every word comes
40 ms later. Among a few people that is not worth it; whoever speaks to hundreds waits longer for their answer.

It is a wish of the server's (`ptime`, RFC 7587 §6.1): a client that cannot goes on with packets of 20 ms.
"""

from __future__ import annotations

from typing import Final

from hocket.ortc.negotiate import USUAL_PTIME

_STEPS: Final = ((300, 60), (100, 40))
"""From how many people on packets hold so many ms. 100 people who hear three speak cost about a tenth of a core."""

_BACK: Final = 0.75
"""At which share of a step's people it is left again: one who comes and goes is not to move a hundred clients."""


def by_size(people: int, now: int) -> int:
    """Milliseconds of sound a packet, of a channel with so many people, in which it is `now` so many."""
    for many, ptime in _STEPS:
        if people >= (many * _BACK if now >= ptime else many):
            return ptime
    return USUAL_PTIME
