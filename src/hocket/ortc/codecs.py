"""The codecs of voice, Opus (RFC 7587) and RED around it (RFC 2198): finding them in a list, checking their numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hocket.errors import InvalidParameters
from hocket.ortc.decoding import step
from hocket.ortc.parameters import CodecSettings, RtcpFeedback, RtpCodecCapability, RtpCodecParameters

OPUS = "audio/opus"
RED = "audio/red"

CLOCK_RATE = 48_000
"""RTP ticks a second of Opus at every sampling rate (RFC 7587 §4.1), and of RED around it."""

CHANNELS = 2
"""Opus is always announced with two channels, mono or not (RFC 7587 §7)."""

NACK = RtcpFeedback(type="nack", parameter="")

_RTCP_CLASH = range(64, 96)
"""Payload types that look like RTCP on a port that carries both (RFC 5761 §4)."""

_RED_FORMAT = re.compile(r"([0-9]{1,3})(?:/\1)+\Z")
"""The payload types of RED's blocks (RFC 2198 §3). We know RED of one codec with itself."""

Codec = RtpCodecCapability | RtpCodecParameters


def find_opus(codecs: Sequence[Codec], where: str) -> int:
    """The index of the first usable Opus.

    Raises:
        InvalidParameters: there is none; or there is one, but with a clock rate or channels that Opus never has.
    """
    named = [index for index, codec in enumerate(codecs) if codec.mime_type.lower() == OPUS]
    if not named:
        raise InvalidParameters(where, f"has no {OPUS}")
    usable = [index for index in named if _problem(codecs[index]) is None]
    if not usable:
        raise _refused(codecs[named[0]], f"{where}[{named[0]}]")
    return usable[0]


def find_red(codecs: Sequence[Codec]) -> int | None:
    """The index of the first RED by name, usable or not."""
    return next((index for index, codec in enumerate(codecs) if codec.mime_type.lower() == RED), None)


def is_usable(codec: Codec) -> bool:
    """Whether clock rate and channels are those of Opus and of RED around it."""
    return _problem(codec) is None


def check_usable(codec: Codec, path: str) -> None:
    """Refuses a codec whose clock rate or channels are not those of Opus.

    Raises:
        InvalidParameters: with the path of the member.
    """
    if _problem(codec) is not None:
        raise _refused(codec, path)


def check_payload_type(payload_type: int, path: str) -> None:
    """Refuses a payload type that could not be told from RTCP.

    Raises:
        InvalidParameters: it is 64 to 95.
    """
    if payload_type in _RTCP_CLASH:
        raise InvalidParameters(path, "must not be 64 to 95, which look like RTCP (RFC 5761)")


def setting(codec: Codec, name: str, path: str) -> str | int | float | None:
    """One parameter of a codec, checked to be what a parameter can be; None for an absent one.

    Raises:
        InvalidParameters: it is a list or an object. `path`, the codec's, begins the error's.
    """
    value = codec.parameters.get(name)
    if isinstance(value, list | dict):
        raise InvalidParameters(f"{path}.parameters{step(name)}", "must be a string or a number")
    return value


def has_nack(codec: Codec) -> bool:
    """Whether the codec uses generic NACKs (RFC 4585 §6.2.1); `nack pli` and the like are something else."""
    return any(feedback.type == NACK.type and not feedback.parameter for feedback in codec.rtcp_feedback)


def red_format(opus_payload_type: int) -> CodecSettings:
    """RED's parameters: one redundant block and the primary, both Opus. The format is a key without a value."""
    return {f"{opus_payload_type}/{opus_payload_type}": ""}


def red_blocks(codec: Codec) -> int | None:
    """The payload type inside RED, as its parameters tell it; None when they do not."""
    for key in (*codec.parameters, codec.parameters.get("")):
        match = _RED_FORMAT.match(key) if isinstance(key, str) else None
        if match:
            return int(match.group(1))
    return None


def _problem(codec: Codec) -> str | None:
    """The member of a codec that is wrong for Opus."""
    if codec.clock_rate != CLOCK_RATE:
        return "clockRate"
    return "channels" if codec.channels != CHANNELS else None


def _refused(codec: Codec, path: str) -> InvalidParameters:
    member = _problem(codec)
    return InvalidParameters(f"{path}.{member}", f"must be {CLOCK_RATE if member == 'clockRate' else CHANNELS}")
