"""One channel: who is in it, and who is told what in which order. Pure.

The only place that knows the members. `join` is a context manager, so that every way out leaves, and everything in it
happens at once between two turns of the event loop, which gives the order that the protocol promises: JoinedChannel is
the newcomer's first word of the channel; UserJoined comes in the order of joining and to nobody who was listed with
that user already; UserLeft comes only to those who were told of the user, and after they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from hocket.config import Ptime
from hocket.errors import JoinedElsewhere, ResourceExhausted
from hocket.ortc.negotiate import USUAL_PTIME, negotiate_consumer
from hocket.ortc.parameters import encode
from hocket.policy import ChannelId, Permissions
from hocket.proto import voice
from hocket.voice import frames
from hocket.voice.events import Event, Joined, Left, Speaking
from hocket.voice.media import Gone, Media
from hocket.voice.participant import Participant
from hocket.voice.ptime import by_size

_FULL_RETRY = 30
"""Seconds after which a client may try a full channel again."""


class Channel:
    """The members of one channel, and the router that carries their voices.

    Attributes:
        id: the channel's name on the wire.
        router: the engine's router.
        ptime: how many milliseconds of sound a packet had best hold here now.
    """

    def __init__(
        self,
        id: ChannelId,
        router: int,
        media: Media,
        *,
        room: int,
        tell_app: Callable[[Event], None],
        ptime: Ptime = "auto",
    ) -> None:
        """An empty channel with room for so many participants."""
        self.id = id
        self.router = router
        self._media = media
        self._room = room
        self._tell_app = tell_app
        self._members: dict[int, Participant] = {}
        self._wanted_ptime: Ptime = ptime
        self.ptime: int = USUAL_PTIME if ptime == "auto" else ptime

    @property
    def members(self) -> Mapping[int, Participant]:
        """Who is here, by user id, in the order of joining."""
        return MappingProxyType(self._members)

    def check_room(self, user_id: int) -> None:
        """Refuses one more user than there is room for; a user who is here already brings no one more.

        Raises:
            ResourceExhausted: the channel is full.
        """
        if user_id not in self._members and len(self._members) >= self._room:
            raise ResourceExhausted(f"The channel is full: it has {self._room} participants.", retry_after=_FULL_RETRY)

    @contextmanager
    def join(self, newcomer: Participant) -> Iterator[None]:
        """Is in the channel for the length of the `with` block, or until another stream of the same user comes.

        An older stream of the user ends with JoinedElsewhere: UserLeft can only say which user.

        Raises:
            ResourceExhausted: the channel is full, or the engine has no room; nobody is left told of the newcomer.
        """
        self.check_room(newcomer.user.id)
        former = self._members.get(newcomer.user.id)
        if former is not None:
            former.end(JoinedElsewhere())
        try:
            self._admit(newcomer)
            yield
        finally:
            self._remove(newcomer)

    def set_muted(self, who: Participant, *, by_self: bool | None = None, by_moderator: bool | None = None) -> None:
        """Moves a mute switch of a member and tells those who care."""
        was_speaking = who.speaking
        if who.set_muted(by_self=by_self, by_moderator=by_moderator):
            self._tell_state(who)
            self._tell_speaking(who, was_speaking)

    def set_deafened(self, who: Participant, deafened: bool) -> None:
        """Moves a member's deafen switch and tells those who care."""
        if who.set_deafened(deafened):
            self._tell_state(who)

    def set_permissions(self, who: Participant, permissions: Permissions) -> None:
        """Changes what a member may do and tells those who care; whoever may listen again is told whom it missed.

        Raises:
            ResourceExhausted: the engine has no room for what it may hear now.
        """
        was_speaking = who.speaking
        if who.set_permissions(permissions):
            self._catch_up(who)
            self._tell_state(who)
            self._tell_speaking(who, was_speaking)

    def set_speaking(self, who: Participant, speaking: bool) -> None:
        """What the engine hears. Nobody who is muted speaks; a former member says nothing."""
        was_speaking = who.speaking
        who.speaking = speaking and not who.muted
        if who.speaking != was_speaking:
            self._tell_state(who)
            self._tell_speaking(who, was_speaking)

    def set_ptime(self, ptime: Ptime) -> None:
        """Changes how much sound a packet had best hold, and tells those who send and know our extension."""
        self._wanted_ptime = ptime
        self._adapt_ptime()

    def notify(self, frame: bytes) -> None:
        """Tells a notice to the members who speak our extension."""
        for member in self._members.values():
            if member.extension:
                member.outbox.put(frame)

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        return {
            "router": self.router,
            "ptime": self.ptime,
            "members": [member.dump() for member in self._members.values()],
        }

    def _admit(self, newcomer: Participant) -> None:
        before = list(self._members.values())
        heard = [options for speaker in before if (options := self._connect(newcomer, speaker)) is not None]
        self._members[newcomer.user.id] = newcomer
        newcomer.outbox.put(frames.joined(heard))
        for listener in before:
            options = self._connect(listener, newcomer)
            if options is not None:
                listener.outbox.put(frames.user_joined(options))
        self._introduce(newcomer)
        self._tell_ptime(newcomer)  # it was told on its first word, and others may have come since
        self._adapt_ptime()
        self._tell_app(Joined(self.id, newcomer.user, newcomer.sending is not None))

    def _catch_up(self, listener: Participant) -> None:
        """Tells a member of those who joined while it might not listen, in the order in which they did."""
        for speaker in self._members.values():
            if speaker is listener or speaker.user.id in listener.heard:
                continue
            options = self._connect(listener, speaker)
            if options is not None:
                listener.outbox.put(frames.user_joined(options))
                if listener.extension:
                    listener.outbox.put_latest(_state_key(speaker), speaker.state_frame())

    def _connect(self, listener: Participant, speaker: Participant) -> voice.UserConsumerOptions | None:
        """Makes the consumer through which one hears the other; None when it does not."""
        if speaker.sending is None or not listener.permissions.listen:
            return None
        consumer_id, ssrc = listener.next_consumer()
        consumer = negotiate_consumer(
            speaker.sending.parameters,
            listener.receiver,
            ssrc=ssrc,
            mid=consumer_id,
            cname=speaker.cname,
        )
        try:
            made = self._media.consume(listener.transport, speaker.sending.producer, consumer)
        except Gone:  # one of the two is about to leave: its transport ended
            return None
        listener.hear(speaker.user.id, consumer_id, made)
        return voice.UserConsumerOptions(
            user_id=speaker.user.id,
            producer_id=str(speaker.sending.producer),
            consumer_id=consumer_id,
            rtp_parameters=encode(consumer.rtp_parameters),
        )

    def _remove(self, who: Participant) -> None:
        """Undoes `_admit`, however far it came. Harmless for a former member."""
        was_member = self._members.get(who.user.id) is who
        if was_member:
            del self._members[who.user.id]
        if who.sending is not None:
            self._media.close_producer(who.sending.producer)
            who.sending = None
        who.heard.clear()
        if not was_member:
            return
        for member in self._members.values():
            if member.heard.pop(who.user.id, None) is not None:
                member.outbox.forget(_state_key(who))
                member.outbox.put(frames.user_left(who.user.id))
        self._adapt_ptime()
        self._tell_app(Left(self.id, who.user))

    def _adapt_ptime(self) -> None:
        """Brings the length of packets in line with what is wanted, and with how many are here."""
        wanted = self._wanted_ptime
        ptime = by_size(len(self._members), self.ptime) if wanted == "auto" else wanted
        if ptime != self.ptime:
            self.ptime = ptime
            for member in self._members.values():
                self._tell_ptime(member)

    def _tell_ptime(self, who: Participant) -> None:
        """Tells a member how long its packets had best be, unless it knows, has none, or would not understand."""
        if who.sending is not None and who.extension and who.ptime != self.ptime:
            who.ptime = self.ptime
            who.outbox.put_latest("ptime", frames.ptime(self.ptime))

    def _introduce(self, newcomer: Participant) -> None:
        """Tells the newcomer everybody's state, and everybody the newcomer's."""
        if newcomer.extension:
            for user_id in newcomer.heard:
                member = self._members[user_id]
                newcomer.outbox.put_latest(_state_key(member), member.state_frame())
        self._tell_state(newcomer)

    def _tell_state(self, who: Participant) -> None:
        """Tells a member's state to itself and to those who were told of it, if they speak our extension."""
        if self._members.get(who.user.id) is not who:
            return
        told = [
            each for each in self._members.values() if each.extension and (each is who or who.user.id in each.heard)
        ]
        frame = who.state_frame() if told else b""
        for member in told:
            member.outbox.put_latest(_state_key(who), frame)

    def _tell_speaking(self, who: Participant, was_speaking: bool) -> None:
        if who.speaking != was_speaking and self._members.get(who.user.id) is who:
            self._tell_app(Speaking(self.id, who.user, who.speaking))


def _state_key(who: Participant) -> tuple[str, int]:
    return ("participant", who.user.id)
