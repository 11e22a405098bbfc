"""One StreamMessage stream as a table: state and request → next state, and what to do. Pure.

The shell hands in each decoded request with the time, carries out the command that comes back, and only then hands in
the next: requests may be sent ahead, and are answered in order. Everything that a client can get wrong by itself is
found here; what depends on others (permissions, ids, room) is found by whoever carries the command out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from hocket.errors import BadStreamingRequest, OutOfOrder, ResourceExhausted, TimedOut
from hocket.ortc.negotiate import Producer, Receiver, negotiate_producer, negotiate_receiver
from hocket.ortc.parameters import DtlsParameters, parse_dtls_parameters, parse_rtp_capabilities, parse_rtp_parameters
from hocket.policy import ChannelId
from hocket.proto import extension, voice
from hocket.voice.pace import TokenBucket

EXTENSION_VERSION: Final = 1
"""The highest version of our extension (field 1000) that this server speaks."""

_KINDS_OF_CLIENTS = 64
_USUAL = 16 * 1024
"""Texts of capabilities of which the outcome is remembered, and the longest of them, in characters: at most 1 MiB (4 of
the widest characters). Chromium's take 1 KiB, its native ones with all video 12."""


class State(Enum):
    """Where a stream is: what it has been told last.

    Attributes:
        step: the request that has to come, within a time; None where any may come whenever it likes, or no more.
    """

    OPENED = ("before Initialize", "Initialize")
    INITIALIZED = ("after Initialize", "PrepareForJoinChannel")
    PREPARED = ("after PrepareForJoinChannel", "JoinChannel")
    JOINED = ("after JoinChannel", None)
    ENDED = ("after its end", None)

    def __init__(self, words: str, step: str | None) -> None:
        self._words = words
        self.step = step

    def __str__(self) -> str:
        return self._words


class Initialize(Struct, frozen=True):
    """Ask whether the user may come, then answer Initialized.

    Attributes:
        extension: the version of our extension on this stream; 0 is none of it.
    """

    channel: ChannelId
    extension: int


class Prepare(Struct, frozen=True):
    """Make both transports, then answer PreparedForJoinChannel."""

    receiver: Receiver


class Voice(Struct, frozen=True):
    """What a speaker brings: the stream, and the certificate of the transport that it sends on."""

    producer: Producer
    dtls: DtlsParameters


class Join(Struct, frozen=True):
    """Enter the channel, then answer JoinedChannel. `voice` None: a listener, announced to nobody."""

    voice: Voice | None
    dtls: DtlsParameters


class Resume(Struct, frozen=True):
    """Let a consumer's sound flow; no answer."""

    consumer_id: str


class SetMuted(Struct, frozen=True):
    """The user's own switch."""

    muted: bool


class SetDeafened(Struct, frozen=True):
    """The user's own switch."""

    deafened: bool


class RestartIce(Struct, frozen=True):
    """New ICE credentials for one of this stream's transports; answer IceRestarted."""

    transport_id: str


class Ping(Struct, frozen=True):
    """Answer Pong with the same number."""

    id: int


class MuteUser(Struct, frozen=True):
    """A moderator's switch of somebody else."""

    user_id: int
    muted: bool


class KickUser(Struct, frozen=True):
    """A moderator removes somebody and keeps the user out of the channel. `reason`: told to the user, or empty."""

    user_id: int
    reason: str


ExtensionCommand = SetMuted | SetDeafened | RestartIce | Ping | MuteUser | KickUser
Command = Initialize | Prepare | Join | Resume | ExtensionCommand


