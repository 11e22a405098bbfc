"""Who can send and receive what: mediasoup's negotiation, for voice, as pure functions.

    router_capabilities(ptime)                 → what a client is told first
    negotiate_producer(its RtpParameters)      → Producer: what it sends, in numbers
    negotiate_receiver(its RtpCapabilities)    → Receiver: what it can take, in numbers
    negotiate_consumer(producer, receiver, …)  → Consumer: what it gets, in numbers and as RtpParameters

What a receiver gets differs from speaker to speaker in few ways, so that it is worked out once for each of them: in a
channel of a thousand every join makes two thousand consumers.

Opus is what everybody speaks: a producer or receiver without it is refused, so every pair matches. The rest differs
between two people in one channel and is settled for each pair: RED, NACK, header extensions, and all numbers. A
receiver's numbers are always its own: mediasoup's clients look a stream up by the payload type in their capabilities.

Nothing of a producer's text reaches a receiver's parameters, only numbers and flags: they end in that receiver's SDP.
"""

from __future__ import annotations

from functools import cache, lru_cache

from msgspec import Struct

from hocket.errors import InvalidParameters
from hocket.ortc import codecs, extensions
from hocket.ortc.extensions import Extensions
from hocket.ortc.parameters import (
    CodecSettings,
    RtcpParameters,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpParameters,
)

ROUTER_OPUS = 100
ROUTER_RED = 101
"""The router's payload types. mediasoup starts at 100 too; no browser has Opus there, so a mix-up shows at once."""

_AGREEMENTS = 1_024
"""Agreements that are remembered. Few kinds of clients make few of them, but a client chooses its numbers."""

OPUS_SETTINGS: CodecSettings = {"minptime": 10, "useinbandfec": 1}
"""RFC 7587 §6.1: packets of 10 ms are fine, and in-band FEC is wanted. Browsers say the same of themselves."""

USUAL_PTIME = 20
"""Milliseconds of sound a packet, of whoever is told nothing (RFC 7587 §4.2)."""


class Producer(Struct, frozen=True, kw_only=True):
    """What a client sends. It is told by its SSRC, or by its mid where there is a header extension for it.

    Attributes:
        red_payload_type: None: it sends no RED.
        nack: it answers NACKs (RFC 4585 §6.2.1).
        stereo: it sends two channels (`sprop-stereo`, RFC 7587 §6.1); a receiver plays one unless it is told.
    """

    ssrc: int | None
    mid: str | None
    opus_payload_type: int
    red_payload_type: int | None
    extensions: Extensions
    nack: bool
    stereo: bool


class Receiver(Struct, frozen=True, kw_only=True):
    """What a client can take, in its own numbers; the same for everyone whom it hears.

    Attributes:
        red_payload_type: None: RED has to be unwrapped for it.
        nack: it may send NACKs.
    """

    opus_payload_type: int
    red_payload_type: int | None
    extensions: Extensions
    nack: bool


class Consumer(Struct, frozen=True, kw_only=True):
    """What one receiver gets of one producer: the numbers for the media core, and the parameters for the client.

    Attributes:
        red_payload_type: None: the producer sends none, or the receiver gets it unwrapped.
        nack: the receiver may send NACKs.
    """

    ssrc: int
    mid: str
    opus_payload_type: int
    red_payload_type: int | None
    extensions: Extensions
    nack: bool
    rtp_parameters: RtpParameters


class _Agreement(Struct, frozen=True, kw_only=True):
    """What one receiver gets of every producer of one kind."""

    red_payload_type: int | None
    extensions: Extensions
    codecs: tuple[RtpCodecParameters, ...]
    header_extensions: tuple[RtpHeaderExtensionParameters, ...]


@cache
def router_capabilities(ptime: int = USUAL_PTIME) -> RtpCapabilities:
    """What every router can receive: Opus with in-band FEC and NACK first, RED around it second.

    First means default: mediasoup-client sends with the first codec alone, and with what we say of it here.

    Args:
        ptime: ms of sound that a packet had best hold (RFC 7587 §6.1): 20, 40 or 60. Of 20, which clients do by
            themselves, nothing is said.
    """
    settings = OPUS_SETTINGS if ptime == USUAL_PTIME else {**OPUS_SETTINGS, "ptime": ptime}
    opus = RtpCodecCapability(
        kind="audio",
        mime_type=codecs.OPUS,
        preferred_payload_type=ROUTER_OPUS,
        clock_rate=codecs.CLOCK_RATE,
        channels=codecs.CHANNELS,
        parameters=settings,
        rtcp_feedback=(codecs.NACK,),
    )
    red = RtpCodecCapability(
        kind="audio",
        mime_type=codecs.RED,
        preferred_payload_type=ROUTER_RED,
        clock_rate=codecs.CLOCK_RATE,
        channels=codecs.CHANNELS,
        parameters=codecs.red_format(ROUTER_OPUS),
    )
    return RtpCapabilities(codecs=(opus, red), header_extensions=extensions.capabilities(extensions.ROUTER))


