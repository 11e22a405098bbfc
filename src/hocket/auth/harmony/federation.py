"""What a homeserver signs for one of its users, and how it is checked. Pure.

A client shows a `Token`: bytes, and an Ed25519 signature (RFC 8032) over them. Only when the signature is the
homeserver's are the bytes looked at. The token has no expiry and may be shown again, so it opens sessions that do end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError

from hocket.auth import USER_ID_LIMIT, tidy_name
from hocket.errors import BadUnaryRequest, Unauthenticated
from hocket.proto import auth

KEY_BYTES = 32
SIGNATURE_BYTES = 64

DATA_LIMIT = 8 * 1024
"""Longest signed data, in bytes: two ids, a name and the address of a picture."""

_SMALL_ORDER = frozenset(
    bytes.fromhex(key)
    for key in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""Points of order 1, 2, 4 and 8, without their sign bits. Under such a key anybody can sign: a homeserver that answers
32 zero bytes would let the whole world in."""


class WrongKey(ValueError):
    """Bytes that are no public key to trust."""


@dataclass(frozen=True, slots=True)
class Login:
    """What a client brings. Nothing of it is proven yet.

    Attributes:
        server_id: the homeserver whose user it says it is, in lower case.
        signature: over `data`.
        data: a serialized `TokenData`.
    """

    server_id: str
    signature: bytes = field(repr=False)
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a homeserver says of a user. The name is tidy, and may be empty."""

    user_id: int
    name: str


def read_login(body: bytes) -> Login:
    """Reads a `LoginFederatedRequest`.

    Raises:
        BadUnaryRequest: it is none.
        Unauthenticated: it brings no token, or one that cannot be any homeserver's.
    """
    try:
        request = auth.LoginFederatedRequest.FromString(body)
    except DecodeError:
        raise BadUnaryRequest("The body is not a LoginFederatedRequest.") from None
    token = request.auth_token
    if len(token.sig) != SIGNATURE_BYTES:
        raise Unauthenticated(f"The token's signature must have {SIGNATURE_BYTES} bytes.")
    if not 0 < len(token.data) <= DATA_LIMIT:
        raise Unauthenticated(f"The token's data must have 1 to {DATA_LIMIT} bytes.")
    return Login(request.server_id.lower(), token.sig, token.data)


def read_key(key: bytes) -> Ed25519PublicKey:
    """A homeserver's public key.

    Raises:
        WrongKey: it has not 32 bytes, or is one under which anybody can sign.
    """
    if len(key) != KEY_BYTES:
        raise WrongKey(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    if bytes([*key[:-1], key[-1] & 0x7F]) in _SMALL_ORDER:
        raise WrongKey("a point of small order")
    return Ed25519PublicKey.from_public_bytes(key)


def is_signed(login: Login, key: Ed25519PublicKey) -> bool:
    """Whether the holder of a key has signed what a client brings."""
    try:
        key.verify(login.signature, login.data)
    except InvalidSignature:
        return False
    return True


def read_claims(data: bytes, *, server_id: str) -> Claims:
    """Reads signed data.

    Args:
        data: whose signature was found to be good.
        server_id: ours.

    Raises:
        Unauthenticated: it is no `TokenData`, it is meant for another server, or its user cannot be one.
    """
    try:
        claims = auth.TokenData.FromString(data)
    except DecodeError:
        raise Unauthenticated("The token's data is not a TokenData.") from None
    if claims.server_id != server_id:
        raise Unauthenticated(f"The token is meant for another server: this one's id is {server_id}.")
    if not 0 < claims.user_id < USER_ID_LIMIT:
        raise Unauthenticated("The token's user id must be a number from 1 to 2^64-1.")
    return Claims(claims.user_id, tidy_name(claims.username))


class KeyCache:
    """One homeserver's key, and when to ask for it. Times are those of one clock, in seconds."""

    def __init__(self, *, keep: float = 3600.0, again: float = 30.0, retry: float = 5.0) -> None:
        """Nothing yet.

        Args:
            keep: seconds after which a key is asked for again, in case the old one was taken back.
            again: seconds between two fetches for the sake of bad signatures, however many there are.
            retry: seconds to wait when it could not be had and there is none.
        """
        self._keep = keep
        self._again = again
        self._retry = retry
        self._key: Ed25519PublicKey | None = None
        self._fetched_at = 0.0
        self._not_before: float | None = None

    def key(self, now: float) -> Ed25519PublicKey | None:
        """The key, or None when it has to be asked for."""
        return self._key if now < self._fetched_at + self._keep else None

    def wait(self, now: float) -> float:
        """Seconds until it may be asked for; 0 is at once."""
        return 0.0 if self._not_before is None else max(0.0, self._not_before - now)

    def fetched(self, key: Ed25519PublicKey, now: float) -> None:
        """It was asked for and came."""
        self._key = key
        self._fetched_at = now
        self._not_before = now + self._again

    def failed(self, now: float) -> None:
        """It was asked for and did not come."""
        self._not_before = now + (self._retry if self.key(now) is None else self._again)