class Session:
    """The state of one stream.

    Attributes:
        state: where it is.
        extension: the version of our extension that the client asked for and we speak; 0 before Initialize.
        deadline: when to call `handle_timeout`; None while nothing is waited for.
    """

    def __init__(self, now: float, *, step_seconds: float, pace: TokenBucket, bytes: TokenBucket) -> None:
        """A stream that has just been opened.

        Args:
            now: seconds, of any clock that only goes forward; the same for every call.
            step_seconds: time for each step up to JoinChannel.
            pace: what bounds how many requests come.
            bytes: what bounds how long they are together.
        """
        self.state = State.OPENED
        self.extension = 0
        self._step_seconds = step_seconds
        self.deadline: float | None = now + step_seconds
        self._pace = pace
        self._bytes = bytes

    def weigh(self, length: int, now: float) -> None:
        """A request of so many bytes has come, and is about to be read.

        Raises:
            ResourceExhausted: too many bytes have come; the stream ends with it.
        """
        if not self._bytes.take(now, length):
            self.end()
            raise ResourceExhausted("Too many bytes of requests at once.", retry_after=self._bytes.wait(length))

    def receive(self, request: voice.StreamMessageRequest, now: float) -> Command | None:
        """Takes the next request.

        Returns:
            What to do; None for a request of an extension that we do not know, which is skipped.

        Raises:
            HocketError: the stream ends with it.
        """
        self.deadline = None  # now the client waits for us
        former, self.state = self.state, State.ENDED  # so it stays if this raises
        if not self._pace.take(now):
            raise ResourceExhausted("Too many requests at once.", retry_after=self._pace.wait())
        kind = request.WhichOneof("message")
        if kind is None:
            raise BadStreamingRequest("The frame holds no request that this server knows.")
        transition = _TABLE[kind]
        if transition.after is not former:
            raise OutOfOrder(f"{_NAMES[kind]} does not fit {former}.")
        command = transition.read(request)
        if isinstance(command, Initialize):
            self.extension = command.extension
        elif kind == "hocket" and self.extension == 0:
            raise OutOfOrder("The extension was not asked for: set `hocket` in Initialize.")
        self.state = transition.next
        return command

    def answered(self, now: float) -> None:
        """The command of the last request is carried out: the client's time for its next step begins."""
        if self.state.step is not None:
            self.deadline = now + self._step_seconds

    def handle_timeout(self, now: float) -> None:
        """Ends a stream whose client let a step wait too long.

        Raises:
            TimedOut: naming what was waited for. Harmless before the deadline.
        """
        if self.deadline is not None and now >= self.deadline:
            step = self.state.step
            self.end()
            raise TimedOut(f"{step} did not come within {self._step_seconds:g} seconds.")

    def end(self) -> None:
        """The stream is over."""
        self.state = State.ENDED
        self.deadline = None

    def dump(self) -> dict[str, object]:
        """The state, for tests and logs."""
        return {"state": self.state.name, "extension": self.extension}


def _initialize(request: voice.StreamMessageRequest) -> Initialize:
    asked = request.initialize
    return Initialize(ChannelId(asked.guild_id, asked.channel_id), min(asked.hocket, EXTENSION_VERSION))


def _prepare(request: voice.StreamMessageRequest) -> Prepare:
    text = request.prepare_for_join_channel.rtp_capabilities
    return Prepare(_receiver(text) if len(text) <= _USUAL else _read_receiver(text))


def _read_receiver(text: str) -> Receiver:
    return negotiate_receiver(parse_rtp_capabilities(text))


_receiver = lru_cache(maxsize=_KINDS_OF_CLIENTS)(_read_receiver)
"""Remembers what a text came to: every browser of one version sends the same. Errors are not remembered."""


def _join(request: voice.StreamMessageRequest) -> Join:
    asked = request.join_channel
    brought = None
    if asked.rtp_paramaters:
        producer = negotiate_producer(parse_rtp_parameters(asked.rtp_paramaters))
        dtls = parse_dtls_parameters(asked.producer_dtls_paramaters, "producer_dtls_paramaters")
        brought = Voice(producer, dtls)
    return Join(brought, parse_dtls_parameters(asked.consumer_dtls_paramaters, "consumer_dtls_paramaters"))


def _resume(request: voice.StreamMessageRequest) -> Resume:
    return Resume(request.resume_consumer.consumer_id)


def _extension(request: voice.StreamMessageRequest) -> ExtensionCommand | None:
    return read_extension(request.hocket)


def read_extension(request: extension.Request) -> ExtensionCommand | None:
    """A request of our extension; None for a kind that a newer client may know."""
    match request.WhichOneof("request"):
        case "set_muted":
            return SetMuted(request.set_muted.muted)
        case "set_deafened":
            return SetDeafened(request.set_deafened.deafened)
        case "restart_ice":
            return RestartIce(request.restart_ice.transport_id)
        case "ping":
            return Ping(request.ping.id)
        case "mute_user":
            return MuteUser(request.mute_user.user_id, request.mute_user.muted)
        case "kick_user":
            return KickUser(request.kick_user.user_id, request.kick_user.reason)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Transition:
    """A row of the table: in which state a request fits, how to read it, and where it leads."""

    after: State
    read: Callable[[voice.StreamMessageRequest], Command | None]
    next: State


_TABLE: Final[Mapping[str, _Transition]] = {
    "initialize": _Transition(State.OPENED, _initialize, State.INITIALIZED),
    "prepare_for_join_channel": _Transition(State.INITIALIZED, _prepare, State.PREPARED),
    "join_channel": _Transition(State.PREPARED, _join, State.JOINED),
    "resume_consumer": _Transition(State.JOINED, _resume, State.JOINED),
    "hocket": _Transition(State.JOINED, _extension, State.JOINED),
}
"""Each request fits in one state, and is out of order in every other."""

_NAMES: Final[Mapping[str, str]] = {
    "initialize": "Initialize",
    "prepare_for_join_channel": "PrepareForJoinChannel",
    "join_channel": "JoinChannel",
    "resume_consumer": "ResumeConsumer",
    "hocket": "A request of the extension",
}
