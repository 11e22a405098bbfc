"""Who is where at this moment, as values that an app may keep: they do not change any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hocket.auth import User
from hocket.policy import ChannelId, Permissions
from hocket.voice.channel import Channel
from hocket.voice.participant import Participant


@dataclass(frozen=True, slots=True)
class ParticipantView:
    """One user in a channel. `speaks`: False for a listener; the rest as in the channel's rules."""

    user: User
    speaks: bool
    speaking: bool
    muted: bool
    deafened: bool
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel, its participants in the order of joining."""

    id: ChannelId
    participants: tuple[ParticipantView, ...]


def view(channels: Mapping[ChannelId, Channel]) -> Mapping[ChannelId, ChannelView]:
    """The channels that have participants."""
    return MappingProxyType({id: _channel(channel) for id, channel in channels.items() if channel.members})


def _channel(channel: Channel) -> ChannelView:
    return ChannelView(channel.id, tuple(_participant(member) for member in channel.members.values()))


def _participant(member: Participant) -> ParticipantView:
    return ParticipantView(
        user=member.user,
        speaks=member.sending is not None,
        speaking=member.speaking,
        muted=member.muted,
        deafened=member.deafened,
        permissions=member.permissions,
    )