def negotiate_producer(parameters: RtpParameters, where: str = "rtp_paramaters") -> Producer:
    """Checks what a client says it will send, and takes from it what the media core needs.

    Codecs and header extensions that we do not know may be listed; packets of such a codec are dropped later.

    Args:
        parameters: the client's.
        where: the wire's name of the field, which begins the path of an error.

    Raises:
        InvalidParameters: no Opus, no way to tell the stream by, several streams, or numbers that clash.
    """
    _check_payload_types(parameters, where)
    index = codecs.find_opus(parameters.codecs, f"{where}.codecs")
    opus = parameters.codecs[index]
    codecs.check_payload_type(opus.payload_type, f"{where}.codecs[{index}].payloadType")
    red_payload_type = _red_sent(parameters, opus.payload_type, where)
    used = extensions.sent(parameters.header_extensions, f"{where}.headerExtensions")
    rtcp = parameters.rtcp or RtcpParameters()
    if rtcp.mux is False:
        raise InvalidParameters(f"{where}.rtcp.mux", "must be true: there is no second port for RTCP")
    return Producer(
        ssrc=_ssrc_sent(parameters, used, where),
        mid=parameters.mid,
        opus_payload_type=opus.payload_type,
        red_payload_type=red_payload_type,
        extensions=used,
        nack=codecs.has_nack(opus),
        stereo=codecs.setting(opus, "sprop-stereo", f"{where}.codecs[{index}]") in (1, "1"),
    )


def negotiate_receiver(capabilities: RtpCapabilities, where: str = "rtp_capabilities") -> Receiver:
    """Checks what a client can take, and picks its numbers.

    RED is used only where its format names the Opus of the same list. A browser behind mediasoup-client lists RED with
    its native number (`111/111`) beside Opus with the router's. Chromium 156 does accept RED so, but that it plays it
    is not proved, and a wrong guess is silence, where plain Opus only lacks redundancy.

    Args:
        capabilities: the client's.
        where: the wire's name of the field, which begins the path of an error.

    Raises:
        InvalidParameters: no Opus, or numbers that clash.
    """
    index = codecs.find_opus(capabilities.codecs, f"{where}.codecs")
    opus = capabilities.codecs[index]
    asked = opus.preferred_payload_type
    opus_payload_type = ROUTER_OPUS if asked is None else asked
    codecs.check_payload_type(opus_payload_type, f"{where}.codecs[{index}].preferredPayloadType")
    return Receiver(
        opus_payload_type=opus_payload_type,
        red_payload_type=_red_taken(capabilities, opus_payload_type, where),
        extensions=extensions.received(capabilities.header_extensions, f"{where}.headerExtensions"),
        nack=codecs.has_nack(opus),
    )


def negotiate_consumer(producer: Producer, receiver: Receiver, *, ssrc: int, mid: str, cname: str) -> Consumer:
    """What `receiver` gets of `producer`. Every pair matches, so nothing is refused here.

    Args:
        producer: whose voice.
        receiver: for whom.
        ssrc: 1 to 2³²-1, unique on the receiver's transport.
        mid: an SDP token of at most 16 bytes, unique on the receiver's transport.
        cname: printable ASCII, one a user, so that the receiver keeps that user's streams together. Ours, not the
            producer's own word, which other people's SDP should not carry.
    """
    agreed = _agree(
        receiver,
        red=producer.red_payload_type is not None,
        audio_level=producer.extensions.audio_level is not None,
        stereo=producer.stereo,
    )
    return Consumer(
        ssrc=ssrc,
        mid=mid,
        opus_payload_type=receiver.opus_payload_type,
        red_payload_type=agreed.red_payload_type,
        extensions=agreed.extensions,
        nack=receiver.nack,
        rtp_parameters=RtpParameters(
            mid=mid,
            codecs=agreed.codecs,
            header_extensions=agreed.header_extensions,
            encodings=(RtpEncodingParameters(ssrc=ssrc),),
            rtcp=RtcpParameters(cname=cname, reduced_size=True, mux=True),
        ),
    )


