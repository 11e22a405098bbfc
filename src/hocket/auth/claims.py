"""What a token says (RFC 7519 §4): its claims, checked strictly, as a user with what that user may do where. Pure.

| claim | | |
|---|---|---|
| `sub` | required | user id: a decimal string, or a number, 1 … 2^64-1 |
| `exp` | required | when it ends, in seconds since 1970 |
| `nbf` | | from when it holds |
| `iss` | required where the server expects one | who made it |
| `aud` | required where the server expects one, else refused | for whom it is |
| `name` | | display name |
| `guild` | | only in this guild, or in one of a list |
| `channel` | needs `guild` | only in this channel of it, or in one of a list |
| `permissions` | | a list of `join`, `listen`, `speak`, `moderate`; absent: the first three |

Others are passed over. A claim of a wrong type refuses the token, since its maker meant something by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from hocket.auth import USER_ID_LIMIT, User
from hocket.errors import PermissionDenied, Unauthenticated
from hocket.policy import ChannelId, Permissions

PERMISSIONS = ("join", "listen", "speak", "moderate")
"""What `permissions` may list."""

LEEWAY = 30.0
"""Seconds that the maker's clock may be ahead of ours."""

PLACES_LIMIT = 64
"""Longest list of guilds or of channels."""

_ID = re.compile(r"0|[1-9][0-9]{0,19}")
_LATEST = 2.0**53
"""Seconds since 1970: later ones cannot be told apart, and are no dates."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Where a token's user may do what; None is everywhere."""

    guilds: frozenset[int] | None
    channels: frozenset[int] | None
    permissions: Permissions

    def within(self, channel: ChannelId) -> Permissions:
        """What it allows in a channel.

        Raises:
            PermissionDenied: it is for others.
        """
        if (self.guilds is not None and channel.guild not in self.guilds) or (
            self.channels is not None and channel.channel not in self.channels
        ):
            raise PermissionDenied("Your token is not for this channel.")
        return self.permissions


def read_claims(payload: bytes, *, now: float, issuer: str | None, audience: str | None) -> User:
    """The user of a token whose signature is right, with a `Grant` as context.

    Args:
        payload: the token's middle part, decoded.
        now: the wall clock, in seconds since 1970.
        issuer: whose tokens are taken; None: whoever has the key.
        audience: what the tokens must be for; None: they must not say for whom.

    Raises:
        Unauthenticated: a claim is missing, wrong, or not for this server and this time; the sentence names it.
    """
    claims = _read_object(payload)
    _check_addressees(claims, issuer, audience)
    expires_at = _check_times(claims, now)
    name = claims.get("name", "")
    if not isinstance(name, str):
        _refuse("name", "must be a string")
    return User(_read_user_id(claims), name, expires_at=expires_at, context=_read_grant(claims))


def _read_object(payload: bytes) -> Mapping[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise Unauthenticated("The token's claims are no JSON object.")
    return claims


def _check_addressees(claims: Mapping[str, Any], issuer: str | None, audience: str | None) -> None:
    if issuer is not None and claims.get("iss") != issuer:
        _refuse("iss", "is not the issuer whose tokens this server takes")
    if "aud" not in claims and audience is None:
        return
    # RFC 7519 §4.1.3: whoever is not named by a token's audience must refuse it.
    meant = claims.get("aud")
    if audience is None or audience not in (meant if isinstance(meant, list) else [meant]):
        _refuse("aud", "does not name this server")


def _check_times(claims: Mapping[str, Any], now: float) -> float:
    """When the token ends."""
    if "exp" not in claims:
        raise Unauthenticated("The token must say when it ends (exp).")
    expires_at = _date(claims, "exp")
    if expires_at <= now:
        raise Unauthenticated("The token has run out (exp).")
    if "nbf" in claims and _date(claims, "nbf") > now + LEEWAY:
        raise Unauthenticated("The token does not hold yet (nbf).")
    return expires_at


def _date(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(name, "must be a number of seconds since 1970")
    if not 0 <= value <= _LATEST:  # NaN, which Python's JSON takes, is not
        _refuse(name, "is no date")
    return float(value)


def _read_user_id(claims: Mapping[str, Any]) -> int:
    if "sub" not in claims:
        raise Unauthenticated("The token must say whose it is (sub).")
    user_id = _read_id(claims["sub"])
    if user_id is None or user_id == 0:
        _refuse("sub", "must be a user id from 1 to 2^64-1, as a decimal string or a number")
    return user_id


def _read_grant(claims: Mapping[str, Any]) -> Grant:
    guilds, channels = _read_places(claims, "guild"), _read_places(claims, "channel")
    if channels is not None and guilds is None:
        # A channel's number alone would open one in each guild.
        _refuse("channel", "needs a guild beside it")
    return Grant(guilds, channels, _read_permissions(claims))


def _read_places(claims: Mapping[str, Any], name: str) -> frozenset[int] | None:
    if name not in claims:
        return None
    value = claims[name]
    entries = value if isinstance(value, list) else [value]
    if not 0 < len(entries) <= PLACES_LIMIT:
        _refuse(name, f"must list 1 to {PLACES_LIMIT}")
    places = [_read_id(entry) for entry in entries]
    if None in places:
        _refuse(name, "must be an id from 0 to 2^64-1, or a list of such")
    return frozenset(place for place in places if place is not None)


def _read_permissions(claims: Mapping[str, Any]) -> Permissions:
    if "permissions" not in claims:
        return Permissions(join=True, listen=True, speak=True, moderate=False)
    listed = claims["permissions"]
    if not isinstance(listed, list) or any(entry not in PERMISSIONS for entry in listed):
        _refuse("permissions", f"must be a list out of {', '.join(PERMISSIONS)}")
    return Permissions(**{name: name in listed for name in PERMISSIONS})


def _read_id(value: object) -> int | None:
    """A uint64, as a decimal string without leading zeros or as a number; None for anything else."""
    if isinstance(value, str) and _ID.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < USER_ID_LIMIT:
        return None
    return value


def _refuse(claim: str, problem: str) -> NoReturn:
    """Raises Unauthenticated; the claim's value stays out of it (T20)."""
    raise Unauthenticated(f"The token's claim {claim} {problem}.")
