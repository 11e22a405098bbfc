"""Negotiation, for all inputs: whatever two clients say, what one gets of the other fits what it asked for."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.errors import InvalidParameters
from hocket.ortc import extensions
from hocket.ortc.negotiate import (
    Consumer,
    Producer,
    Receiver,
    negotiate_consumer,
    negotiate_producer,
    negotiate_receiver,
)
from hocket.ortc.parameters import (
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    encode,
    parse_rtp_capabilities,
    parse_rtp_parameters,
)

KNOWN = [extensions.MID, extensions.AUDIO_LEVEL, extensions.ABS_SEND_TIME]
payload_types = st.sampled_from([*range(64), *range(96, 128)])
ssrcs = st.integers(1, 2**32 - 1)
mids = st.text("AZaz09._-", min_size=1, max_size=16)
feedback = st.lists(
    st.sampled_from([{"type": "nack"}, {"type": "nack", "parameter": "pli"}, {"type": "transport-cc"}]), max_size=3
)
settings_of_opus = st.dictionaries(st.sampled_from(["minptime", "stereo", "sprop-stereo", "usedtx"]), st.integers(0, 9))


@st.composite
def codecs(draw: st.DrawFn, number: str) -> list[dict[str, Any]]:
    """Opus, maybe RED, and others, in any order with any numbers; `number` is the name of the payload type's member."""
    types = draw(st.lists(payload_types, min_size=4, max_size=4, unique=True))
    opus = {"mimeType": "audio/opus", "parameters": draw(settings_of_opus), "rtcpFeedback": draw(feedback)}
    inner = draw(st.sampled_from([types[0], 111]))
    listed: list[dict[str, Any]] = [opus]
    if draw(st.booleans()):
        listed.append({"mimeType": "audio/red", "parameters": {f"{inner}/{inner}": ""}})
    listed += draw(st.lists(st.sampled_from([{"mimeType": "audio/PCMU"}, {"mimeType": "video/VP8"}]), max_size=2))
    common = {"clockRate": 48000, "channels": 2}
    return draw(st.permutations([{**common, **codec, number: types[at]} for at, codec in enumerate(listed)]))


@st.composite
def header_extensions(draw: st.DrawFn, number: str) -> list[dict[str, Any]]:
    uris = draw(st.lists(st.sampled_from([*KNOWN, "urn:x", "urn:y"]), unique=True))
    ids = draw(st.lists(st.integers(1, 14), min_size=len(uris), max_size=len(uris), unique=True))
    return [{"uri": uri, number: at} for uri, at in zip(uris, ids, strict=True)]


sent = st.fixed_dictionaries(
    {
        "mid": mids,
        "codecs": codecs("payloadType"),
        "headerExtensions": header_extensions("id"),
        "encodings": st.builds(lambda ssrc: [{"ssrc": ssrc}], ssrcs),
        "rtcp": st.fixed_dictionaries({"cname": st.text("!az{}=/~", min_size=1, max_size=20)}),
    }
)
taken = st.fixed_dictionaries(
    {"codecs": codecs("preferredPayloadType"), "headerExtensions": header_extensions("preferredId")}
)


def produced(document: dict[str, Any]) -> Producer | InvalidParameters:
    try:
        return negotiate_producer(parse_rtp_parameters(json.dumps(document)))
    except InvalidParameters as error:
        return error


def received(document: dict[str, Any]) -> Receiver | InvalidParameters:
    try:
        return negotiate_receiver(parse_rtp_capabilities(json.dumps(document)))
    except InvalidParameters as error:
        return error


def usable(document: dict[str, Any]) -> bool:
    """Whether a producer's RED, if any, is RED of its own Opus; else it is refused, rightly."""
    outcome = produced(document)
    assert isinstance(outcome, Producer) or outcome.path.endswith(".parameters")
    return isinstance(outcome, Producer)


def allowed(codec: RtpCodecParameters, asked: RtpCodecCapability) -> bool:
    """Whether a codec is what a capability asked for."""
    names = {feedback.type for feedback in asked.rtcp_feedback if not feedback.parameter}
    return (
        codec.mime_type == asked.mime_type
        and codec.payload_type == asked.preferred_payload_type
        and (codec.clock_rate, codec.channels) == (asked.clock_rate, asked.channels)
        and {feedback.type for feedback in codec.rtcp_feedback} <= names
    )


