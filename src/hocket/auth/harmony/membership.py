"""What a homeserver's users may do in its voice channels: asked when they join, and again and again while they stay."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hocket.auth import User
from hocket.auth.harmony.asks import Asks
from hocket.auth.harmony.homeserver import CannotAsk, Denied, HomeserverClient
from hocket.auth.harmony.ids import Ids
from hocket.auth.harmony.permissions import NOTHING, Nodes, has_lost
from hocket.auth.harmony.sessions import Session
from hocket.config import HarmonyOutage
from hocket.errors import HocketError, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from hocket.policy import ChannelId, Lost, Permissions

_KEPT_SECONDS = 5.0
"""How long an answer counts: a crowd that joins at once asks once for the channels of its guild."""

_GUILDS_KEPT = 1_000
_PERMISSIONS_KEPT = 50_000
"""Answers that are kept."""

_AT_ONCE = 8
"""People who are asked for at a time in a round."""

_ROUNDS_MISSED = 2
"""Rounds in a row in which somebody's homeserver could not be asked, until that counts: one may be its restart."""

_GRANTS_KEPT = 200_000
"""How many people in channels are remembered with what was granted to them."""

_FORGET_SECONDS = 300.0
"""How long it is remembered what was granted to somebody who is not there."""

TAKEN_BACK = "Your session was taken back."

_RETRY = 10
"""Seconds after which somebody may come back whose homeserver could not be asked."""

logger = logging.getLogger("hocket.auth")


class _Guild(NamedTuple):
    homeserver: str
    guild: int


class _Question(NamedTuple):
    homeserver: str
    channel: ChannelId
    node: str
    user: int


class _Stay(NamedTuple):
    """Somebody in a channel, both by our ids."""

    user_id: int
    channel: ChannelId


@dataclass(slots=True)
class _Grant:
    """What somebody was allowed when joining; `channel` by the homeserver's ids, `at` when it was last looked at."""

    session: Session
    channel: ChannelId
    permissions: Permissions
    at: float


class Membership:
    """Asks homeservers for permissions."""

    def __init__(
        self,
        *,
        clients: Mapping[str, HomeserverClient],
        ids: Ids,
        nodes: Nodes,
        outage: HarmonyOutage,
        clock: Callable[[], float],
    ) -> None:
        """Asks `clients`, by their names.

        Args:
            clients: of the homeservers.
            ids: how guilds are called here.
            nodes: which permission stands for what.
            outage: whether those who are in stay when their homeserver cannot be asked.
            clock: seconds.
        """
        self._clients = clients
        self._ids = ids
        self._nodes = nodes
        self._outage = outage
        self._clock = clock
        self._guilds: Asks[_Guild, frozenset[int]] = Asks(
            self._ask_channels, seconds=_KEPT_SECONDS, size=_GUILDS_KEPT, clock=clock
        )
        self._answers: Asks[_Question, bool] = Asks(
            self._ask_permission, seconds=_KEPT_SECONDS, size=_PERMISSIONS_KEPT, clock=clock
        )
        self._grants: dict[_Stay, _Grant] = {}
        self._missed: Counter[_Stay] = Counter()

    async def authorize(self, session: Session, channel: ChannelId) -> Permissions:
        """What somebody may do in a channel of its homeserver.

        Raises:
            PermissionDenied: there is no such voice channel, or it is not for this user.
            Unavailable: the homeserver cannot be asked.
            ResourceExhausted: too many people join at once.
            Unauthenticated: the session was taken back meanwhile.
        """
        permissions = await self._ask(session, channel)
        if session.revoked:
            raise Unauthenticated(TAKEN_BACK)
        if not permissions.join:
            raise PermissionDenied("There is no such voice channel, or you are not allowed to join it.")
        stay = _Stay(session.user_id, self.place(session, channel))
        if stay not in self._grants and len(self._grants) >= _GRANTS_KEPT:
            raise ResourceExhausted("Too many people join.", retry_after=_RETRY)
        self._grants[stay] = _Grant(session, channel, permissions, self._clock())
        self._missed.pop(stay, None)
        return permissions

    def place(self, session: Session, channel: ChannelId) -> ChannelId:
        """Under which ids a homeserver's channel is known here: guilds of several may have the same number."""
        return ChannelId(self._ids.local("guild", session.homeserver, channel.guild), channel.channel)

    async def lost(self, present: Collection[tuple[User, ChannelId]]) -> AsyncIterator[Lost]:
        """One round: asks for everybody who is there, and gives those who may not stay as they are."""
        stays = list(dict.fromkeys(_Stay(user.id, channel) for user, channel in present))
        self._forget(set(stays))
        for start in range(0, len(stays), _AT_ONCE):
            batch = stays[start : start + _AT_ONCE]
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(self._look_again(stay)) for stay in batch]
            for stay, task in zip(batch, asked, strict=True):
                if (error := task.result()) is not None:
                    yield Lost(stay.user_id, stay.channel, error)

    async def _look_again(self, stay: _Stay) -> HocketError | None:
        """Why somebody may not stay; None if nothing stands against it."""
        grant = self._grants.get(stay)
        if grant is None:
            return PermissionDenied("Your permissions have changed: join again.")
        if grant.session.revoked:
            return Unauthenticated(TAKEN_BACK)
        grant.at = self._clock()
        try:
            now = await self._ask(grant.session, grant.channel)
        except (CannotAsk, ResourceExhausted):
            self._missed[stay] += 1
            if self._outage == "keep" or self._missed[stay] < _ROUNDS_MISSED:
                return None
            return Unavailable("The homeserver cannot be asked whether you may stay.", retry_after=_RETRY)
        self._missed.pop(stay, None)
        if has_lost(grant.permissions, now):
            return PermissionDenied("Your permissions have changed: join again.")
        return None

    def _forget(self, present: set[_Stay]) -> None:
        """Forgets who has been away for long. Who is just joining has a grant, and is not there yet."""
        before = self._clock() - _FORGET_SECONDS
        for stay in [each for each, grant in self._grants.items() if each not in present and grant.at < before]:
            del self._grants[stay]
            self._missed.pop(stay, None)

    async def _ask(self, session: Session, channel: ChannelId) -> Permissions:
        """What a homeserver says now, or said seconds ago; nothing if it has no such voice channel.

        Raises:
            CannotAsk: it does not say.
            ResourceExhausted: too many ask.
        """
        try:
            if channel.channel not in await self._guilds.get(_Guild(session.homeserver, channel.guild)):
                return NOTHING
            granted = {
                node: await self._answers.get(_Question(session.homeserver, channel, node, session.foreign_id))
                for node in self._nodes.names
            }
        except Denied:
            return NOTHING
        return self._nodes.permissions(granted)

    async def _ask_channels(self, asked: _Guild) -> frozenset[int]:
        return await self._clients[asked.homeserver].voice_channels(asked.guild)

    async def _ask_permission(self, asked: _Question) -> bool:
        return await self._clients[asked.homeserver].has_permission(*asked.channel, asked.node, asked.user)
