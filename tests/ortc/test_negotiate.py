"""Negotiation, case by case."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from hocket.errors import InvalidParameters
from hocket.ortc.extensions import ABS_SEND_TIME, AUDIO_LEVEL, MID, Extensions
from hocket.ortc.negotiate import (
    Consumer,
    Producer,
    Receiver,
    negotiate_consumer,
    negotiate_producer,
    negotiate_receiver,
    router_capabilities,
)
from hocket.ortc.parameters import encode, parse_rtp_capabilities, parse_rtp_parameters

NACK = {"type": "nack"}


def opus(**members: object) -> dict[str, Any]:
    return {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "rtcpFeedback": [NACK], **members}


def red(inner: int, **members: object) -> dict[str, Any]:
    return {
        "mimeType": "audio/red",
        "clockRate": 48000,
        "channels": 2,
        "parameters": {f"{inner}/{inner}": ""},
        **members,
    }


SENT: dict[str, Any] = {
    "mid": "0",
    "codecs": [opus(payloadType=111), red(111, payloadType=63)],
    "headerExtensions": [{"uri": MID, "id": 4}, {"uri": AUDIO_LEVEL, "id": 1}, {"uri": ABS_SEND_TIME, "id": 2}],
    "encodings": [{"ssrc": 1234}],
    "rtcp": {"cname": "alice"},
}
TAKEN: dict[str, Any] = {
    "codecs": [opus(preferredPayloadType=100), red(100, preferredPayloadType=101)],
    "headerExtensions": [
        {"kind": "audio", "uri": MID, "preferredId": 1},
        {"kind": "audio", "uri": ABS_SEND_TIME, "preferredId": 4},
        {"kind": "audio", "uri": AUDIO_LEVEL, "preferredId": 10},
    ],
}

Change = Callable[[dict[str, Any]], object]


def unchanged(_: dict[str, Any]) -> None:
    """Leaves a document as it is."""


def producer(change: Change = unchanged) -> Producer:
    document = copy.deepcopy(SENT)
    change(document)
    return negotiate_producer(parse_rtp_parameters(json.dumps(document)))


def receiver(change: Change = unchanged) -> Receiver:
    document = copy.deepcopy(TAKEN)
    change(document)
    return negotiate_receiver(parse_rtp_capabilities(json.dumps(document)))


def consumer(producing: Producer, receiving: Receiver) -> Consumer:
    return negotiate_consumer(producing, receiving, ssrc=77, mid="3", cname="user-9")


def test_the_routers_capabilities_are_these() -> None:
    extension = {"kind": "audio", "preferredEncrypt": False, "direction": "sendrecv"}
    nack = {"type": "nack", "parameter": ""}
    assert json.loads(encode(router_capabilities())) == {
        "codecs": [
            {
                "kind": "audio",
                "mimeType": "audio/opus",
                "preferredPayloadType": 100,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"minptime": 10, "useinbandfec": 1},
                "rtcpFeedback": [nack],
            },
            {
                "kind": "audio",
                "mimeType": "audio/red",
                "preferredPayloadType": 101,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"100/100": ""},
                "rtcpFeedback": [],
            },
        ],
        "headerExtensions": [
            {**extension, "uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "preferredId": 1},
            {**extension, "uri": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", "preferredId": 4},
            {**extension, "uri": "urn:ietf:params:rtp-hdrext:ssrc-audio-level", "preferredId": 10},
        ],
    }


def test_the_router_asks_for_longer_packets_and_says_nothing_of_usual_ones() -> None:
    for ptime in (40, 60):
        opus = json.loads(encode(router_capabilities(ptime)))["codecs"][0]
        assert opus["parameters"] == {"minptime": 10, "useinbandfec": 1, "ptime": ptime}
    assert router_capabilities(20) == router_capabilities()


def test_who_answers_with_the_routers_own_capabilities_takes_everything() -> None:
    everything = Extensions(mid=1, abs_send_time=4, audio_level=10)
    assert negotiate_receiver(router_capabilities()) == Receiver(
        opus_payload_type=100, red_payload_type=101, extensions=everything, nack=True
    )
    assert receiver() == negotiate_receiver(parse_rtp_capabilities(encode(router_capabilities())))


def test_a_producer_is_what_its_parameters_say() -> None:
    assert producer() == Producer(
        ssrc=1234,
        mid="0",
        opus_payload_type=111,
        red_payload_type=63,
        extensions=Extensions(mid=4, audio_level=1, abs_send_time=2),
        nack=True,
        stereo=False,
    )


def test_a_consumer_has_the_receivers_numbers() -> None:
    made = consumer(producer(), receiver())
    assert json.loads(encode(made.rtp_parameters)) == {
        "mid": "3",
        "codecs": [
            {
                "mimeType": "audio/opus",
                "payloadType": 100,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"minptime": 10, "useinbandfec": 1},
                "rtcpFeedback": [{"type": "nack", "parameter": ""}],
            },
            {
                "mimeType": "audio/red",
                "payloadType": 101,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"100/100": ""},
                "rtcpFeedback": [],
            },
        ],
        "headerExtensions": [
            {"uri": MID, "id": 1, "encrypt": False, "parameters": {}},
            {"uri": ABS_SEND_TIME, "id": 4, "encrypt": False, "parameters": {}},
            {"uri": AUDIO_LEVEL, "id": 10, "encrypt": False, "parameters": {}},
        ],
        "encodings": [{"ssrc": 77}],
        "rtcp": {"cname": "user-9", "reducedSize": True, "mux": True},
    }
    numbers = (made.ssrc, made.mid, made.opus_payload_type, made.red_payload_type, made.nack)
    assert numbers == (77, "3", 100, 101, True)
    assert made.extensions == Extensions(mid=1, abs_send_time=4, audio_level=10)


def codec_types(made: Consumer) -> list[int]:
    return [codec.payload_type for codec in made.rtp_parameters.codecs]


def test_without_red_on_both_sides_it_is_opus_alone() -> None:
    no_red_sent = producer(lambda sent: sent["codecs"].pop())
    no_red_taken = receiver(lambda taken: taken["codecs"].pop())
    for pair in ((no_red_sent, receiver()), (producer(), no_red_taken), (no_red_sent, no_red_taken)):
        made = consumer(*pair)
        assert (made.red_payload_type, codec_types(made)) == (None, [100])


@pytest.mark.parametrize(
    "parameters", [{"111/111": ""}, {"100/111": ""}, {"100": ""}, {}, {"x": "100/100"}, {"": "101/101"}]
)
def test_red_whose_format_does_not_name_the_receivers_opus_is_not_used(parameters: dict[str, str]) -> None:
    assert receiver(lambda taken: taken["codecs"][1].update(parameters=parameters)).red_payload_type is None


@pytest.mark.parametrize("parameters", [{"100/100": ""}, {"100/100": None}, {"100/100/100": ""}, {"": "100/100"}])
def test_red_formats_that_clients_write(parameters: dict[str, str | None]) -> None:
    assert receiver(lambda taken: taken["codecs"][1].update(parameters=parameters)).red_payload_type == 101


def test_nack_goes_to_those_who_asked_for_it_whoever_speaks() -> None:
    deaf_to_nack = receiver(
        lambda taken: taken["codecs"][0].update(rtcpFeedback=[{"type": "nack", "parameter": "pli"}])
    )
    for speaking in (producer(), producer(lambda sent: sent["codecs"][0].update(rtcpFeedback=[]))):
        assert consumer(speaking, receiver()).nack is True
        without = consumer(speaking, deaf_to_nack)
        assert (without.nack, without.rtp_parameters.codecs[0].rtcp_feedback) == (False, ())
    assert producer(lambda sent: sent["codecs"][0].update(rtcpFeedback=[])).nack is False


def test_a_level_is_forwarded_only_where_one_is_sent() -> None:
    silent = producer(lambda sent: sent["headerExtensions"].pop(1))
    made = consumer(silent, receiver())
    assert made.extensions == Extensions(mid=1, abs_send_time=4)
    assert [extension.uri for extension in made.rtp_parameters.header_extensions] == [MID, ABS_SEND_TIME]


def test_stereo_is_told_to_the_receiver_and_nothing_else_of_the_producers_settings() -> None:
    sprop = {"sprop-stereo": 1, "useinbandfec": 0, "maxplaybackrate": "0\r\na=evil", "evil\r\n": 1}
    stereo = producer(lambda sent: sent["codecs"][0].update(parameters=sprop))
    assert stereo.stereo is True
    assert consumer(stereo, receiver()).rtp_parameters.codecs[0].parameters == {
        "minptime": 10,
        "useinbandfec": 1,
        "sprop-stereo": 1,
    }
    assert "sprop-stereo" not in router_capabilities().codecs[0].parameters


def test_a_receiver_without_a_preferred_payload_type_takes_the_routers() -> None:
    assert receiver(lambda taken: taken["codecs"][0].pop("preferredPayloadType")).opus_payload_type == 100
    assert receiver(lambda taken: taken["codecs"][1].pop("preferredPayloadType")).red_payload_type is None


def test_mime_types_compare_without_regard_to_case() -> None:
    assert producer(lambda sent: sent["codecs"][0].update(mimeType="AUDIO/Opus")).opus_payload_type == 111
    assert receiver(lambda taken: taken["codecs"][0].update(mimeType="audio/OPUS")).opus_payload_type == 100


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "video"},
        {"direction": "sendonly"},
        {"direction": "inactive"},
        {"preferredId": 15},
        {"preferredId": 255},
        {"uri": "urn:x"},
    ],
)
def test_an_extension_that_a_receiver_cannot_take_is_left_out(change: dict[str, Any]) -> None:
    assert receiver(lambda taken: taken["headerExtensions"][2].update(change)).extensions.audio_level is None


@pytest.mark.parametrize("change", [{"kind": ""}, {"kind": None}, {"direction": "recvonly"}, {"direction": None}])
def test_an_extension_without_kind_or_direction_counts(change: dict[str, Any]) -> None:
    assert receiver(lambda taken: taken["headerExtensions"][2].update(change)).extensions.audio_level == 10


def test_what_we_do_not_know_may_be_listed_beside() -> None:
    def more(document: dict[str, Any]) -> None:
        pcmu = {"mimeType": "audio/PCMU", "clockRate": 8000, "payloadType": 0, "preferredPayloadType": 0}
        document["codecs"].insert(0, pcmu)
        document["headerExtensions"].insert(0, {"uri": "urn:x", "id": 20, "preferredId": 20, "kind": "audio"})

    assert producer(more) == producer()
    assert receiver(more) == receiver()


def test_an_opus_that_cannot_be_one_is_passed_over_where_another_follows() -> None:
    def more(document: dict[str, Any]) -> None:
        document["codecs"].insert(0, opus(clockRate=16000, payloadType=5, preferredPayloadType=5))

    assert producer(more).opus_payload_type == 111
    assert receiver(more).opus_payload_type == 100


def test_a_mid_alone_tells_a_stream_and_so_does_an_ssrc_alone() -> None:
    by_mid = producer(lambda sent: sent.update(encodings=[]))
    assert (by_mid.ssrc, by_mid.mid, by_mid.extensions.mid) == (None, "0", 4)
    assert producer(lambda sent: sent.update(encodings=[{"ssrc": None}])).ssrc is None
    by_ssrc = producer(lambda sent: (sent.pop("mid"), sent.pop("headerExtensions")))
    assert (by_ssrc.ssrc, by_ssrc.mid, by_ssrc.extensions) == (1234, None, Extensions())


def test_rtcp_may_be_left_out() -> None:
    assert producer(lambda sent: sent.pop("rtcp")) == producer(lambda sent: sent.update(rtcp={})) == producer()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda sent: sent.update(codecs=[]), "codecs"),
        (lambda sent: sent["codecs"].pop(0), "codecs"),
        (lambda sent: sent["codecs"][0].update(mimeType="audio/PCMU"), "codecs"),
        (lambda sent: sent["codecs"][0].update(mimeType="video/opus"), "codecs"),
        (lambda sent: sent["codecs"][0].update(clockRate=44100), "codecs[0].clockRate"),
        (lambda sent: sent["codecs"][0].update(channels=1), "codecs[0].channels"),
        (lambda sent: sent["codecs"][0].pop("channels"), "codecs[0].channels"),
        (lambda sent: sent["codecs"][0].update(payloadType=64), "codecs[0].payloadType"),
        (lambda sent: sent["codecs"][0].update(payloadType=95), "codecs[0].payloadType"),
        (lambda sent: sent["codecs"][1].update(payloadType=72), "codecs[1].payloadType"),
        (lambda sent: sent["codecs"][1].update(payloadType=111), "codecs[1].payloadType"),
        (lambda sent: sent["codecs"][1].update(clockRate=8000), "codecs[1].clockRate"),
        (lambda sent: sent["codecs"][1].update(parameters={"0/0": ""}), "codecs[1].parameters"),
        (lambda sent: sent["headerExtensions"][1].update(id=4), "headerExtensions[1].id"),
        (lambda sent: sent["headerExtensions"][1].update(id=15), "headerExtensions[1].id"),
        (lambda sent: sent["headerExtensions"][1].update(uri=MID), "headerExtensions[1].uri"),
        (lambda sent: sent["headerExtensions"][2].update(encrypt=True), "headerExtensions[2].encrypt"),
        (lambda sent: sent.update(encodings=[{"ssrc": 1}, {"ssrc": 2}]), "encodings"),
        (lambda sent: (sent.update(encodings=[]), sent.pop("mid")), "encodings"),
        (lambda sent: (sent.update(encodings=[{}]), sent.pop("mid")), "encodings[0].ssrc"),
        (lambda sent: (sent.update(encodings=[{}]), sent["headerExtensions"].pop(0)), "encodings[0].ssrc"),
        (lambda sent: sent["rtcp"].update(mux=False), "rtcp.mux"),
    ],
)
def test_a_producer_that_cannot_be_is_refused_with_its_path(change: Change, path: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        producer(change)
    assert caught.value.path == f"rtp_paramaters.{path}"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda taken: taken.pop("codecs"), "codecs"),
        (lambda taken: taken["codecs"].pop(0), "codecs"),
        (lambda taken: taken["codecs"][0].update(channels=None), "codecs[0].channels"),
        (lambda taken: taken["codecs"][0].update(clockRate=8000), "codecs[0].clockRate"),
        (lambda taken: taken["codecs"][0].update(preferredPayloadType=80), "codecs[0].preferredPayloadType"),
        (lambda taken: taken["codecs"][1].update(preferredPayloadType=80), "codecs[1].preferredPayloadType"),
        (lambda taken: taken["codecs"][1].update(preferredPayloadType=100), "codecs[1].preferredPayloadType"),
        (lambda taken: taken["headerExtensions"][2].update(preferredId=1), "headerExtensions[2].preferredId"),
    ],
)
def test_a_receiver_that_cannot_be_is_refused_with_its_path(change: Change, path: str) -> None:
    with pytest.raises(InvalidParameters) as caught:
        receiver(change)
    assert caught.value.path == f"rtp_capabilities.{path}"
