"""Our own sessions of people who logged in with their homeserver's token. Pure: the time is an argument.

A homeserver's token never expires, so it only opens sessions: random tokens of ours that end an hour after their last
use and a day after the login at the latest. Whoever needs longer logs in again with the homeserver's token. They live
in memory alone: after a restart everybody logs in again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from hocket.errors import ResourceExhausted

_TOKEN_BYTES = 32
"""256 bits of chance."""

_FULL_RETRY = 60
"""Seconds."""


@dataclass(slots=True, eq=False)
class Session:
    """Somebody who is logged in.

    Attributes:
        user_id: ours.
        name: to show.
        homeserver: whose user it is.
        foreign_id: the user's id there.
        ends_at: when it ends at the latest, whatever happens.
        used_at: when it was used last.
        revoked: taken back; its streams must end.
        hashed: the hash of its token.
    """

    user_id: int
    name: str
    homeserver: str
    foreign_id: int
    ends_at: float
    used_at: float
    hashed: bytes = field(repr=False)
    revoked: bool = False


class Sessions:
    """The sessions of a server, found by the hash of their tokens: neither memory nor a comparison's time tells one."""

    def __init__(
        self,
        *,
        idle_seconds: float = 3_600.0,
        longest_seconds: float = 86_400.0,
        per_user: int = 16,
        in_all: int = 50_000,
    ) -> None:
        """None yet.

        Args:
            idle_seconds: how long a session lasts after its last use.
            longest_seconds: how long it lasts at most; less than `idle_seconds` counts as that.
            per_user: sessions of one user; the one that was not used for longest makes room.
            in_all: sessions of everybody; then nobody more can log in.
        """
        self._idle = idle_seconds
        self._longest = max(idle_seconds, longest_seconds)
        self._per_user = per_user
        self._in_all = in_all
        self._by_hash: OrderedDict[bytes, Session] = OrderedDict()  # in the order of their last use
        self._of_user: dict[int, OrderedDict[bytes, None]] = {}  # in the same order

    def __len__(self) -> int:
        return len(self._by_hash)

    def open(self, user_id: int, name: str, homeserver: str, foreign_id: int, now: float) -> str:
        """Logs somebody in.

        Returns:
            The token: shown once, kept nowhere.

        Raises:
            ResourceExhausted: there are too many sessions.
        """
        self._forget_unused(now)
        own = self._of_user.get(user_id)
        if own is not None and len(own) >= self._per_user:
            self._forget(next(iter(own)))
        if len(self._by_hash) >= self._in_all:
            raise ResourceExhausted("Too many people are logged in.", retry_after=_FULL_RETRY)
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        hashed = _hash(token)
        self._by_hash[hashed] = Session(user_id, name, homeserver, foreign_id, now + self._longest, now, hashed)
        self._of_user.setdefault(user_id, OrderedDict())[hashed] = None
        return token

    def find(self, token: str, now: float) -> Session | None:
        """The session of a token, which is used by that; None if there is none, or none any more."""
        session = self._by_hash.get(_hash(token))
        return session if session is not None and self.use(session, now) else None

    def use(self, session: Session, now: float) -> bool:
        """Counts something as use of a session, such as a call in progress; False if there is no such session now."""
        if self._by_hash.get(session.hashed) is not session:
            return False
        if now >= min(session.used_at + self._idle, session.ends_at):
            self._forget(session.hashed)
            return False
        session.used_at = now
        self._by_hash.move_to_end(session.hashed)
        self._of_user[session.user_id].move_to_end(session.hashed)
        return True

    def revoke(self, token: str) -> Session | None:
        """Takes a session back; gives it, or None if there is none."""
        session = self._by_hash.get(_hash(token))
        if session is not None:
            session.revoked = True
            self._forget(_hash(token))
        return session

    def revoke_user(self, user_id: int) -> int:
        """Takes all sessions of a user back; gives how many."""
        own = list(self._of_user.get(user_id, ()))
        for hashed in own:
            self._by_hash[hashed].revoked = True
            self._forget(hashed)
        return len(own)

    def _forget_unused(self, now: float) -> None:
        while self._by_hash:
            hashed, session = next(iter(self._by_hash.items()))
            if now < session.used_at + self._idle:
                return
            self._forget(hashed)

    def _forget(self, hashed: bytes) -> None:
        session = self._by_hash.pop(hashed)
        own = self._of_user[session.user_id]
        del own[hashed]
        if not own:
            del self._of_user[session.user_id]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