@lru_cache(maxsize=_AGREEMENTS)
def _agree(receiver: Receiver, *, red: bool, audio_level: bool, stereo: bool) -> _Agreement:
    """What a receiver gets of producers that send RED, audio levels and two channels, or do not."""
    red_payload_type = receiver.red_payload_type if red else None
    used = Extensions(
        mid=receiver.extensions.mid,
        audio_level=receiver.extensions.audio_level if audio_level else None,
        abs_send_time=receiver.extensions.abs_send_time,
    )
    return _Agreement(
        red_payload_type=red_payload_type,
        extensions=used,
        codecs=_consumer_codecs(receiver, red_payload_type, stereo=stereo),
        header_extensions=extensions.parameters(used),
    )


def _check_payload_types(parameters: RtpParameters, where: str) -> None:
    """Refuses a payload type that two codecs share."""
    seen: set[int] = set()
    for index, codec in enumerate(parameters.codecs):
        if codec.payload_type in seen:
            raise InvalidParameters(f"{where}.codecs[{index}].payloadType", "appears twice")
        seen.add(codec.payload_type)


def _red_sent(parameters: RtpParameters, opus_payload_type: int, where: str) -> int | None:
    """The payload type of the RED that a client sends. If it lists one at all, we must be able to read it."""
    index = codecs.find_red(parameters.codecs)
    if index is None:
        return None
    red, path = parameters.codecs[index], f"{where}.codecs[{index}]"
    codecs.check_usable(red, path)
    codecs.check_payload_type(red.payload_type, f"{path}.payloadType")
    codecs.setting(red, "", path)  # a format without a key has an empty one
    if codecs.red_blocks(red) not in (None, opus_payload_type):
        raise InvalidParameters(f"{path}.parameters", f"must be RED of Opus, {opus_payload_type}/{opus_payload_type}")
    return red.payload_type


def _red_taken(capabilities: RtpCapabilities, opus_payload_type: int, where: str) -> int | None:
    """The payload type of the RED that a client can take, if it really can."""
    index = codecs.find_red(capabilities.codecs)
    if index is None:
        return None
    red = capabilities.codecs[index]
    if not codecs.is_usable(red) or codecs.red_blocks(red) != opus_payload_type:
        return None
    payload_type, path = red.preferred_payload_type, f"{where}.codecs[{index}].preferredPayloadType"
    if payload_type is None:
        return None
    codecs.check_payload_type(payload_type, path)
    if payload_type == opus_payload_type:
        raise InvalidParameters(path, "appears twice")
    return payload_type


def _ssrc_sent(parameters: RtpParameters, used: Extensions, where: str) -> int | None:
    """The SSRC that a client announces; None where the mid will tell the stream."""
    if len(parameters.encodings) > 1:
        raise InvalidParameters(f"{where}.encodings", "has several streams, where a voice has one")
    ssrc = parameters.encodings[0].ssrc if parameters.encodings else None
    if ssrc is None and (parameters.mid is None or used.mid is None):
        path = f"{where}.encodings[0].ssrc" if parameters.encodings else f"{where}.encodings"
        raise InvalidParameters(
            path, "is needed, unless there are a mid and its header extension to tell the stream by"
        )
    return ssrc


def _consumer_codecs(
    receiver: Receiver, red_payload_type: int | None, *, stereo: bool
) -> tuple[RtpCodecParameters, ...]:
    """Opus first: a client decides by the first codec whether it can receive at all."""
    opus = RtpCodecParameters(
        mime_type=codecs.OPUS,
        payload_type=receiver.opus_payload_type,
        clock_rate=codecs.CLOCK_RATE,
        channels=codecs.CHANNELS,
        parameters={**OPUS_SETTINGS, "sprop-stereo": 1} if stereo else OPUS_SETTINGS,
        rtcp_feedback=(codecs.NACK,) if receiver.nack else (),
    )
    if red_payload_type is None:
        return (opus,)
    red = RtpCodecParameters(
        mime_type=codecs.RED,
        payload_type=red_payload_type,
        clock_rate=codecs.CLOCK_RATE,
        channels=codecs.CHANNELS,
        parameters=codecs.red_format(receiver.opus_payload_type),
    )
    return (opus, red)
