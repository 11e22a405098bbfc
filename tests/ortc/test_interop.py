"""Other implementations' negotiation accepts ours: pymediasoup's, which is mediasoup-client's in Python.

The same was tried by hand with mediasoup-client 3.24.1 in Chromium 156 and Firefox 153 ESR; what they sent is in
`clients/`.
"""

import json
from pathlib import Path

import pytest
from pymediasoup import ortc  # type: ignore[import-untyped]
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters  # type: ignore[import-untyped]

from hocket.ortc.negotiate import (
    Producer,
    negotiate_consumer,
    negotiate_producer,
    negotiate_receiver,
    router_capabilities,
)
from hocket.ortc.parameters import encode, parse_rtp_capabilities, parse_rtp_parameters

CLIENTS = [json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "clients").glob("*.json"))]


def native(opus: int, feedback: list[dict[str, str]], red: int | None) -> RtpCapabilities:
    """What a browser can do by itself, with its own numbers."""
    codecs = [
        {
            "kind": "audio",
            "mimeType": "audio/opus",
            "preferredPayloadType": opus,
            "clockRate": 48000,
            "channels": 2,
            "parameters": {"minptime": 10, "useinbandfec": 1},
            "rtcpFeedback": feedback,
        }
    ]
    if red is not None:
        inner = {f"{opus}/{opus}": ""}
        codecs.append({**codecs[0], "mimeType": "audio/red", "preferredPayloadType": red, "parameters": inner})
    uris = ["urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:sdes:mid", "urn:other"]
    extensions = [{"kind": "audio", "uri": uri, "preferredId": at} for at, uri in enumerate(uris, 1)]
    return RtpCapabilities.model_validate({"codecs": codecs, "headerExtensions": extensions})


CHROMIUM = native(111, [{"type": "nack"}, {"type": "transport-cc"}], red=63)
FIREFOX = native(109, [], red=None)


def router() -> RtpCapabilities:
    return RtpCapabilities.model_validate_json(encode(router_capabilities()))


def spoken(endpoint: RtpCapabilities) -> Producer:
    """What an endpoint sends, as pymediasoup derives it from our router's capabilities."""
    extended = ortc.getExtendedRtpCapabilities(endpoint, router())
    assert ortc.canSend("audio", extended)
    parameters = ortc.getSendingRtpParameters("audio", extended)
    parameters.codecs = ortc.reduceCodecs(parameters.codecs)
    assert parameters.rtcp is not None
    parameters.rtcp.cname = "them"
    text = parameters.model_dump_json(exclude={"encodings"})[:-1] + ',"encodings":[{"ssrc":99}]}'
    return negotiate_producer(parse_rtp_parameters(text))


def test_the_routers_capabilities_are_valid() -> None:
    ortc.validateAndNormalizeRtpCapabilities(router())


@pytest.mark.parametrize(("endpoint", "opus", "nack"), [(CHROMIUM, 111, True), (FIREFOX, 109, False)])
def test_what_an_endpoint_sends_to_our_router_is_a_producer(endpoint: RtpCapabilities, opus: int, nack: bool) -> None:
    producer = spoken(endpoint)
    assert (producer.opus_payload_type, producer.nack, producer.red_payload_type) == (opus, nack, None)
    assert (producer.extensions.audio_level, producer.extensions.mid) == (1, 2)


@pytest.mark.parametrize("speaking", [CHROMIUM, FIREFOX])
@pytest.mark.parametrize(("listening", "nack"), [(CHROMIUM, True), (FIREFOX, False)])
def test_an_endpoint_can_receive_what_it_is_given(
    speaking: RtpCapabilities, listening: RtpCapabilities, nack: bool
) -> None:
    extended = ortc.getExtendedRtpCapabilities(listening, router())
    capabilities = ortc.getRecvRtpCapabilities(extended)
    receiver = negotiate_receiver(parse_rtp_capabilities(capabilities.model_dump_json()))
    consumer = negotiate_consumer(spoken(speaking), receiver, ssrc=7, mid="0", cname="us")
    parameters = RtpParameters.model_validate_json(encode(consumer.rtp_parameters))
    assert ortc.canReceive(parameters, extended)
    assert [codec.payloadType for codec in parameters.codecs] == [100]
    assert [feedback.type for feedback in parameters.codecs[0].rtcpFeedback] == ["nack"] * nack
    assert {extension.id for extension in parameters.headerExtensions} == {1, 10}


@pytest.mark.parametrize("speaking", CLIENTS, ids=lambda client: client["client"])
@pytest.mark.parametrize("listening", CLIENTS, ids=lambda client: client["client"])
def test_recorded_clients_can_talk(speaking: dict[str, str], listening: dict[str, str]) -> None:
    producer = negotiate_producer(parse_rtp_parameters(speaking["rtp_paramaters"]))
    receiver = negotiate_receiver(parse_rtp_capabilities(listening["rtp_capabilities"]))
    consumer = negotiate_consumer(producer, receiver, ssrc=7, mid="0", cname="us")
    parameters = RtpParameters.model_validate_json(encode(consumer.rtp_parameters))
    ortc.validateAndNormalizeRtpParameters(parameters)
    wanted = json.loads(listening["rtp_capabilities"])["codecs"][0]
    assert parameters.codecs[0].payloadType == wanted["preferredPayloadType"]
    assert bool(parameters.codecs[0].rtcpFeedback) == bool(wanted["rtcpFeedback"])
    assert consumer.extensions.audio_level == 10
