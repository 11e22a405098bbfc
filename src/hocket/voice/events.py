"""What an app hears of its channels."""

from __future__ import annotations

from dataclasses import dataclass

from hocket.auth import User
from hocket.policy import ChannelId


@dataclass(frozen=True, slots=True)
class Joined:
    """A user entered a channel. `speaks`: False for a listener, of whom the other users are not told."""

    channel: ChannelId
    user: User
    speaks: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A user left a channel, however it came about. The last word of every `Joined`."""

    channel: ChannelId
    user: User


@dataclass(frozen=True, slots=True)
class Speaking:
    """A user began or ceased to be heard."""

    channel: ChannelId
    user: User
    speaking: bool


Event = Joined | Left | Speaking
