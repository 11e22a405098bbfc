"""What a homeserver's answers mean for a voice channel. Pure.

Harmony has no permissions of its own for voice. Every guild has `messages.view` and `messages.send`, and its members
know them, so they are what a voice channel asks for unless the operator names others: who may read a channel may listen
in it, and who may write may speak.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hocket.policy import Permissions
from hocket.proto import chat


@dataclass(frozen=True, slots=True)
class Nodes:
    """Which permission of the homeserver stands for what. Harmony calls the name of one a node."""

    join: str = "messages.view"
    listen: str = "messages.view"
    speak: str = "messages.send"

    @property
    def names(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys((self.join, self.listen, self.speak)))

    def permissions(self, granted: Mapping[str, bool]) -> Permissions:
        """What somebody may do who has been granted these."""
        return Permissions(join=granted[self.join], listen=granted[self.listen], speak=granted[self.speak])


NOTHING = Permissions(join=False, speak=False, listen=False)


def voice_channels(answer: chat.GetGuildChannelsResponse) -> frozenset[int]:
    """The ids of those channels of a guild that are for voice."""
    return frozenset(each.channel_id for each in answer.channels if each.channel.kind == chat.CHANNEL_KIND_VOICE_MEDIA)


def has_lost(before: Permissions, now: Permissions) -> bool:
    """Whether somebody may no longer do something that was allowed before."""
    return (before.join and not now.join) or (before.speak and not now.speak) or (before.listen and not now.listen)
