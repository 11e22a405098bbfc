"""Who somebody is. An authenticator is an async function from `Credentials` to `User`; `open` has a ready one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

USER_ID_LIMIT = 2**64
"""User ids are uint64, and 0 is what an absent field reads as: valid ids are 1 up to one below this."""

NAME_LIMIT = 64
"""Longest display name, in characters."""


@dataclass(frozen=True, slots=True)
class User:
    """A person or bot.

    Attributes:
        id: 1 … 2^64-1, the same for every stream of this user.
        name: what to call the user; control characters become spaces, and it ends after NAME_LIMIT characters.
        expires_at: until when the credentials hold, in seconds since 1970 (`time.time()`); None is for ever. A stream
            that is open then ends with `hocket.Unauthenticated`.
        context: what the authenticator wants to know again when it is asked what this user may do; a secret may be in
            it, so that it is not in `repr`, and it makes no difference between two users.
    """

    id: int
    name: str = ""
    expires_at: float | None = field(default=None, kw_only=True, compare=False)
    context: object = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Checks the id and tidies the name.

        Raises:
            ValueError: the id is out of its range.
        """
        if not 0 < self.id < USER_ID_LIMIT:
            raise ValueError("a user id is a number from 1 to 2^64-1")
        object.__setattr__(self, "name", tidy_name(self.name))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody shows who opens a stream.

    Attributes:
        token: verbatim, from the `Authorization` header (without `Bearer`) or the second WebSocket subprotocol; None
            when there was none. `Basic` and other logins of a browser's own are none. A secret: not in `repr`.
        headers: the request's headers, names in lower case; cookies are here. Secret too. From a page of another site
            that brings a token, only those in which nothing says who somebody is: its cookies are lent (T14).
        address: the client's IP address as the ASGI server tells it, or None.
        host: the `Host` header, or None.
    """

    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    address: str | None = None
    host: str | None = None


Authenticate = Callable[[Credentials], Awaitable[User | None]]
"""Says who somebody is. None, or raising `hocket.Unauthenticated`, refuses."""


def tidy_name(name: str) -> str:
    """A display name without control characters, line breaks, lone surrogates or white space around it."""
    shown = "".join(character if character.isprintable() else " " for character in name).strip()
    return shown[:NAME_LIMIT].strip()
