"""`HarmonyAuth`: users of Harmony homeservers. Puts the parts together, and is what `VoiceServer` is given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hocket.auth import Credentials, User, wall_clock
from hocket.auth.harmony.homeserver import HomeserverClient, http_client
from hocket.auth.harmony.ids import Ids, SameIds
from hocket.auth.harmony.login import KEY, LOGIN_FEDERATED, Logins
from hocket.auth.harmony.membership import TAKEN_BACK, Membership
from hocket.auth.harmony.permissions import Nodes
from hocket.auth.harmony.servers import Homeserver, by_name, check_server_id
from hocket.auth.harmony.sessions import Session, Sessions
from hocket.config import ConfigError, HarmonyOutage
from hocket.errors import Unauthenticated
from hocket.hrpc.service import Unary
from hocket.policy import ChannelId, Lost, Permissions


class HarmonyAuth:
    """Takes users of Harmony homeservers: `VoiceServer(authenticate=HarmonyAuth(…))` needs nothing else.

    The server enters it, and so opens and closes its connections.

    Attributes:
        unary: the calls that it serves, by their paths.
    """

    def __init__(
        self,
        *,
        server_id: str,
        homeservers: Sequence[Homeserver],
        key: Ed25519PrivateKey,
        ids: Ids | None = None,
        nodes: Nodes | None = None,
        sessions: Sessions | None = None,
        recheck_seconds: float = 30.0,
        outage: HarmonyOutage = "end",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keeps the options.

        Args:
            server_id: ours, to which a homeserver's token must be addressed.
            homeservers: whose users may come; `read_homeserver` makes one of a URL.
            key: ours; `own_key` keeps one in a folder.
            ids: for several homeservers an `IdTable`, so that their ids cannot collide; None for one.
            nodes: which of the homeserver's permissions stand for joining, listening and speaking.
            sessions: how long logins last, and how many there may be.
            recheck_seconds: how often everybody's permission is asked for again during a call.
            outage: `keep` lets those who are in stay when their homeserver cannot be asked; `end` does not, after two
                rounds in a row.
            clock: seconds, for tests.

        Raises:
            ConfigError: there is no homeserver, two have the same id, or several have no table of ids.
        """
        self._server_id = check_server_id(server_id, "--server-id")
        self._by_name = by_name(homeservers)
        self._homeservers = tuple(homeservers)
        if ids is None and len(self._homeservers) > 1:
            raise ConfigError("Several homeservers need a table of ids: HarmonyAuth(ids=IdTable(…)).")
        self._ids = SameIds() if ids is None else ids
        self._key = key
        self._nodes = nodes or Nodes()
        self._sessions = Sessions() if sessions is None else sessions
        self._recheck_seconds = recheck_seconds
        self._outage: HarmonyOutage = outage
        self._clock = clock
        self._revoked: list[Session | int] = []
        self._woken = asyncio.Event()
        self._running: AsyncExitStack | None = None
        self._logins: Logins | None = None
        self._membership: Membership | None = None
        self.unary: dict[str, Unary] = {KEY: self._serve_key, LOGIN_FEDERATED: self._serve_login}

    async def __aenter__(self) -> Self:
        """Opens what the calls to homeservers need."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(http_client())
            clients = {each.name: HomeserverClient(each, http) for each in self._homeservers}
            self._logins = Logins(
                server_id=self._server_id,
                homeservers=self._by_name,
                clients=clients,
                sessions=self._sessions,
                ids=self._ids,
                key=self._key,
                clock=self._clock,
            )
            self._membership = Membership(
                clients=clients, ids=self._ids, nodes=self._nodes, outage=self._outage, clock=self._clock
            )
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the connections. Sessions stay, until the process ends."""
        running, self._running = self._running, None
        self._logins = self._membership = None
        if running is not None:
            await running.aclose()

    async def __call__(self, credentials: Credentials) -> User:
        """Who shows a session's token.

        Raises:
            Unauthenticated: it is none, or not any more: log in again.
        """
        now = self._clock()
        session = None if credentials.token is None else self._sessions.find(credentials.token, now)
        if session is None:
            raise Unauthenticated("A session of this server is needed: log in with LoginFederated.")
        expires_at = wall_clock() + session.ends_at - now
        return User(session.user_id, session.name, expires_at=expires_at, context=session)

    async def authorize(self, user: User, channel: ChannelId) -> Permissions:
        """What a user may do in a channel, by the homeserver's word.

        Raises:
            PermissionDenied: not even join.
            Unavailable: the homeserver cannot be asked.
        """
        return await self._here.authorize(_session(user), channel)

    def place(self, user: User, channel: ChannelId) -> ChannelId:
        """Where a user really comes who names a channel: with several homeservers, into that of its own."""
        return self._here.place(_session(user), channel)

    def revoke(self, token: str) -> bool:
        """Takes one session back, and ends its streams soon; whether there was one."""
        session = self._sessions.revoke(token)
        if session is not None:
            self._revoked.append(session)
            self._woken.set()
        return session is not None

    def revoke_user(self, user_id: int) -> int:
        """Takes all sessions of a user back, and ends the user's streams soon; gives how many sessions there were.

        Whoever still has a homeserver's token can log in again: `VoiceServer.kick` keeps a user out.
        """
        self._revoked.append(user_id)
        self._woken.set()
        return self._sessions.revoke_user(user_id)

    async def lost(self, present: Callable[[], Collection[tuple[User, ChannelId]]]) -> AsyncGenerator[Lost, None]:
        """Gives, for ever, those who may not stay where they are. Whoever is in a call uses their session by that.

        Args:
            present: says who is in which channel, by our ids.
        """
        round_at = self._clock() + self._recheck_seconds
        while True:
            await self._wait(round_at)
            for lost in self._taken_back(present()):
                yield lost
            if self._clock() < round_at:
                continue
            here = present()
            for user, _ in here:
                self._sessions.use(_session(user), self._clock())
            async for lost in self._here.lost(here):
                yield lost
            round_at = self._clock() + self._recheck_seconds

    async def _wait(self, until: float) -> None:
        """Until it is time for a round, or a session was taken back."""
        try:
            async with asyncio.timeout(max(0.0, until - self._clock())):
                await self._woken.wait()
        except TimeoutError:
            return

    def _taken_back(self, present: Collection[tuple[User, ChannelId]]) -> list[Lost]:
        """Those among the present whose sessions were taken back."""
        revoked, self._revoked = self._revoked, []
        self._woken.clear()
        users = {each for each in revoked if isinstance(each, int)}
        return [
            Lost(user.id, channel, Unauthenticated(TAKEN_BACK))
            for user, channel in present
            if user.id in users or _session(user) in revoked
        ]

    async def _serve_key(self, body: bytes) -> bytes:
        return await self._open.key(body)

    async def _serve_login(self, body: bytes) -> bytes:
        return await self._open.log_in(body)

    @property
    def _open(self) -> Logins:
        if self._logins is None:
            raise RuntimeError("this HarmonyAuth is not entered: give it to a VoiceServer")
        return self._logins

    @property
    def _here(self) -> Membership:
        if self._membership is None:
            raise RuntimeError("this HarmonyAuth is not entered: give it to a VoiceServer")
        return self._membership


def _session(user: User) -> Session:
    assert isinstance(user.context, Session)
    return user.context
