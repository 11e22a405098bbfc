"""mediasoup's JSON shapes, as far as this server uses them, and their way in and out of text.

The shapes are those of mediasoup v3's TypeScript API, which follow ORTC. Members that we do not know are ignored, as
mediasoup ignores them; members that we use are checked strictly. `null` stands for an absent member where a member is
optional, because clients in other languages than JavaScript write it so.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from hocket.errors import InvalidParameters
from hocket.ortc.decoding import decode

T = TypeVar("T")

MimeType = Annotated[str, Meta(pattern=r"^(?i:audio|video)/[!-~]{1,64}\Z")]
"""`audio/opus` and the like; upper and lower case mean the same."""

PayloadType = Annotated[int, Meta(ge=0, le=127)]
ClockRate = Annotated[int, Meta(ge=1, le=2**31 - 1)]
"""RTP ticks a second."""

Channels = Annotated[int, Meta(ge=1, le=255)]
Ssrc = Annotated[int, Meta(ge=1, le=2**32 - 1)]
"""0 is legal in RFC 3550, but mediasoup's clients take it for an absent one."""

ExtensionId = Annotated[int, Meta(ge=1, le=255)]
"""RFC 8285: up to 14 in the one-byte form, which is the only one that we write, up to 255 in the two-byte form."""

Uri = Annotated[str, Meta(pattern=r"^[!-~]{1,255}\Z")]
Mid = Annotated[str, Meta(pattern=r"^[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,16}\Z")]
"""An SDP token (RFC 8866), at most 16 bytes: what a one-byte header extension holds."""

Cname = Annotated[str, Meta(pattern=r"^[!-~]{0,255}\Z")]
"""RFC 3550 §6.5.1, in printable ASCII: it may end in other people's SDP, where a line break would start a new line."""

CodecSettings = Annotated[dict[str, Any], Meta(max_length=64)]
"""A codec's `fmtp` parameters by name (RFC 8866 §6.15). Which of them we use, and so check, depends on the codec: see
`codecs.setting`."""

Kind = Literal["audio", "video", ""]
Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


def _always(value: T) -> T:
    """A default that is written out all the same: other clients may count on the member."""
    return field(default_factory=lambda: value)


class RtcpFeedback(Struct, frozen=True, kw_only=True):
    """One kind of RTCP feedback that a codec uses (RFC 4585): `nack` without a parameter is the one for audio."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    parameter: Annotated[str, Meta(max_length=64)] | None = None


Feedback = Annotated[tuple[RtcpFeedback, ...], Meta(max_length=32)]


class RtpCodecCapability(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A codec that an endpoint can receive."""

    mime_type: MimeType
    kind: Kind | None = None
    preferred_payload_type: PayloadType | None = None
    clock_rate: ClockRate
    channels: Channels | None = None
    parameters: CodecSettings = field(default_factory=dict)
    rtcp_feedback: Feedback = _always(())


