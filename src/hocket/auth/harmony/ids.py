"""One space of ids for the users and guilds of several homeservers, the same after every restart.

With one homeserver its ids are ours. With several, user 7 of one is not user 7 of another, and a guild of one is not
the guild of the same number of another: whoever runs a homeserver can choose any number. So each pair of homeserver and
id gets an id of ours: a keyed hash, which nobody else can compute, of 63 bits, so that signed columns hold it too; and
where that is taken, one chance in 2^63, the next. A table remembers each: ids stay even if the key is lost.
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from itertools import count
from pathlib import Path
from typing import Literal, Protocol

from hocket.config import ConfigError
from hocket.errors import ResourceExhausted

Kind = Literal["user", "guild"]

IDS_LIMIT = 5_000_000
"""Most ids that are remembered. A million take about 100 MB on disk."""

_FULL_RETRY = 3_600


class Ids(Protocol):
    """Says under which id something of a homeserver is known here."""

    def local(self, kind: Kind, homeserver: str, foreign: int) -> int:
        """Our id for a homeserver's."""


class SameIds:
    """For one homeserver: its ids are ours."""

    def local(self, kind: Kind, homeserver: str, foreign: int) -> int:
        """The same id."""
        return foreign


class IdTable:
    """For several homeservers: a table in a file."""

    def __init__(self, file: Path | str, secret: bytes, *, limit: int = IDS_LIMIT) -> None:
        """Opens the table, or makes it.

        Args:
            file: SQLite's; `:memory:` for none.
            secret: keys the hash.
            limit: most ids.

        Raises:
            ConfigError: the file cannot be opened, or is no such table.
        """
        self._secret = secret
        self._limit = limit
        try:
            # One event loop uses it, whichever thread that runs in.
            self._table = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._table.execute("PRAGMA journal_mode = WAL")
            # A crash of the machine may cost the last rows; the hash then gives the same ids again.
            self._table.execute("PRAGMA synchronous = OFF")
            self._table.execute(
                "CREATE TABLE IF NOT EXISTS ids (kind TEXT, homeserver TEXT, id TEXT, local INTEGER, "
                "PRIMARY KEY (kind, homeserver, id), UNIQUE (kind, local)) WITHOUT ROWID"
            )
            (self._count,) = self._table.execute("SELECT count(*) FROM ids").fetchone()
        except sqlite3.Error as error:
            raise ConfigError(f"--harmony-state: the table of ids {file} cannot be used: {error}.") from None

    def local(self, kind: Kind, homeserver: str, foreign: int) -> int:
        """Our id for a homeserver's, from 1 to 2^63-1; remembered from the first time on.

        Raises:
            ResourceExhausted: the table is full.
        """
        found = self._find(kind, homeserver, foreign)
        if found is not None:
            return found
        if self._count >= self._limit:
            raise ResourceExhausted("This server knows too many users and guilds.", retry_after=_FULL_RETRY)
        for attempt in count():
            local = self._hash(kind, homeserver, foreign, attempt)
            if local and self._remember(kind, homeserver, foreign, local):
                self._count += 1
                return local
            found = self._find(kind, homeserver, foreign)
            if found is not None:  # another process was quicker
                return found
        raise AssertionError("count() ends")

    def close(self) -> None:
        """Closes the file."""
        self._table.close()

    def _find(self, kind: Kind, homeserver: str, foreign: int) -> int | None:
        row = self._table.execute(
            "SELECT local FROM ids WHERE kind = ? AND homeserver = ? AND id = ?", (kind, homeserver, str(foreign))
        ).fetchone()
        return None if row is None else int(row[0])

    def _remember(self, kind: Kind, homeserver: str, foreign: int, local: int) -> bool:
        """Writes a row; False if this id of ours is taken."""
        try:
            self._table.execute("INSERT INTO ids VALUES (?, ?, ?, ?)", (kind, homeserver, str(foreign), local))
        except sqlite3.IntegrityError:
            return False
        return True

    def _hash(self, kind: Kind, homeserver: str, foreign: int, attempt: int) -> int:
        message = f"{kind}\0{homeserver}\0{foreign}\0{attempt}".encode()
        return int.from_bytes(hmac.digest(self._secret, message, hashlib.sha256)[:8], "big") >> 1
