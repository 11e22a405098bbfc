"""The two calls that we serve: our key, and the login of a homeserver's user. The shell around `federation`."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.message import DecodeError

from hocket.auth.harmony.asks import Asks
from hocket.auth.harmony.federation import KeyCache, Login, is_signed, read_claims, read_login
from hocket.auth.harmony.homeserver import HomeserverClient
from hocket.auth.harmony.ids import Ids
from hocket.auth.harmony.servers import Homeserver
from hocket.auth.harmony.sessions import Sessions
from hocket.errors import BadUnaryRequest, PermissionDenied, Unauthenticated, Unavailable
from hocket.proto import auth

KEY = "/protocol.auth.v1.AuthService/Key"
LOGIN_FEDERATED = "/protocol.auth.v1.AuthService/LoginFederated"

logger = logging.getLogger("hocket.auth")


class Logins:
    """Lets in who is a user of one of our homeservers."""

    def __init__(
        self,
        *,
        server_id: str,
        homeservers: Mapping[str, Homeserver],
        clients: Mapping[str, HomeserverClient],
        sessions: Sessions,
        ids: Ids,
        key: Ed25519PrivateKey,
        clock: Callable[[], float],
    ) -> None:
        """Serves both calls.

        Args:
            server_id: ours.
            homeservers: by each of their server ids.
            clients: by their names.
            sessions: where logins go.
            ids: how the users are called here.
            key: ours.
            clock: seconds.
        """
        self._server_id = server_id
        self._homeservers = homeservers
        self._clients = clients
        self._sessions = sessions
        self._ids = ids
        self._key = key
        self._clock = clock
        self._keys = {name: KeyCache() for name in clients}
        self._fetches: Asks[str, Ed25519PublicKey] = Asks(self._fetch, seconds=0, size=1, clock=clock)

    async def key(self, body: bytes) -> bytes:
        """Answers `Key`.

        Raises:
            BadUnaryRequest: it is no KeyRequest.
        """
        try:
            auth.KeyRequest.FromString(body)
        except DecodeError:
            raise BadUnaryRequest("The body is not a KeyRequest.") from None
        return auth.KeyResponse(key=self._key.public_key().public_bytes_raw()).SerializeToString()

    async def log_in(self, body: bytes) -> bytes:
        """Answers `LoginFederated`.

        Raises:
            BadUnaryRequest: it is no LoginFederatedRequest.
            PermissionDenied: we take no users of this homeserver.
            Unauthenticated: the token is not the homeserver's, or not for us.
            ResourceExhausted: there are too many sessions.
            Unavailable: the homeserver does not tell its key.
        """
        login = read_login(body)
        homeserver = self._homeservers.get(login.server_id)
        if homeserver is None:
            raise PermissionDenied("This server takes no users of this homeserver.")
        await self._check_signature(homeserver.name, login)
        claims = read_claims(login.data, server_id=self._server_id)
        user_id = self._ids.local("user", homeserver.name, claims.user_id)
        token = self._sessions.open(user_id, claims.name, homeserver.name, claims.user_id, self._clock())
        logger.info("a user of %s logged in user=%d", homeserver.name, user_id)
        session = auth.Session(user_id=user_id, session_token=token)
        return auth.LoginFederatedResponse(session=session).SerializeToString()

    async def _check_signature(self, name: str, login: Login) -> None:
        """Refuses what the homeserver has not signed. Its key may have changed, so a bad signature asks for it again.

        Raises:
            Unauthenticated: it has not signed this.
            Unavailable: it does not tell its key.
        """
        known = self._keys[name].key(self._clock())
        if known is None:
            wait = self._keys[name].wait(self._clock())
            if wait and not self._fetches.is_asking(name):
                raise Unavailable("The homeserver cannot be asked for its key.", retry_after=math.ceil(wait))
            known = await self._fetches.get(name)
            signed = is_signed(login, known)
        else:
            signed = is_signed(login, known)
            if not signed and (self._fetches.is_asking(name) or not self._keys[name].wait(self._clock())):
                signed = is_signed(login, await self._fetches.get(name))
        if not signed:
            raise Unauthenticated("The homeserver has not signed this token.")

    async def _fetch(self, name: str) -> Ed25519PublicKey:
        cache = self._keys[name]
        cache.failed(self._clock())  # until it came: who is cut off has asked too
        try:
            key = await self._clients[name].key()
        except Unavailable:
            cache.failed(self._clock())
            raise
        cache.fetched(key, self._clock())
        return key
