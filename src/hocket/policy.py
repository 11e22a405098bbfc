"""Who may do what: pure decisions over plain values. The shells ask, and do as they are told."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from hocket.addresses import IpAddress
from hocket.auth import User
from hocket.config import OneChannel, Ptime
from hocket.errors import HocketError, JoinedElsewhere, Kicked, PermissionDenied

_ADDRESS_LIMIT = 45
"""Longest text of an IP address: IPv6 whose last 32 bits are written as IPv4."""

_ADDRESSES = 1_024
"""Addresses that are remembered as read: each stream is asked several times where it comes from."""


class ChannelId(NamedTuple):
    """A channel's name on the wire. Both numbers are uint64; what they mean is the app's affair."""

    guild: int
    channel: int


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do in one channel. `moderate`: mute and kick others there, as far as the client knows how."""

    join: bool = True
    speak: bool = True
    listen: bool = True
    moderate: bool = False


_EVERYTHING = Permissions()

Authorize = Callable[[User, ChannelId], Awaitable[Permissions]]
"""Says what a user may do in a channel. Raising `hocket.PermissionDenied` means: not even join."""


async def allow_everything(user: User, channel: ChannelId) -> Permissions:
    """Everybody may do everything everywhere."""
    return _EVERYTHING


Place = Callable[[User, ChannelId], ChannelId]
"""Where a user really comes who names a channel, when the same name means different channels to different users."""


def same_place(user: User, channel: ChannelId) -> ChannelId:
    """A channel's name means the same to everybody."""
    return channel


class Lost(NamedTuple):
    """Somebody who may not stay in a channel any more, and what to tell."""

    user_id: int
    channel: ChannelId
    error: HocketError


FindLost = Callable[[Callable[[], Collection[tuple[User, ChannelId]]]], AsyncGenerator[Lost, None]]
"""Finds, for ever, those who may not stay where they are, among those who are present when it asks."""

HowManySpeak = Callable[[ChannelId], int]
"""Says how many are heard at a time in a channel that somebody opens, 0 … 64; 0 is all."""


def everybody_speaks(channel: ChannelId) -> int:
    """Everybody is heard everywhere."""
    return 0


PtimeOf = Callable[[ChannelId], Ptime]
"""Says how many milliseconds of sound a packet had best hold in a channel that somebody opens."""


def ptime_by_size(channel: ChannelId) -> Ptime:
    """As long as the number of those who hear them makes sensible."""
    return "auto"


def check_join(permissions: Permissions, *, speaks: bool) -> None:
    """Refuses a join that the channel's rules do not allow.

    Raises:
        PermissionDenied: not allowed in, or it means to speak and may not.
    """
    if not permissions.join:
        raise PermissionDenied("You are not allowed to join this channel.")
    if speaks and not permissions.speak:
        raise PermissionDenied("You are not allowed to speak here: join with empty rtp_paramaters, as a listener.")


def check_moderates(permissions: Permissions) -> None:
    """Refuses what a moderator alone may do.

    Raises:
        PermissionDenied: the user is none in this channel.
    """
    if not permissions.moderate:
        raise PermissionDenied("Only a moderator of this channel may mute or kick others.")


def check_elsewhere(policy: OneChannel, *, elsewhere: bool) -> bool:
    """What becomes of a user's streams in other channels when a new one joins.

    Args:
        policy: the server's.
        elsewhere: the user is in another channel.

    Returns:
        Whether those streams end.

    Raises:
        JoinedElsewhere: the new one is refused.
    """
    if not elsewhere or policy == "allow":
        return False
    if policy == "reject":
        raise JoinedElsewhere("You are in another channel already: leave it first.")
    return True


_PAGES_OWN = frozenset({"host", "origin", "user-agent"})
"""Headers in which neither a browser nor a proxy with a login says who somebody is."""


def check_origin(origin: str | None, host: str | None, *, token: bool, allowed: Collection[str]) -> bool:
    """Keeps a web page of another site from using what the browser has for this one (T14).

    A browser sends cookies, and reaches the loopback address, for whatever page asks for a WebSocket; only `Origin`
    tells which one did. Programs send none and are not refused: nobody lends them a browser's identity.

    Args:
        origin: the `Origin` header, or None.
        host: the `Host` header, or None.
        token: the page brought a token of a kind that only this user's pages can have. Nobody has checked it yet.
        allowed: origins of other sites that may come, such as `https://example.org`.

    Returns:
        Whether what came along by itself (cookies) counts. If not, the token alone does: see `without_ambient`.

    Raises:
        PermissionDenied: the page is of another site and brings no token.
    """
    if origin is None or origin in allowed or (host is not None and _authority(origin) == host.lower()):
        return True
    if not token:
        raise PermissionDenied("A page of another site may not use this server without a token.")
    return False


