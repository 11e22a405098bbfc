"""Voice channels for Python: a self-hosted voice server, and the library it is made of.

`VoiceServer` is what an app owns; the rest is what it is given and what it tells.
"""

from typing import TYPE_CHECKING

from hocket.auth import Authenticate, Authenticator, Credentials, User
from hocket.auth.open import OpenAuth
from hocket.config import ConfigError, Limits, OneChannel
from hocket.errors import HocketError, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from hocket.policy import Authorize, ChannelId, Permissions
from hocket.voice.events import Event, Joined, Left, Speaking
from hocket.voice.views import ChannelView, ParticipantView

if TYPE_CHECKING:
    from hocket.auth.jwt import JwtAuth
    from hocket.server import VoiceServer
    from hocket.voice.handle import ParticipantHandle

__all__ = [
    "Authenticate",
    "Authenticator",
    "Authorize",
    "ChannelId",
    "ChannelView",
    "ConfigError",
    "Credentials",
    "Event",
    "HocketError",
    "Joined",
    "JwtAuth",
    "Left",
    "Limits",
    "OneChannel",
    "OpenAuth",
    "ParticipantHandle",
    "ParticipantView",
    "PermissionDenied",
    "Permissions",
    "ResourceExhausted",
    "Speaking",
    "Unauthenticated",
    "Unavailable",
    "User",
    "VoiceServer",
]


def __getattr__(name: str) -> object:
    """Loads what is heavy when it is first asked for: the native module, an HTTP client, cryptography."""
    if name == "VoiceServer":
        from hocket.server import VoiceServer

        return VoiceServer
    if name == "JwtAuth":
        from hocket.auth.jwt import JwtAuth

        return JwtAuth
    if name == "ParticipantHandle":
        from hocket.voice.handle import ParticipantHandle

        return ParticipantHandle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
