"""All channels of a server, each there as long as somebody holds it; and in which of them each user is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from hocket.config import Limits, OneChannel
from hocket.errors import HocketError, JoinedElsewhere, Kicked, ResourceExhausted
from hocket.policy import (
    ChannelId,
    HowManySpeak,
    Moderation,
    Permissions,
    PtimeOf,
    check_elsewhere,
    check_join,
    everybody_speaks,
    ptime_by_size,
)
from hocket.voice.channel import Channel
from hocket.voice.events import Event
from hocket.voice.media import Media
from hocket.voice.participant import Participant

_CHANNELS_RETRY = 30
"""Seconds after which a client may ask for one more channel again."""


class Directory:
    """The channels, and what is decided over all of them.

    Attributes:
        moderation: whom the app has kicked or muted, and whose permissions it has changed.
    """

    def __init__(
        self,
        media: Media,
        *,
        limits: Limits,
        one_channel: OneChannel,
        tell_app: Callable[[Event], None],
        active_speakers: HowManySpeak = everybody_speaks,
        ptime: PtimeOf = ptime_by_size,
    ) -> None:
        """No channel yet. `tell_app` must neither raise nor come back here."""
        self.moderation = Moderation()
        self._media = media
        self._limits = limits
        self._one_channel = one_channel
        self._tell_app = tell_app
        self._active_speakers = active_speakers
        self._ptime = ptime
        self._channels: dict[ChannelId, Channel] = {}
        self._holders: dict[ChannelId, int] = {}
        self._stays: dict[int, list[tuple[Channel, Participant]]] = {}

    @property
    def channels(self) -> Mapping[ChannelId, Channel]:
        """The channels that somebody holds; one that is only being joined has no members yet."""
        return MappingProxyType(self._channels)

    @contextmanager
    def hold(self, id: ChannelId) -> Iterator[Channel]:
        """A channel, made for the first holder and closed after the last.

        Raises:
            ResourceExhausted: it would be one too many.
        """
        channel = self._channels.get(id)
        if channel is None:
            if len(self._channels) >= self._limits.channels:
                raise ResourceExhausted("The server has no room for another channel.", retry_after=_CHANNELS_RETRY)
            limit, ptime = self._active_speakers(id), self._ptime(id)
            router = self._media.create_router()
            if limit:
                self._media.set_active_speakers(router, limit)
            room = self._limits.participants
            channel = Channel(id, router, self._media, room=room, tell_app=self._tell_app, ptime=ptime)
            self._channels[id] = channel
            self._holders[id] = 0
        self._holders[id] += 1
        try:
            yield channel
        finally:
            self._holders[id] -= 1
            if not self._holders[id]:
                del self._channels[id], self._holders[id]
                self._media.close_router(channel.router)

    def check_join(self, channel: Channel, user_id: int) -> None:
        """Refuses a join, before anything is made for it.

        Raises:
            ResourceExhausted: the channel is full.
            JoinedElsewhere: the user is in another channel, and the policy is `reject`.
        """
        channel.check_room(user_id)
        check_elsewhere(self._one_channel, elsewhere=bool(self._elsewhere(channel, user_id)))

    @contextmanager
    def join(self, channel: Channel, who: Participant) -> Iterator[None]:
        """Is in a channel for the length of the `with` block; what the policy says of the user's other streams is done.

        Raises:
            ResourceExhausted: the channel is full, or the engine has no room.
            JoinedElsewhere: the user is in another channel, and the policy is `reject`.
        """
        self.check_join(channel, who.user.id)
        elsewhere = self._elsewhere(channel, who.user.id)
        if check_elsewhere(self._one_channel, elsewhere=bool(elsewhere)):
            for other in elsewhere:
                other.end(JoinedElsewhere())
        stay = (channel, who)
        with channel.join(who):
            self._stays.setdefault(who.user.id, []).append(stay)
            try:
                yield
            finally:
                self._stays[who.user.id].remove(stay)
                if not self._stays[who.user.id]:
                    del self._stays[who.user.id]

    def set_muted(self, user_id: int, channel_id: ChannelId | None, muted: bool) -> None:
        """Mutes a user as a moderator does, here and in every later stay, or takes that back."""
        self.moderation.mute(user_id, channel_id, muted)
        for channel, who in list(self._stays.get(user_id, ())):
            channel.set_muted(who, by_moderator=self.moderation.is_muted(user_id, channel.id))

    def kick(self, user_id: int, channel_id: ChannelId | None, reason: str | None) -> None:
        """Removes a user from a channel, or (None) from all, and keeps the user out until `moderation.allow`."""
        self.moderation.kick(user_id, channel_id)
        for channel, who in list(self._stays.get(user_id, ())):
            if channel_id in (None, channel.id):
                who.end(Kicked(reason))

    def set_permissions(self, user_id: int, channel_id: ChannelId, permissions: Permissions | None) -> None:
        """Sets what a user may do in a channel, here and in every later stay; None leaves it to `authorize` again."""
        self.moderation.permit(user_id, channel_id, permissions)
        for channel, who in list(self._stays.get(user_id, ())):
            if channel.id != channel_id:
                continue
            try:
                now = self.moderation.permissions(user_id, channel_id, who.granted)
                check_join(now, speaks=False)
                channel.set_permissions(who, now)
            except HocketError as error:
                who.end(error)

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        return {f"{id.guild}/{id.channel}": channel.dump() for id, channel in self._channels.items()}

    def _elsewhere(self, channel: Channel, user_id: int) -> list[Participant]:
        return [who for stayed_in, who in self._stays.get(user_id, ()) if stayed_in is not channel]