def check_fits(consumer: Consumer, capabilities: RtpCapabilities) -> None:
    """What a receiver gets is what it asked for, and hangs together."""
    parameters = consumer.rtp_parameters
    for codec in parameters.codecs:
        assert any(allowed(codec, asked) for asked in capabilities.codecs)
    assert parameters.codecs[0].mime_type == "audio/opus"
    types = [codec.payload_type for codec in parameters.codecs]
    assert types == [number for number in (consumer.opus_payload_type, consumer.red_payload_type) if number is not None]
    assert len(set(types)) == len(types)
    asked_ids = {(extension.uri, extension.preferred_id) for extension in capabilities.header_extensions}
    given_ids = [(extension.uri, extension.id) for extension in parameters.header_extensions]
    assert set(given_ids) <= asked_ids
    assert dict(given_ids) == consumer.extensions.by_uri()
    assert all(1 <= number <= 14 for _, number in given_ids)
    assert len({number for _, number in given_ids}) == len(given_ids)


@settings(deadline=None)
@given(sent.filter(usable), taken, ssrcs, mids)
def test_any_pair_gives_what_the_receiver_asked_for(
    speaking: dict[str, Any], listening: dict[str, Any], ssrc: int, mid: str
) -> None:
    capabilities = parse_rtp_capabilities(json.dumps(listening))
    producer = negotiate_producer(parse_rtp_parameters(json.dumps(speaking)))
    consumer = negotiate_consumer(producer, negotiate_receiver(capabilities), ssrc=ssrc, mid=mid, cname="us")
    check_fits(consumer, capabilities)
    parameters = consumer.rtp_parameters
    assert (parameters.encodings[0].ssrc, parameters.mid, consumer.ssrc, consumer.mid) == (ssrc, mid, ssrc, mid)
    assert parse_rtp_parameters(encode(parameters)) == parameters


@settings(deadline=None)
@given(sent.filter(usable), taken)
def test_what_a_consumer_gets_could_be_produced_again(speaking: dict[str, Any], listening: dict[str, Any]) -> None:
    """A relay may consume here and produce there: our own parameters pass our own checks with the same numbers."""
    receiver = negotiate_receiver(parse_rtp_capabilities(json.dumps(listening)))
    first = negotiate_producer(parse_rtp_parameters(json.dumps(speaking)))
    consumer = negotiate_consumer(first, receiver, ssrc=5, mid="a", cname="us")
    again = negotiate_producer(consumer.rtp_parameters)
    assert (again.ssrc, again.mid, again.stereo) == (5, "a", first.stereo)
    assert (again.opus_payload_type, again.red_payload_type) == (consumer.opus_payload_type, consumer.red_payload_type)
    assert (again.extensions, again.nack) == (consumer.extensions, consumer.nack)


def anything() -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers(-1, 300) | st.sampled_from(["", "audio/opus", "audio/red", *KNOWN])
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner), max_leaves=4
    )


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A document with some members replaced or taken away, at any depth."""
    document = copy.deepcopy(draw(whole))  # strategies share the values that they draw
    for _ in range(draw(st.integers(1, 4))):
        inside: Any = document
        while isinstance(inside, dict | list) and inside:
            key = draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else range(len(inside))))
            if not isinstance(inside[key], dict | list) or draw(st.booleans()):
                inside[key] = draw(anything())
                break
            inside = inside[key]
    return document


@settings(deadline=None, max_examples=100)
@given(broken(sent), broken(taken))
def test_a_broken_document_gives_invalid_parameters_or_a_plan_that_fits(
    speaking: dict[str, Any], listening: dict[str, Any]
) -> None:
    producer, receiver = produced(speaking), received(listening)
    assert isinstance(producer, Producer) or producer.path.startswith("rtp_paramaters")
    assert isinstance(receiver, Receiver) or receiver.path.startswith("rtp_capabilities")
    if isinstance(producer, Producer):
        assert producer.ssrc is not None or (producer.mid is not None and producer.extensions.mid is not None)
        if isinstance(receiver, Receiver):
            consumer = negotiate_consumer(producer, receiver, ssrc=1, mid="0", cname="us")
            assert parse_rtp_parameters(encode(consumer.rtp_parameters)) == consumer.rtp_parameters
