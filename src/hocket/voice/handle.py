"""A user in a channel as an app acts on it, in mid-call and whether the user is there at the moment or not."""

from __future__ import annotations

from dataclasses import dataclass, field

from hocket.policy import ChannelId, Permissions
from hocket.voice.service import VoiceService


@dataclass(frozen=True, slots=True)
class ParticipantHandle:
    """One user in one channel: `voice.participant(user_id, channel)`. It names the user, not one stay of the user's."""

    user_id: int
    channel: ChannelId
    _service: VoiceService = field(repr=False, compare=False)

    @property
    def permissions(self) -> Permissions | None:
        """What the user may do there at this moment; None while the user is not there."""
        channel = self._service.channels.get(self.channel)
        member = None if channel is None else channel.members.get(self.user_id)
        return None if member is None else member.permissions

    async def set_permissions(self, permissions: Permissions | None) -> None:
        """Changes what the user may do there, now and in every later stay, whatever token the user shows.

        Without `join` the user's stream ends, without `speak` nothing of the user is forwarded any more when this
        returns, without `listen` nothing to the user. What is allowed again goes on without a new join, but for one
        thing: whoever joined as a listener has no voice to give, and joins again to speak.

        Args:
            permissions: all of them; None leaves it to what `authorize` says, and has said for those who are here.
        """
        self._service.set_permissions(self.user_id, self.channel, permissions)

    async def mute(self, *, muted: bool = True) -> None:
        """Silences the user there, whatever the user does; or takes that back."""
        self._service.mute(self.user_id, self.channel, muted)

    async def kick(self, *, reason: str | None = None) -> int:
        """Removes the user from there and keeps the user out until `allow`; gives the number of streams that ended."""
        return self._service.kick(self.user_id, self.channel, reason)

    async def allow(self) -> None:
        """Takes a kick out of this channel back."""
        self._service.allow(self.user_id, self.channel)
