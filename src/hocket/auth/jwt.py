"""JSON Web Tokens (RFC 7519): whoever holds the key says who comes in, as whom, where, and until when.

HS256, RS256 and EdDSA (Ed25519). `hocket.auth.claims` lists what a token says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt

from hocket.auth import Credentials, User, key_file, wall_clock
from hocket.auth.claims import Grant, read_claims
from hocket.auth.key_set import KeySet
from hocket.auth.keys import Key, base64url, read_key
from hocket.config import ConfigError
from hocket.errors import PermissionDenied, Unauthenticated
from hocket.hrpc.codec import TOKEN_LIMIT
from hocket.policy import ChannelId, Permissions

_SET_ALGORITHMS = ("RS256", "EdDSA")
"""What the keys of a set check. A token of another algorithm has nothing fetched."""

_HEADER_LIMIT = 2 * 1024
"""Longest header of a token, in characters: it is read before the signature is checked."""

_JWS = jwt.PyJWS(algorithms=["HS256", "RS256", "EdDSA"])


class JwtAuth:
    """Lets in who brings a token that is signed with the key, until it runs out."""

    def __init__(
        self,
        *,
        key: Path | bytes | None = None,
        jwks: str | None = None,
        issuer: str | None = None,
        audience: str | None = None,
        clock: Callable[[], float] = wall_clock,
    ) -> None:
        """Reads the key; one of `key` and `jwks` must be given.

        Args:
            key: a file with a secret of 32 bytes or more (HS256) or a public key in PEM (RSA: RS256, Ed25519: EdDSA);
                or such a secret or key itself.
            jwks: https URL of a JSON Web Key Set, or http on this machine. It is fetched when the first token comes.
            issuer: whose tokens are taken (`iss`); None: whoever has the key.
            audience: what tokens must be for (`aud`); None: only those are taken that do not say.
            clock: seconds since 1970.

        Raises:
            ConfigError: there is no such key, it is weak, both or none are given, or the URL is not safe.
        """
        if (key is None) == (jwks is None):
            raise ConfigError("Tokens are checked with a key or with the keys of a JWKS URL: give one of the two.")
        self._key: Key | None = None
        if isinstance(key, bytes):
            self._key = read_key(key, "The key")
        elif key is not None:
            self._key = read_key(key_file.read(key), f"The key file {key}")
        self._key_set = None if jwks is None else KeySet(jwks)
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def __call__(self, credentials: Credentials) -> User:
        """The user whom a token names.

        Raises:
            Unauthenticated: there is no token, or one that is not for this server and this time.
            Unavailable: the keys cannot be fetched now.
        """
        if credentials.token is None:
            raise Unauthenticated("A token is needed.")
        payload = await self._check_signature(credentials.token)
        return read_claims(payload, now=self._clock(), issuer=self._issuer, audience=self._audience)

    async def authorize(self, user: User, channel: ChannelId) -> Permissions:
        """What the token allows in a channel.

        Raises:
            PermissionDenied: it is for other channels.
        """
        if not isinstance(user.context, Grant):
            raise PermissionDenied
        return user.context.within(channel)

    async def _check_signature(self, token: str) -> bytes:
        """The claims of a token, still as text.

        Raises:
            Unauthenticated: it is no token, or not signed with our key.
        """
        if len(token) > TOKEN_LIMIT:
            raise Unauthenticated("The token is too long.")
        key = await self._find_key(_read_header(token))
        try:
            if _has_signature(token, key):
                payload: bytes = _JWS.decode(token, key.material, algorithms=[key.algorithm])
                return payload
        except (jwt.PyJWTError, ValueError, TypeError):
            pass
        raise Unauthenticated("The token is not signed with this server's key.")

    async def _find_key(self, header: dict[str, Any]) -> Key:
        algorithm, kid = header.get("alg"), header.get("kid")
        if self._key is not None and algorithm == self._key.algorithm:
            return self._key
        if self._key_set is not None and algorithm in _SET_ALGORITHMS and isinstance(kid, str | None):
            return await self._key_set.find(kid, algorithm)
        raise Unauthenticated("The token is signed in another way than this server takes (alg).")


def _read_header(token: str) -> dict[str, Any]:
    """What a token says of its signature (RFC 7515 §4), which nobody has checked yet.

    Raises:
        Unauthenticated: it is no token.
    """
    encoded = token.partition(".")[0]
    try:
        header = json.loads(base64url(encoded)) if len(encoded) <= _HEADER_LIMIT else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise Unauthenticated("The token is no signed JSON Web Token.")
    return header


def _has_signature(token: str, key: Key) -> bool:
    """Whether the signature is right, at the price of a hash: a first look, which can only refuse.

    PyJWT goes through each character of a token in Python before it looks at the signature, 3 ms for 8 KiB; a stranger
    could keep the loop busy with that.

    Raises:
        ValueError: it is no base64url.
    """
    signed, _, signature = token.rpartition(".")
    algorithm = _JWS.get_algorithm_by_name(key.algorithm)
    return algorithm.verify(signed.encode(), algorithm.prepare_key(key.material), base64url(signature))
