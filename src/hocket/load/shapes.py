"""The JSON that a client reads and writes, as far as this one needs it (mediasoup's shapes). Pure.

A server's JSON is read as loosely as possible: members that we do not need may be anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Struct

from hocket.proto import voice

T = TypeVar("T")

_OPUS = "audio/opus"
_CLOCK_RATE = 48_000
_CHANNELS = 2
_AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
_PAYLOAD_TYPE = 111
"""Of our own Opus, as Chromium has it; a server must take whatever number a client says."""
_LEVEL_EXTENSION = 10
"""Our own id of RFC 6464's extension. 1 to 14 would do."""

FRAME_MS = 20
"""How much sound one frame of Opus holds, and a packet of which nothing else was said (RFC 7587 §6.1)."""

PTIMES_MS = (20, 40, 60)
"""How much sound a packet may hold: one frame, two or three."""


class ShapeError(Exception):
    """The server's JSON is none, or lacks what a client needs; the message says what."""


class _Fingerprint(Struct):
    algorithm: str
    value: str


class _Dtls(Struct):
    fingerprints: list[_Fingerprint]


class _Ice(Struct, rename="camel"):
    username_fragment: str
    password: str


class _Candidate(Struct):
    port: int
    ip: str | None = None
    address: str | None = None
    protocol: str = "udp"


class _Encoding(Struct):
    ssrc: int


class _RtpParameters(Struct):
    encodings: list[_Encoding]


class _Codec(Struct, rename="camel"):
    mime_type: str
    preferred_payload_type: int | None = None
    parameters: object = None


class _Extension(Struct, rename="camel"):
    uri: str
    preferred_id: int


class _Capabilities(Struct, rename="camel"):
    codecs: list[_Codec]
    header_extensions: list[_Extension] = []


@dataclass(frozen=True, slots=True)
class Remote:
    """The server's end of a transport, as the load client takes it."""

    username_fragment: str
    password: str
    addresses: list[tuple[str, int]]
    fingerprints: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Voice:
    """How one of us sends: numbers for the media, JSON for signalling."""

    ssrc: int
    payload_type: int
    level_extension: int
    rtp_parameters: str


def read_transport(options: voice.TransportOptions) -> Remote:
    """What a transport's options say of the server.

    Loopback candidates are taken alone where there are some: a server on this machine is reached there, and all
    transports can share one socket.

    Raises:
        ShapeError: something is missing, or there is no UDP candidate.
    """
    ice = _decode(options.ice_parameters, _Ice, "ice_parameters")
    dtls = _decode(options.dtls_parameters, _Dtls, "dtls_parameters")
    candidates = [_decode(text, _Candidate, "ice_candidates") for text in options.ice_candidates]
    addresses = [(one.address or one.ip or "", one.port) for one in candidates if one.protocol == "udp"]
    loopback = [pair for pair in addresses if pair[0].startswith("127.")]
    if not addresses:
        raise ShapeError("ice_candidates: the server offers no UDP candidate")
    fingerprints = [(one.algorithm, one.value) for one in dtls.fingerprints]
    return Remote(ice.username_fragment, ice.password, loopback or addresses, fingerprints)


def read_ssrc(rtp_parameters: str) -> int:
    """The SSRC under which a consumer's stream arrives.

    Raises:
        ShapeError: it names none.
    """
    encodings = _decode(rtp_parameters, _RtpParameters, "rtp_parameters").encodings
    if not encodings:
        raise ShapeError("rtp_parameters: no encoding")
    return encodings[0].ssrc


def receiving(router_capabilities: str) -> str:
    """What we can receive: the router's plain Opus, with its audio level where it knows that.

    Raises:
        ShapeError: the router has no Opus.
    """
    router, opus = _router(router_capabilities)
    codec = {
        "kind": "audio",
        "mimeType": _OPUS,
        "clockRate": _CLOCK_RATE,
        "channels": _CHANNELS,
        "preferredPayloadType": 100 if opus.preferred_payload_type is None else opus.preferred_payload_type,
        "rtcpFeedback": [],
    }
    levels = [one for one in router.header_extensions if one.uri == _AUDIO_LEVEL]
    extensions = [{"kind": "audio", "uri": one.uri, "preferredId": one.preferred_id} for one in levels[:1]]
    return _encode({"codecs": [codec], "headerExtensions": extensions})


def read_ptime(router_capabilities: str) -> int:
    """How much sound the server wishes each packet to hold, in ms: `ptime` of its Opus.

    20 when it says nothing, or something that is none of `PTIMES_MS`.

    Raises:
        ShapeError: the router has no Opus.
    """
    _, opus = _router(router_capabilities)
    asked = opus.parameters.get("ptime") if isinstance(opus.parameters, dict) else None
    return next((ms for ms in PTIMES_MS if ms == asked), FRAME_MS)


def sending(ssrc: int) -> Voice:
    """Plain Opus with audio levels; no RED and no retransmissions, which would blur the counts."""
    codec = {"mimeType": _OPUS, "payloadType": _PAYLOAD_TYPE, "clockRate": _CLOCK_RATE, "channels": _CHANNELS}
    parameters = {
        "codecs": [codec | {"parameters": {}, "rtcpFeedback": []}],
        "headerExtensions": [{"uri": _AUDIO_LEVEL, "id": _LEVEL_EXTENSION}],
        "encodings": [{"ssrc": ssrc}],
        "rtcp": {"cname": f"load{ssrc}", "reducedSize": True},
    }
    return Voice(ssrc, _PAYLOAD_TYPE, _LEVEL_EXTENSION, _encode(parameters))


def dtls_parameters(fingerprints: list[tuple[str, str]]) -> str:
    """Who we are: always the DTLS client."""
    listed = [{"algorithm": algorithm, "value": value} for algorithm, value in fingerprints]
    return _encode({"role": "client", "fingerprints": listed})


def _router(capabilities: str) -> tuple[_Capabilities, _Codec]:
    """The server's capabilities, and its Opus."""
    router = _decode(capabilities, _Capabilities, "rtp_capabilities")
    opus = next((codec for codec in router.codecs if codec.mime_type.lower() == _OPUS), None)
    if opus is None:
        raise ShapeError("rtp_capabilities: the server has no Opus")
    return router, opus


def _decode(text: str, shape: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.DecodeError as error:
        raise ShapeError(f"{where}: {error}") from None


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
