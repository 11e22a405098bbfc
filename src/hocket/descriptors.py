"""The process's table of descriptors: as large as may be, and a word in the log when it is nearly full.

A full table is a fault without a voice: the event loop (libuv) then takes each new connection with a descriptor that it
keeps for that, closes it, and tells nobody.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from hocket.logging import Sparing

_LAST: Final = 8
"""A connection among the last so many is news."""


class Descriptors:
    """How many there may be, and who watches that.

    Attributes:
        limit: descriptors are below it; None where the system does not tell.
    """

    def __init__(self) -> None:
        """Looks up the limit, and raises it as far as an ordinary user may."""
        self.limit = _raise_limit()
        self._log = Sparing(logging.getLogger("hocket.server"))

    def note(self, descriptor: int) -> None:
        """A connection got this one; the system gives the lowest that is free."""
        if self.limit is not None and descriptor >= self.limit - _LAST:
            self._log.warning(
                "the table of descriptors is nearly full (%d): new connections will be closed until others have ended. "
                "Raise `ulimit -n`, or LimitNOFILE of the systemd unit",
                self.limit,
            )


def _raise_limit() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # a system with a bound of its own
            pass
    return None if soft == resource.RLIM_INFINITY else soft
