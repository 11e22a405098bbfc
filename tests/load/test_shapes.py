"""What the load client reads of a server's JSON, and what it writes: the server's own parsers must take it."""

from __future__ import annotations

import json

import pytest

from hocket.load import shapes
from hocket.ortc import extensions
from hocket.ortc.negotiate import negotiate_producer, negotiate_receiver, router_capabilities
from hocket.ortc.parameters import encode, parse_dtls_parameters, parse_rtp_capabilities, parse_rtp_parameters
from hocket.proto import voice

FINGERPRINT = ("sha-256", ":".join(["AB"] * 32))


def options(*candidates: dict[str, object]) -> voice.TransportOptions:
    return voice.TransportOptions(
        id="1",
        ice_parameters=json.dumps({"usernameFragment": "u", "password": "p", "iceLite": True}),
        dtls_parameters=json.dumps(
            {"role": "auto", "fingerprints": [{"algorithm": FINGERPRINT[0], "value": FINGERPRINT[1]}]}
        ),
        ice_candidates=[json.dumps(one) for one in candidates],
    )


def test_a_transport_is_read_with_its_udp_candidates() -> None:
    remote = shapes.read_transport(
        options(
            {"ip": "192.0.2.1", "port": 5, "protocol": "udp", "foundation": "x"},
            {"address": "192.0.2.2", "port": 6, "protocol": "tcp"},
        )
    )
    assert (remote.username_fragment, remote.password) == ("u", "p")
    assert remote.addresses == [("192.0.2.1", 5)]
    assert remote.fingerprints == [FINGERPRINT]


def test_a_server_on_this_machine_is_reached_over_the_loopback_alone() -> None:
    remote = shapes.read_transport(options({"ip": "192.0.2.1", "port": 5}, {"ip": "127.0.0.1", "port": 5}))
    assert remote.addresses == [("127.0.0.1", 5)]


@pytest.mark.parametrize("broken", ["{", "{}", '{"usernameFragment": 7}'])
def test_broken_json_is_named(broken: str) -> None:
    wrong = options({"ip": "192.0.2.1", "port": 5})
    wrong.ice_parameters = broken
    with pytest.raises(shapes.ShapeError, match="ice_parameters"):
        shapes.read_transport(wrong)
    with pytest.raises(shapes.ShapeError, match="no UDP candidate"):
        shapes.read_transport(options())


def test_the_server_takes_what_we_say_of_our_voice() -> None:
    ours = shapes.sending(77)
    producer = negotiate_producer(parse_rtp_parameters(ours.rtp_parameters))
    assert (producer.ssrc, producer.opus_payload_type, producer.red_payload_type) == (77, ours.payload_type, None)
    assert producer.extensions.audio_level == ours.level_extension
    assert producer.nack is False


def test_the_server_takes_what_we_say_of_our_hearing() -> None:
    ours = shapes.receiving(encode(router_capabilities()))
    receiver = negotiate_receiver(parse_rtp_capabilities(ours))
    assert receiver.red_payload_type is None
    assert receiver.nack is False
    assert extensions.AUDIO_LEVEL in ours


def test_the_server_takes_our_certificate() -> None:
    parsed = parse_dtls_parameters(shapes.dtls_parameters([FINGERPRINT]))
    assert (parsed.role, parsed.fingerprints[0].value) == ("client", FINGERPRINT[1])


def test_a_router_without_opus_is_named() -> None:
    with pytest.raises(shapes.ShapeError, match="no Opus"):
        shapes.receiving('{"codecs": [], "headerExtensions": []}')


def capabilities(**codec: object) -> str:
    return json.dumps({"codecs": [{"mimeType": "audio/red"}, {"mimeType": "audio/opus", **codec}]})


@pytest.mark.parametrize(
    ("parameters", "ms"),
    [
        ({"ptime": 20}, 20),
        ({"ptime": 40, "useinbandfec": 1}, 40),
        ({"ptime": 60}, 60),
        ({"ptime": 40.0}, 40),
        ({"ptime": 10}, 20),
        ({"ptime": 120}, 20),
        ({"ptime": "60"}, 20),
        ({"ptime": [60]}, 20),
        ({"minptime": 60}, 20),
        (["ptime"], 20),
        (None, 20),
    ],
)
def test_the_packet_time_is_what_the_servers_opus_says_and_20_ms_if_it_says_none(parameters: object, ms: int) -> None:
    read = shapes.read_ptime(capabilities(parameters=parameters))
    assert (read, type(read)) == (ms, int)


def test_a_server_that_says_nothing_of_packet_times_gets_20_ms() -> None:
    assert shapes.read_ptime(capabilities()) == 20
    assert shapes.read_ptime(encode(router_capabilities())) == 20