class RtpHeaderExtension(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A header extension that an endpoint knows. `kind` None or empty means every kind; `direction` None means both."""

    kind: Kind | None = None
    uri: Uri
    preferred_id: ExtensionId
    preferred_encrypt: bool | None = _always(False)
    direction: Direction | None = _always("sendrecv")


class RtpCapabilities(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an endpoint can receive."""

    codecs: Annotated[tuple[RtpCodecCapability, ...], Meta(max_length=128)] = ()
    header_extensions: Annotated[tuple[RtpHeaderExtension, ...], Meta(max_length=128)] = ()


class RtpCodecParameters(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A codec of one stream."""

    mime_type: MimeType
    payload_type: PayloadType
    clock_rate: ClockRate
    channels: Channels | None = None
    parameters: CodecSettings = _always({})
    rtcp_feedback: Feedback = _always(())


class RtpHeaderExtensionParameters(Struct, frozen=True, kw_only=True):
    """A header extension of one stream."""

    uri: Uri
    id: ExtensionId
    encrypt: bool | None = False
    parameters: Any = field(default_factory=dict)  # of no extension that we know


class RtpEncodingParameters(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One RTP stream. Voice has exactly one a producer; simulcast members are not for us."""

    ssrc: Ssrc | None = None


class RtcpParameters(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """RTCP of one stream. `cname` empty or None: not given. `mux` False asks for a second port, which nobody has."""

    cname: Cname | None = None
    reduced_size: bool | None = _always(True)
    mux: bool | None = _always(True)


class RtpParameters(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How one stream travels."""

    mid: Mid | None = None
    codecs: Annotated[tuple[RtpCodecParameters, ...], Meta(max_length=64)]
    header_extensions: Annotated[tuple[RtpHeaderExtensionParameters, ...], Meta(max_length=64)] = _always(())
    encodings: Annotated[tuple[RtpEncodingParameters, ...], Meta(max_length=16)] = _always(())
    rtcp: RtcpParameters | None = None


class DtlsFingerprint(Struct, frozen=True, kw_only=True):
    """The hash of a certificate (RFC 8122): `algorithm` such as `sha-256`, `value` in hex pairs with colons."""

    algorithm: Annotated[str, Meta(min_length=1, max_length=32)]
    value: Annotated[str, Meta(max_length=255)]


class DtlsParameters(Struct, frozen=True, kw_only=True):
    """Who a DTLS endpoint is, and which role it takes; `auto` leaves that to the other side."""

    role: Literal["auto", "client", "server"] = "auto"
    fingerprints: Annotated[tuple[DtlsFingerprint, ...], Meta(max_length=16)]


class IceParameters(Struct, frozen=True, kw_only=True, rename="camel"):
    """The server's ICE credentials of one transport (RFC 8839 §5.4); sent, never received."""

    username_fragment: str
    password: str
    ice_lite: bool = True


class IceCandidate(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An address at which the server can be reached (RFC 8839 §5.1); sent, never received.

    `ip` and `address` are the same: older clients read the one, newer ones the other.
    """

    foundation: str
    priority: int
    ip: str
    address: str
    protocol: Literal["udp", "tcp"] = _always("udp")
    port: int
    type: Literal["host"] = _always("host")
    tcp_type: Literal["passive"] | None = None


_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
"""The hashes that count. Others may be listed, as RFC 8122 §5 lets them, but prove nothing (T3)."""

_RTP_CAPABILITIES = msgspec.json.Decoder(RtpCapabilities)
_RTP_PARAMETERS = msgspec.json.Decoder(RtpParameters)
_DTLS_PARAMETERS = msgspec.json.Decoder(DtlsParameters)
_ENCODER = msgspec.json.Encoder()


def parse_rtp_capabilities(text: str, where: str = "rtp_capabilities") -> RtpCapabilities:
    """Reads `PrepareForJoinChannel.rtp_capabilities`.

    Raises:
        InvalidParameters: with a path that starts with `where`.
    """
    return decode(text, _RTP_CAPABILITIES, where)


def parse_rtp_parameters(text: str, where: str = "rtp_paramaters") -> RtpParameters:
    """Reads `JoinChannel.rtp_paramaters`; not for the empty text, which means a listener.

    Raises:
        InvalidParameters: with a path that starts with `where`.
    """
    return decode(text, _RTP_PARAMETERS, where)


def parse_dtls_parameters(text: str, where: str = "consumer_dtls_paramaters") -> DtlsParameters:
    """Reads one of JoinChannel's two DTLS parameters.

    Returns:
        Only the fingerprints that count (SHA-256, -384, -512), at least one; algorithm in lower, value in upper case.

    Raises:
        InvalidParameters: also when no fingerprint counts, or one of those that do has a wrong length or form.
    """
    parsed = decode(text, _DTLS_PARAMETERS, where)
    kept = []
    for index, fingerprint in enumerate(parsed.fingerprints):
        algorithm = fingerprint.algorithm.lower()
        if algorithm in _DIGEST_BYTES:
            value = _hash_value(fingerprint.value, _DIGEST_BYTES[algorithm], f"{where}.fingerprints[{index}].value")
            kept.append(DtlsFingerprint(algorithm=algorithm, value=value))
    if not kept:
        raise InvalidParameters(f"{where}.fingerprints", "has no sha-256, sha-384 or sha-512 fingerprint")
    return DtlsParameters(role=parsed.role, fingerprints=tuple(kept))


def _hash_value(value: str, size: int, path: str) -> str:
    """A fingerprint's value in upper case, checked to be `size` bytes."""
    try:
        digest = bytes.fromhex(value.replace(":", ""))
    except ValueError:
        digest = b""
    upper = value.upper()
    if digest.hex(":").upper() != upper or len(digest) != size:  # `fromhex` skips spaces
        raise InvalidParameters(path, f"is not {size} pairs of hex digits with colons between them")
    return upper


def encode(value: Struct) -> str:
    """Writes one of the shapes as the JSON text that a message carries."""
    return _ENCODER.encode(value).decode()
