"""JSON Web Tokens (RFC 7519): whoever holds the key says who comes in, as whom, where, and until when.

HS256, RS256 and EdDSA (Ed25519). `hocket.auth.claims` lists what a token says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import jwt

from hocket.auth import Credentials, User, key_file, wall_clock
from hocket.auth.claims import Grant, read_claims
from hocket.auth.key_set import KeySet
from hocket.auth.keys import Key, read_key
from hocket.config import ConfigError
from hocket.errors import PermissionDenied, Unauthenticated
from hocket.hrpc.codec import TOKEN_LIMIT
from hocket.policy import ChannelId, Permissions

_SET_ALGORITHMS = ("RS256", "EdDSA")
"""What the keys of a set check. A token of another algorithm has nothing fetched."""


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
        key = await self._find_key(token)
        try:
            payload: bytes = jwt.PyJWS().decode(token, key.material, algorithms=[key.algorithm])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthenticated("The token is not signed with this server's key.") from None
        return payload

    async def _find_key(self, token: str) -> Key:
        try:
            header = jwt.PyJWS().get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthenticated("The token is no signed JSON Web Token.") from None
        algorithm = header.get("alg")
        if self._key is not None and algorithm == self._key.algorithm:
            return self._key
        if self._key_set is not None and algorithm in _SET_ALGORITHMS:
            return await self._key_set.find(header.get("kid"), algorithm)
        raise Unauthenticated("The token is signed in another way than this server takes (alg).")
