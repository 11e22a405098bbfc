"""One stream's place at the table: carries out the session's commands on the directory and the media engine. Pure.

Everything that a stream holds (its channel, its transports, its membership) is in one exit stack, so that `leave` gives
all of it back, whatever the stream had come to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from hocket.auth import User
from hocket.errors import HocketError, NotFound, TransportFailed
from hocket.ortc.negotiate import USUAL_PTIME
from hocket.policy import ChannelId, Permissions, check_join, check_moderates
from hocket.voice import frames
from hocket.voice.channel import Channel
from hocket.voice.directory import Directory
from hocket.voice.media import Gone, Media, Quality, Transport, TransportWatch
from hocket.voice.outbox import Outbox
from hocket.voice.participant import Participant, Sending
from hocket.voice.session import (
    Command,
    Initialize,
    Join,
    KickUser,
    MuteUser,
    Ping,
    Prepare,
    RestartIce,
    Resume,
    SetDeafened,
    SetMuted,
    Voice,
)
from hocket.voice.transports import failure


class Seat:
    """What one stream holds, from its Initialize to its end.

    Attributes:
        user: whose stream it is.
        channel_id: None before Initialize.
    """

    def __init__(
        self,
        user: User,
        *,
        directory: Directory,
        media: Media,
        outbox: Outbox,
        end: Callable[[HocketError], None],
    ) -> None:
        """Nothing yet.

        Args:
            user: whose stream it is.
            directory: where channels are.
            media: the engine.
            outbox: where words to the client go.
            end: ends the stream with an error, and calls `leave` before it returns.
        """
        self.user = user
        self.channel_id: ChannelId | None = None
        self._directory = directory
        self._media = media
        self._outbox = outbox
        self._end = end
        self._holds = ExitStack()
        self._left = False
        self._extension = 0
        self._ptime = USUAL_PTIME
        self._granted = Permissions()
        self._channel: Channel | None = None
        self._receiving: Transport | None = None
        self._sending: Transport | None = None
        self._prepared: Prepare | None = None
        self._participant: Participant | None = None
        self._qualities: dict[str, Quality] = {}

    def initialize(self, command: Initialize, granted: Permissions) -> None:
        """Takes hold of the channel and answers Initialized. `granted`: what `authorize` said.

        Raises:
            PermissionDenied: the user may not join.
            Kicked: a moderator keeps the user out.
            ResourceExhausted: there is no room for one more channel.
        """
        moderation = self._directory.moderation
        moderation.check(self.user.id, command.channel)
        check_join(moderation.permissions(self.user.id, command.channel, granted), speaks=False)
        self._check_not_left()
        self.channel_id = command.channel
        self._granted = granted
        self._extension = command.extension
        self._channel = self._holds.enter_context(self._directory.hold(command.channel))
        self._ptime = self._channel.ptime
        self._outbox.put(frames.initialized(self._ptime))
        if self._extension:
            self._outbox.put(frames.welcome(self._extension, self.user))

    def carry_out(self, command: Command) -> None:
        """Does what the session says, other than Initialize.

        Raises:
            HocketError: it cannot be done; the stream ends.
        """
        self._check_not_left()
        try:
            self._carry_out(command)
        except Gone:  # the engine's reason for it is on its way here, and has no more to say
            raise TransportFailed("closed", "The media connection has ended.") from None

    def leave(self) -> None:
        """Gives back all that is held, at once; nothing is taken hold of afterwards. Idempotent."""
        self._left = True
        self._holds.close()

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        transports = [transport.id for transport in (self._receiving, self._sending) if transport is not None]
        participant = None if self._participant is None else self._participant.dump()
        return {"left": self._left, "transports": transports, "participant": participant}

    def _carry_out(self, command: Command) -> None:
        match command:
            case Resume():  # first, since it comes once for each speaker
                self._member.resume(command.consumer_id)
            case Prepare():
                self._prepare(command)
            case Join():
                self._join(command)
            case SetMuted(muted):
                self._here.set_muted(self._member, by_self=muted)
            case MuteUser(user_id, muted):
                self._moderate()
                if user_id in self._here.members:
                    self._directory.set_muted(user_id, self._here.id, muted)
            case KickUser(user_id, reason):
                self._moderate()
                if user_id in self._here.members:
                    self._directory.kick(user_id, self._here.id, reason or None)
            case SetDeafened(deafened):
                self._here.set_deafened(self._member, deafened)
            case RestartIce(transport_id):
                self._restart_ice(transport_id)
            case Ping(id):
                self._outbox.put(frames.pong(id))
            case Initialize():
                raise AssertionError("Initialize has a method of its own: it needs permissions")

    def _prepare(self, command: Prepare) -> None:
        self._prepared = command
        self._receiving = self._make_transport("receiving")
        self._sending = self._make_transport("sending")
        self._outbox.put(frames.prepared(receiving=self._receiving, sending=self._sending))

    def _make_transport(self, name: str) -> Transport:
        watch = TransportWatch(closed=self._transport_closed, quality=partial(self._tell_quality, name))
        transport = self._media.create_transport(self._here.router, watch)
        self._holds.callback(self._media.close_transport, transport.id)
        return transport

    def _join(self, command: Join) -> None:
        # Much may have happened since Initialize: a moderator's kick ends only those who are in.
        self._directory.moderation.check(self.user.id, self._here.id)
        check_join(self._permissions, speaks=command.voice is not None)
        self._directory.check_join(self._here, self.user.id)
        if self._receiving is None or self._sending is None or self._prepared is None:
            raise AssertionError("the session lets nobody join unprepared")
        self._media.connect_transport(self._receiving.id, command.dtls)
        who = Participant(
            user=self.user,
            granted=self._granted,
            permissions=self._permissions,
            extension=self._extension,
            outbox=self._outbox,
            end=self._end,
            media=self._media,
            receiver=self._prepared.receiver,
            transport=self._receiving.id,
            first_ssrc=secrets.randbits(32),
            ptime=self._ptime,
            muted_by_moderator=self._directory.moderation.is_muted(self.user.id, self._here.id),
        )
        if command.voice is not None:
            self._send(who, command.voice, self._sending.id)
        self._participant = who
        self._holds.enter_context(self._directory.join(self._here, who))

    def _send(self, who: Participant, brought: Voice, transport: int) -> None:
        """Makes the producer, silent if a moderator muted the user."""
        self._media.connect_transport(transport, brought.dtls)
        speaking = partial(self._here.set_speaking, who)
        made = self._media.produce(transport, brought.producer, cname=who.cname, speaking=speaking)
        who.sending = Sending(made, brought.producer)
        if who.muted:
            who.apply_mute()

    def _moderate(self) -> None:
        """Refuses a member who is no moderator, or is none any more. Those who are gone need not be muted or kicked:
        what is noted for later is bounded by who was here.

        Raises:
            PermissionDenied: the stream ends with it.
        """
        check_moderates(self._member.permissions)

    def _restart_ice(self, transport_id: str) -> None:
        for transport in (self._receiving, self._sending):
            if transport is not None and str(transport.id) == transport_id:
                ice = self._media.restart_ice(transport.id)
                self._outbox.put(frames.ice_restarted(transport_id, ice))
                return
        raise NotFound("transport_id: this stream has no such transport.")

    def _transport_closed(self, reason: str) -> None:
        self._end(failure(reason))

    def _tell_quality(self, transport: str, measured: Quality) -> None:
        """Tells the worst of the two transports: a person has one connection."""
        self._qualities[transport] = measured
        if self._extension and self._participant is not None:
            known = self._qualities.values()
            worst = Quality(
                loss=max(quality.loss for quality in known),
                rtt_ms=max(quality.rtt_ms for quality in known),
                jitter_ms=max(quality.jitter_ms for quality in known),
            )
            self._outbox.put_latest("quality", frames.quality(worst))

    @property
    def _permissions(self) -> Permissions:
        """What the user may do at this moment."""
        return self._directory.moderation.permissions(self.user.id, self._here.id, self._granted)

    @property
    def _here(self) -> Channel:
        if self._channel is None:
            raise AssertionError("the session lets nothing pass before Initialize")
        return self._channel

    @property
    def _member(self) -> Participant:
        if self._participant is None:
            raise AssertionError("the session lets nothing of a member pass before JoinChannel")
        return self._participant

    def _check_not_left(self) -> None:
        if self._left:
            raise AssertionError("a stream that has left takes hold of nothing")
