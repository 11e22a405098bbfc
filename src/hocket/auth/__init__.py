"""Who somebody is. An async function from `Credentials` to `User` is enough; the ready parts are `Authenticator`s.

They are `open` (everybody's word), `jwt` (tokens that somebody else signs) and an app's own objects in this form.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hocket.policy import ChannelId, Permissions

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


class Authenticator(Protocol):
    """An object that says who somebody is, and what that user may do: `VoiceServer` takes both from it.

    It is an `Authenticate`, so it can stand wherever a function can. A `tokens_prove` of False says that anybody can
    make its tokens, so that one does not excuse a page of another site (T14).
    """

    async def __call__(self, credentials: Credentials, /) -> User | None:
        """The user who shows these credentials; None refuses.

        Raises:
            Unauthenticated: they name nobody whom this server lets in. The sentence does not repeat them (T20).
            Unavailable: they cannot be checked now.
        """

    async def authorize(self, user: User, channel: ChannelId, /) -> Permissions:
        """What a user, whom it gave itself, may do in a channel.

        Raises:
            PermissionDenied: not even join.
            Unavailable: it cannot be looked up now.
        """


def wall_clock() -> float:
    """Seconds since 1970, as `User.expires_at` counts them."""
    return time.time()  # noqa: TID251 - credentials end by the clock of whoever made them


def tidy_name(name: str) -> str:
    """A display name without control characters, line breaks, lone surrogates or white space around it."""
    shown = "".join(character if character.isprintable() else " " for character in name).strip()
    return shown[:NAME_LIMIT].strip()
