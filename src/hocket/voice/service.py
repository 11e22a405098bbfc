"""The voice service: lets streams in, keeps count of them, and moderates. The asyncio shell over all conversations."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Hashable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

from hocket.auth import Authenticate, Credentials, User, wall_clock
from hocket.config import Limits, OneChannel, Ptime
from hocket.errors import HocketError, Kicked, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from hocket.hrpc.asgi import Call, Handler, Stream
from hocket.logging import Sparing
from hocket.policy import (
    Authorize,
    ChannelId,
    HowManySpeak,
    Permissions,
    Place,
    PtimeOf,
    check_origin,
    everybody_speaks,
    neighbourhood,
    ptime_by_size,
    same_place,
    without_ambient,
)
from hocket.voice import frames
from hocket.voice.asking import ask
from hocket.voice.channel import Channel
from hocket.voice.conversation import Conversation
from hocket.voice.directory import Directory
from hocket.voice.events import Event
from hocket.voice.expiry import has_expired
from hocket.voice.media import Media
from hocket.voice.pace import TokenBucket, TokenBuckets

_ADDRESSES = 10_000
"""Addresses whose joins are counted apart."""

_LIMIT_RETRY = 10
_DRAIN_RETRY = 3
"""Seconds after which a client may try again."""


class VoiceService:
    """`protocol.voice.v1.VoiceService`, ready to be served over hRPC."""

    def __init__(
        self,
        media: Media,
        *,
        authenticate: Authenticate,
        authorize: Authorize,
        limits: Limits,
        one_channel: OneChannel,
        allowed_origins: Collection[str],
        tell_app: Callable[[Event], None],
        active_speakers: HowManySpeak = everybody_speaks,
        ptime: PtimeOf = ptime_by_size,
        place: Place = same_place,
    ) -> None:
        """Serves on `media`, which must outlive it. `tell_app` hears what happens; it must neither raise nor block."""
        self._media = media
        self._authenticate = authenticate
        self._authorize = authorize
        self._place = place
        self._limits = limits
        self._allowed_origins = frozenset(allowed_origins)
        self._directory = Directory(
            media,
            limits=limits,
            one_channel=one_channel,
            tell_app=tell_app,
            active_speakers=active_speakers,
            ptime=ptime,
        )
        self._conversations: set[Conversation] = set()
        self._failures = Sparing(logging.getLogger("hocket.voice"))
        self._counts: Counter[Hashable] = Counter()
        now = asyncio.get_running_loop().time()
        self._joins = TokenBucket(rate=limits.joins_per_second, burst=limits.join_burst, now=now)
        self._joins_by_address = TokenBuckets(
            rate=limits.address_joins_per_second, burst=limits.address_join_burst, most=_ADDRESSES
        )
        self._draining = False
        self._drained_at = math.inf
        self._emptied = asyncio.Event()

    @property
    def channels(self) -> Mapping[ChannelId, Channel]:
        """The channels that somebody holds."""
        return self._directory.channels

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._conversations)

    def present(self) -> list[tuple[User, ChannelId]]:
        """Who has named a channel and is in it, or on the way; somebody with several streams is there several times."""
        return [(each.user, each.channel_id) for each in self._conversations if each.channel_id is not None]

    def admit(self, call: Call) -> AbstractAsyncContextManager[Handler]:
        """Lets a stream in, or raises why not; the stream counts until the context is left."""
        return self._admit(call)

    def kick(self, user_id: int, channel: ChannelId | None, reason: str | None) -> int:
        """Ends a user's streams and keeps the user out until `allow`; gives the number of streams."""
        self._directory.moderation.kick(user_id, channel)
        return self.end(user_id, channel, Kicked(reason))

    def set_permissions(self, user_id: int, channel: ChannelId, permissions: Permissions | None) -> None:
        """Sets what a user may do in a channel; None leaves it to `authorize` again."""
        self._directory.set_permissions(user_id, channel, permissions)
        if permissions is not None and not permissions.join:  # those who have not joined yet
            self.end(user_id, channel, PermissionDenied("You are not allowed to join this channel."))

    def end(self, user_id: int, channel: ChannelId | None, error: HocketError) -> int:
        """Ends a user's streams in a channel, or (None) everywhere. They have left when this returns."""
        chosen = [
            conversation
            for conversation in self._conversations
            if conversation.user.id == user_id and channel in (None, conversation.channel_id)
        ]
        for conversation in chosen:
            conversation.end(error)
        return len(chosen)

    def allow(self, user_id: int, channel: ChannelId | None) -> None:
        """Takes a kick back."""
        self._directory.moderation.allow(user_id, channel)

    def mute(self, user_id: int, channel: ChannelId | None, muted: bool) -> None:
        """Silences a user as a moderator does, or takes that back."""
        self._directory.set_muted(user_id, channel, muted)

    def set_active_speakers(self, channel: ChannelId, limit: int) -> bool:
        """Lets only so many be heard at a time in a channel as long as it is there; whether it is."""
        found = self.channels.get(channel)
        if found is not None:
            self._media.set_active_speakers(found.router, limit)
        return found is not None

    def set_ptime(self, channel: ChannelId, ptime: Ptime) -> bool:
        """Says how much sound a packet had best hold in a channel as long as it is there; whether it is."""
        found = self.channels.get(channel)
        if found is not None:
            found.set_ptime(ptime)
        return found is not None

    def notify(self, channel: ChannelId | None, code: str, text: str, retry_after: int) -> None:
        """Shows people a sentence, in one channel or (None) in all."""
        frame = frames.notice(code, text, retry_after)
        for id, each in list(self.channels.items()):
            if channel in (None, id):
                each.notify(frame)

    def close_doors(self) -> None:
        """Lets no more streams in; those that are open stay."""
        self._draining = True

    async def emptied(self) -> None:
        """Waits until no stream is open."""
        while self._conversations:
            self._emptied.clear()
            await self._emptied.wait()

    async def drain(self, *, until: float) -> None:
        """Lets no more streams in, tells those who are here when to come back, and waits until they are gone.

        Args:
            until: the loop's time at which those who do not take what they are told are cut off.
        """
        self._draining = True
        self._drained_at = until
        stopping = Unavailable("The server is stopping or restarting.", retry_after=_DRAIN_RETRY)
        open_now = list(self._conversations)
        for conversation in open_now:  # all of them before the first one leaves: nobody leaves anybody, the server goes
            conversation.tell_last(stopping)
        for conversation in open_now:
            conversation.end(stopping)
            conversation.close_by(until)
        await self.emptied()

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        return {"streams": self.streams, "counts": dict(self._counts), "channels": self._directory.dump()}

    @asynccontextmanager
    async def _admit(self, call: Call) -> AsyncIterator[Handler]:
        if self._draining:
            raise Unavailable("The server is stopping or restarting.", retry_after=_DRAIN_RETRY)
        # Counted before anybody is asked who it is: that may take long, and many may wait for it.
        address = neighbourhood(call.address)
        self._pace_joins(address)
        with (
            self._counted("all", self._limits.streams, "The server has no room for another stream."),
            self._counted(
                ("address", address), self._limits.streams_per_address, "Too many streams from your address."
            ),
        ):
            user = await self._identify(call)
            with self._counted(
                ("user", user.id), self._limits.streams_per_user, "You have too many streams open at once."
            ):

                async def handle(stream: Stream) -> None:
                    await self._converse(user, stream)

                yield handle

    def _pace_joins(self, address: str | None) -> None:
        """Counts one that comes.

        Raises:
            ResourceExhausted: too many have come, from this address or in all.
        """
        now = asyncio.get_running_loop().time()
        if not self._joins_by_address.take(address, now):
            wait = self._joins_by_address.wait(address)
            raise ResourceExhausted("Your address opens streams too fast.", retry_after=wait)
        if not self._joins.take(now):
            raise ResourceExhausted("Too many people come at once.", retry_after=self._joins.wait())

    async def _identify(self, call: Call) -> User:
        """Who opens a stream.

        Raises:
            PermissionDenied: a page of another site that brings no token.
            Unauthenticated: nobody whom we let in.
            Unavailable: the app did not say in time.
        """
        host = call.headers.get("host")
        token = call.token is not None and getattr(self._authenticate, "tokens_prove", True)
        own = check_origin(call.headers.get("origin"), host, token=token, allowed=self._allowed_origins)
        headers = call.headers if own else without_ambient(call.headers)
        credentials = Credentials(token=call.token, headers=headers, address=call.address, host=host)
        user = await ask(
            self._authenticate(credentials),
            seconds=self._limits.authorize_seconds,
            late="The token could not be checked in time.",
        )
        if user is None:
            raise Unauthenticated
        if has_expired(user.expires_at, wall_clock()):
            raise Unauthenticated("What should let you in has run out: come back with a new token.")
        return user

    async def _converse(self, user: User, stream: Stream) -> None:
        conversation = Conversation(
            user,
            stream,
            directory=self._directory,
            media=self._media,
            authorize=self._authorize,
            limits=self._limits,
            failures=self._failures,
            place=self._place,
        )
        self._conversations.add(conversation)
        if self._draining:  # it began while this one was being let in
            conversation.end(Unavailable(retry_after=_DRAIN_RETRY))
            conversation.close_by(self._drained_at)
        try:
            await conversation.run()
        finally:
            self._conversations.discard(conversation)
            self._emptied.set()

    @contextmanager
    def _counted(self, what: Hashable, limit: int, sentence: str) -> Iterator[None]:
        if self._counts[what] >= limit:
            raise ResourceExhausted(sentence, retry_after=_LIMIT_RETRY)
        self._counts[what] += 1
        try:
            yield
        finally:
            self._counts[what] -= 1
            if not self._counts[what]:
                del self._counts[what]
