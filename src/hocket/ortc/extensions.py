"""The RTP header extensions of voice (RFC 8285): which ones there are, and which ids each side gives them.

Only the one-byte form is written, so every id is 1 to 14.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from hocket.errors import InvalidParameters
from hocket.ortc.parameters import RtpHeaderExtension, RtpHeaderExtensionParameters

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
"""Which media section a packet belongs to (RFC 9143 §15): how a stream is told whose SSRC is not known yet."""

AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
"""How loud a packet is, told by its sender (RFC 6464)."""

ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
"""When a packet was sent: 24 bits of NTP time, 6.18 seconds."""

ONE_BYTE_IDS = range(1, 15)
"""What the one-byte form carries (RFC 8285 §4.2)."""


class Extensions(Struct, frozen=True, kw_only=True):
    """The ids of the header extensions that one side uses, each 1 to 14; None where it does not."""

    mid: int | None = None
    audio_level: int | None = None
    abs_send_time: int | None = None

    def by_uri(self) -> dict[str, int]:
        """The extensions in use, with their ids."""
        known = {MID: self.mid, ABS_SEND_TIME: self.abs_send_time, AUDIO_LEVEL: self.audio_level}
        return {uri: number for uri, number in known.items() if number is not None}


_KNOWN = frozenset({MID, AUDIO_LEVEL, ABS_SEND_TIME})

ROUTER = Extensions(mid=1, abs_send_time=4, audio_level=10)
"""The router's ids, the same as mediasoup's."""


def capabilities(extensions: Extensions) -> tuple[RtpHeaderExtension, ...]:
    """The extensions as capabilities list them."""
    return tuple(
        RtpHeaderExtension(kind="audio", uri=uri, preferred_id=number) for uri, number in extensions.by_uri().items()
    )


def parameters(extensions: Extensions) -> tuple[RtpHeaderExtensionParameters, ...]:
    """The extensions as one stream's parameters list them."""
    return tuple(RtpHeaderExtensionParameters(uri=uri, id=number) for uri, number in extensions.by_uri().items())


def sent(listed: tuple[RtpHeaderExtensionParameters, ...], where: str) -> Extensions:
    """The extensions that a client says it sends and that we know.

    Raises:
        InvalidParameters: an id or a known extension is listed twice; or a known one is encrypted, or its id is beyond
            the one-byte form.
    """
    ids: dict[str, int] = {}
    for index, extension in enumerate(listed):
        path = f"{where}[{index}]"
        if any(extension.id == other.id for other in listed[:index]):
            raise InvalidParameters(f"{path}.id", "appears twice")
        if extension.uri not in _KNOWN:
            continue
        if extension.uri in ids:
            raise InvalidParameters(f"{path}.uri", "appears twice")
        if extension.id not in ONE_BYTE_IDS:
            raise InvalidParameters(f"{path}.id", "must be 1 to 14")
        if extension.encrypt:
            raise InvalidParameters(f"{path}.encrypt", "must be false: encrypted header extensions are not supported")
        ids[extension.uri] = extension.id
    return _from_uris(ids)


def received(listed: tuple[RtpHeaderExtension, ...], where: str) -> Extensions:
    """The extensions that a client can receive with voice and that we know.

    One whose id is beyond the one-byte form is left out: the client hears all the same.

    Raises:
        InvalidParameters: two of them have the same id.
    """
    ids: dict[str, int] = {}
    for index, extension in enumerate(listed):
        if not _receivable(extension) or extension.uri in ids:
            continue
        if extension.preferred_id in ids.values():
            raise InvalidParameters(f"{where}[{index}].preferredId", "appears twice")
        ids[extension.uri] = extension.preferred_id
    return _from_uris(ids)


def _receivable(extension: RtpHeaderExtension) -> bool:
    """Whether we know the extension and may send it with voice to who listed it."""
    return (
        extension.uri in _KNOWN
        and extension.kind in (None, "", "audio")
        and extension.direction in (None, "sendrecv", "recvonly")
        and extension.preferred_id in ONE_BYTE_IDS
    )


def _from_uris(ids: Mapping[str, int]) -> Extensions:
    return Extensions(mid=ids.get(MID), audio_level=ids.get(AUDIO_LEVEL), abs_send_time=ids.get(ABS_SEND_TIME))
