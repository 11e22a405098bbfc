"""Open authentication: everybody is who they say they are. For a first try, and for friends who know the address.

The token is a user id in decimal, or `id:display name`; without a token somebody is a new guest. A WebSocket
subprotocol cannot hold every character, so `%XX` in a token stands for a byte of UTF-8, as in a URL.

Unless it is told to serve everywhere, it serves this machine alone: a request must come from a loopback address and be
addressed to one, and no proxy may say that it passes it on. So neither a public proxy in front of it lets others in,
nor a page whose DNS name was rebound to 127.0.0.1 (T21).
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import unquote

from hocket.auth import USER_ID_LIMIT, Credentials, User
from hocket.errors import PermissionDenied, Unauthenticated
from hocket.policy import ChannelId, Permissions, allow_everything, is_forwarded, is_local_address, is_local_host

_TOKEN = re.compile(r"([0-9]{1,20})(?::(.*))?", re.DOTALL)

_GUEST_IDS_FROM = 2**62
"""Guests get ids in [2^62, 2^63): far above what people type, and within a signed 64-bit column."""


class OpenAuth:
    """Takes everybody's word.

    Attributes:
        tokens_prove: False: anybody can make a token, so a token does not excuse a foreign `Origin` (T14).
    """

    tokens_prove = False

    def __init__(self, *, everywhere: bool = False) -> None:
        """Serves this machine alone, or with `everywhere` whoever can reach it."""
        self._everywhere = everywhere

    async def __call__(self, credentials: Credentials) -> User:
        """The user whom a token names.

        Raises:
            Unauthenticated: the token has another form.
            PermissionDenied: the request is not from this machine to this machine, and not everybody is served.
        """
        if not (self._everywhere or _is_local(credentials)):
            raise PermissionDenied("This server has no authentication, so it serves only the machine that it runs on.")
        if credentials.token is None:
            return User(_GUEST_IDS_FROM + secrets.randbelow(_GUEST_IDS_FROM), "Guest")
        return read_token(credentials.token)

    async def authorize(self, user: User, channel: ChannelId) -> Permissions:
        """Everybody may do everything everywhere."""
        return await allow_everything(user, channel)


def _is_local(credentials: Credentials) -> bool:
    local = is_local_address(credentials.address) and is_local_host(credentials.host)
    return local and not is_forwarded(credentials.headers)


def read_token(token: str) -> User:
    """The user whom an open token names.

    Raises:
        Unauthenticated: it is no token of this kind. The sentence does not repeat it.
    """
    try:
        match = _TOKEN.fullmatch(unquote(token, errors="strict"))
    except UnicodeDecodeError:
        match = None
    if match is None or not 0 < int(match[1]) < USER_ID_LIMIT:
        raise Unauthenticated("The token must be a user id from 1 to 2^64-1, or `id:display name`.")
    return User(int(match[1]), match[2] or "")
