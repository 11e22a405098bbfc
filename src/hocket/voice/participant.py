"""One user in one channel: what it sends, whom it hears, and its switches. Pure; driven by its channel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from hocket.auth import User
from hocket.errors import HocketError, NotFound
from hocket.ortc.negotiate import Producer, Receiver
from hocket.policy import Permissions
from hocket.voice import frames
from hocket.voice.media import Gone, Media
from hocket.voice.outbox import Outbox

_SSRCS = 2**32 - 1
"""Valid SSRCs are 1 … 2^32-1."""


@dataclass(frozen=True, slots=True)
class Sending:
    """What a speaker sends: the engine's producer, and the numbers of its stream."""

    producer: int
    parameters: Producer


class Participant:
    """A user in a channel, from just before its join on.

    Attributes:
        user: who.
        cname: the canonical name under which others hear it (RFC 3550 §6.5.1), one a user.
        granted: what `authorize` said that it may do here.
        permissions: what it may do now.
        extension: version of our extension that its client speaks, 0 for none.
        outbox: where words to its client go.
        end: ends its stream with an error; it has left when that returns.
        receiver: what its client can take.
        transport: the engine's transport on which its client receives.
        sending: None for a listener.
        ptime: how many milliseconds of sound its client was told last that a packet had best hold.
        heard: the engine's consumers through which it hears whom, by user id; exactly those of whom it was told.
        muted_by_self, muted_by_moderator, deafened, speaking: as their names say.
    """

    def __init__(
        self,
        *,
        user: User,
        granted: Permissions,
        permissions: Permissions,
        extension: int,
        outbox: Outbox,
        end: Callable[[HocketError], None],
        media: Media,
        receiver: Receiver,
        transport: int,
        first_ssrc: int,
        ptime: int,
        muted_by_moderator: bool = False,
    ) -> None:
        """`first_ssrc`: where the SSRCs of its consumers begin to be counted; random, so that nobody can guess them."""
        self.user = user
        self.cname = str(user.id)
        self.granted = granted
        self.permissions = permissions
        self.extension = extension
        self.outbox = outbox
        self.end = end
        self.receiver = receiver
        self.transport = transport
        self.sending: Sending | None = None
        self.ptime = ptime
        self.heard: dict[int, int] = {}
        self.muted_by_self = False
        self.muted_by_moderator = muted_by_moderator
        self.deafened = False
        self.speaking = False
        self._media = media
        self._first_ssrc = first_ssrc
        self._consumers = 0
        self._unresumed: dict[str, tuple[int, int]] = {}

    @property
    def muted(self) -> bool:
        """Nothing of this user goes through. A listener has nothing that could, and is muted by a switch alone."""
        silenced = self.sending is not None and not self.permissions.speak
        return self.muted_by_self or self.muted_by_moderator or silenced

    @property
    def may_speak(self) -> bool:
        """The channel's rules let it speak, and no moderator has muted it."""
        return self.permissions.speak and not self.muted_by_moderator

    @property
    def listens(self) -> bool:
        """What its client has resumed goes through to it."""
        return self.permissions.listen and not self.deafened

    def next_consumer(self) -> tuple[str, int]:
        """The number of its next consumer, from 1, which is its id on the wire and its mid; and its SSRC, unique until
        2^32 were made."""
        self._consumers += 1
        return str(self._consumers), 1 + (self._first_ssrc + self._consumers) % _SSRCS

    def hear(self, user_id: int, consumer_id: str, consumer: int) -> None:
        """Notes the consumer of that id, through which it will hear a user once its client resumes it."""
        self.heard[user_id] = consumer
        if len(self._unresumed) > 2 * len(self.heard):  # most of them are of users who have left
            self._unresumed = {key: value for key, value in self._unresumed.items() if self._is_heard(*value)}
        self._unresumed[consumer_id] = (user_id, consumer)

    def state_frame(self) -> bytes:
        """Its whole state, for those who speak our extension."""
        return frames.participant(
            self.user,
            muted=self.muted,
            deafened=self.deafened,
            speaking=self.speaking,
            may_speak=self.may_speak,
            may_not_listen=not self.permissions.listen,
            may_moderate=self.permissions.moderate,
        )

    def resume(self, consumer_id: str) -> None:
        """Lets a consumer's sound flow. Twice is harmless, and so is one whose user has just left.

        Raises:
            NotFound: no such consumer was ever made on this stream.
        """
        waiting = self._unresumed.pop(consumer_id, None)
        if waiting is None:
            self._check_was_made(consumer_id)
            return
        if not self._unresumed:
            self._unresumed = {}  # a dictionary keeps the room of its largest days
        if self.listens and self._is_heard(*waiting):
            try:
                self._media.resume_consumer(waiting[1])
            except Gone:
                return

    def set_deafened(self, deafened: bool) -> bool:
        """Stops or restarts the sound to this user's client; what was not resumed stays silent.

        Returns:
            Whether anything changed.
        """
        if deafened == self.deafened:
            return False
        listened = self.listens
        self.deafened = deafened
        if self.listens != listened:
            self._apply_listening()
        return True

    def set_muted(self, *, by_self: bool | None = None, by_moderator: bool | None = None) -> bool:
        """Moves one of the two switches that stop this user's sound; it flows when both are off.

        Returns:
            Whether anything changed that others see.
        """
        before = (self.muted, self.may_speak)
        self.muted_by_self = self.muted_by_self if by_self is None else by_self
        self.muted_by_moderator = self.muted_by_moderator if by_moderator is None else by_moderator
        if self.muted != before[0]:
            self.apply_mute()
        return (self.muted, self.may_speak) != before

    def set_permissions(self, permissions: Permissions) -> bool:
        """Changes what it may do, but for joining: its sound and that to its client stop or go on at once.

        Returns:
            Whether anything changed.
        """
        if permissions == self.permissions:
            return False
        muted, listened = self.muted, self.listens
        self.permissions = permissions
        if self.muted != muted:
            self.apply_mute()
        if self.listens != listened:
            self._apply_listening()
        return True

    def apply_mute(self) -> None:
        """Brings the producer in line with the switches."""
        if self.muted:
            self.speaking = False
        if self.sending is None:
            return
        with suppress(Gone):
            if self.muted:
                self._media.pause_producer(self.sending.producer)
            else:
                self._media.resume_producer(self.sending.producer)

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        return {
            "user": self.user.id,
            "sends": self.sending is not None,
            "hears": self._resumed(),
            "muted": self.muted,
            "deafened": self.deafened,
            "speaking": self.speaking,
        }

    def _apply_listening(self) -> None:
        """Brings the consumers that its client has resumed in line with the switches."""
        switch = self._media.resume_consumer if self.listens else self._media.pause_consumer
        for user_id, resumed in self._resumed().items():
            if resumed:
                with suppress(Gone):
                    switch(self.heard[user_id])

    def _check_was_made(self, consumer_id: str) -> None:
        """Refuses what is no number of a consumer that there is or was.

        Raises:
            NotFound: likewise.
        """
        digits = consumer_id.isascii() and consumer_id.isdecimal() and len(consumer_id) <= len(str(self._consumers))
        number = int(consumer_id) if digits else 0
        if not 0 < number <= self._consumers or str(number) != consumer_id:
            raise NotFound("consumer_id: there never was such a consumer on this stream.")

    def _is_heard(self, user_id: int, consumer: int) -> bool:
        """Whether the user is still heard through this very consumer: one who left may have come again."""
        return self.heard.get(user_id) == consumer

    def _resumed(self) -> dict[int, bool]:
        """Whom it hears, and whether its client has asked for the sound."""
        waiting = {consumer for _, consumer in self._unresumed.values()}
        return {user_id: consumer not in waiting for user_id, consumer in self.heard.items()}