def without_ambient(headers: Mapping[str, str]) -> dict[str, str]:
    """A request's headers without whatever may have come by itself: cookies, a browser's or a proxy's login."""
    return {name: value for name, value in headers.items() if name in _PAGES_OWN}


def _authority(origin: str) -> str | None:
    """Host and port of an origin, in lower case; None for what is none (`null`, nonsense)."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


_PROXYS_OWN = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})


def is_local_address(address: str | None) -> bool:
    """Whether an IP address is one of the loopback's. None (a Unix socket, a test) is not."""
    parsed = parse_address(address)
    return parsed is not None and parsed.is_loopback


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether a proxy says that it passes a request on: then it is not from this machine, wherever the proxy is (T21).

    A client can add these headers and gains nothing; it cannot take away those that a proxy adds.
    """
    return not _PROXYS_OWN.isdisjoint(headers)


def is_local_host(host: str | None) -> bool:
    """Whether a `Host` header or a host name means this machine: `localhost`, `*.localhost`, 127.0.0.1, [::1]."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    name = name.rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or is_local_address(name)


def neighbourhood(address: str | None) -> str | None:
    """What counts as one address when streams are counted: an IPv4 address, or an IPv6 network of 64 bits, the least
    that one line is given (RFC 6177 §2)."""
    parsed = parse_address(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed) if parsed is not None else address
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


def parse_address(address: str | None) -> IpAddress | None:
    """An IP address; an IPv4 one that came in over an IPv6 socket is IPv4. None for what is none."""
    text = (address or "").partition("%")[0]
    return _parsed(text) if len(text) <= _ADDRESS_LIMIT else None


@lru_cache(maxsize=_ADDRESSES)
def _parsed(text: str) -> IpAddress | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


@dataclass(slots=True)
class Moderation:
    """Whom the app, or a moderator, has kicked or muted, and whose permissions the app has changed.

    A channel of None means every channel. Kept until it is taken back, whatever token the user shows meanwhile.
    """

    _kicked: set[tuple[int, ChannelId | None]] = field(default_factory=set)
    _muted: set[tuple[int, ChannelId | None]] = field(default_factory=set)
    _permissions: dict[tuple[int, ChannelId], Permissions] = field(default_factory=dict)

    def kick(self, user_id: int, channel: ChannelId | None) -> None:
        """Keeps a user out from now on."""
        self._kicked.add((user_id, channel))

    def allow(self, user_id: int, channel: ChannelId | None) -> None:
        """Takes a kick back; for None, every kick of this user."""
        self._kicked -= {entry for entry in self._kicked if entry[0] == user_id and channel in (None, entry[1])}

    def mute(self, user_id: int, channel: ChannelId | None, muted: bool) -> None:
        """Silences a user, or takes that back; unmuting with None takes back every mute of this user."""
        if muted:
            self._muted.add((user_id, channel))
        else:
            self._muted -= {entry for entry in self._muted if entry[0] == user_id and channel in (None, entry[1])}

    def permit(self, user_id: int, channel: ChannelId, permissions: Permissions | None) -> None:
        """Sets what a user may do in a channel from now on; None leaves it to `authorize` again."""
        if permissions is None:
            self._permissions.pop((user_id, channel), None)
        else:
            self._permissions[user_id, channel] = permissions

    def permissions(self, user_id: int, channel: ChannelId, granted: Permissions) -> Permissions:
        """What a user may do in a channel, where `authorize` has granted this."""
        return self._permissions.get((user_id, channel), granted)

    def is_muted(self, user_id: int, channel: ChannelId) -> bool:
        """Whether a user is silenced in a channel."""
        return not self._muted.isdisjoint({(user_id, channel), (user_id, None)})

    def check(self, user_id: int, channel: ChannelId) -> None:
        """Refuses a kicked user.

        Raises:
            Kicked: until `allow`.
        """
        if not self._kicked.isdisjoint({(user_id, channel), (user_id, None)}):
            raise Kicked
