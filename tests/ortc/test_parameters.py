"""mediasoup's shapes: what real clients send is read, what we send has every member that clients look for."""

import json
from pathlib import Path
from typing import Any

import pytest

from hocket.errors import InvalidParameters
from hocket.ortc.parameters import (
    DtlsFingerprint,
    DtlsParameters,
    IceCandidate,
    IceParameters,
    encode,
    parse_dtls_parameters,
    parse_rtp_capabilities,
    parse_rtp_parameters,
)

CLIENTS = [json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "clients").glob("*.json"))]
SHA_256 = ":".join(["AB"] * 32)


def dtls(*fingerprints: dict[str, Any], **members: object) -> str:
    return json.dumps({**members, "fingerprints": fingerprints})


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client["client"])
def test_what_real_clients_send_is_read(client: dict[str, str]) -> None:
    assert parse_rtp_capabilities(client["rtp_capabilities"]).codecs[0].mime_type == "audio/opus"
    assert parse_rtp_parameters(client["rtp_paramaters"]).mid == "0"
    assert len(parse_dtls_parameters(client["dtls_paramaters"]).fingerprints) == 1


def test_null_stands_for_an_absent_optional_member() -> None:
    text = (
        '{"mid":null,"codecs":[{"mimeType":"audio/opus","payloadType":96,"clockRate":48000,"channels":null}],'
        '"headerExtensions":[{"uri":"a","id":1,"encrypt":null,"parameters":null}],'
        '"encodings":[{"ssrc":null}],"rtcp":{"cname":null,"reducedSize":null,"mux":null}}'
    )
    read = parse_rtp_parameters(text)
    assert (read.mid, read.codecs[0].channels, read.encodings[0].ssrc) == (None, None, None)
    assert parse_rtp_parameters('{"codecs":[],"rtcp":null}').rtcp is None


def test_capabilities_may_be_empty_text_may_not() -> None:
    assert parse_rtp_capabilities("{}").codecs == ()
    with pytest.raises(InvalidParameters, match=r"^rtp_capabilities: is not valid JSON"):
        parse_rtp_capabilities("")


def test_an_error_begins_with_the_field_that_was_read() -> None:
    with pytest.raises(InvalidParameters) as caught:
        parse_dtls_parameters("{}", "producer_dtls_paramaters")
    assert caught.value.path == "producer_dtls_paramaters.fingerprints"


def test_fingerprints_compare_without_regard_to_case() -> None:
    """`getFingerprints()` gives lower-case hex, the SDP path upper-case (WIRE)."""
    lower = parse_dtls_parameters(dtls({"algorithm": "SHA-256", "value": SHA_256.lower()}))
    assert lower.fingerprints == (DtlsFingerprint(algorithm="sha-256", value=SHA_256),)
    assert lower == parse_dtls_parameters(dtls({"algorithm": "sha-256", "value": SHA_256}, role="auto"))


def test_weak_hashes_do_not_count_but_may_stand_beside_strong_ones() -> None:
    weak = {"algorithm": "sha-1", "value": ":".join(["00"] * 20)}
    both = parse_dtls_parameters(dtls(weak, {"algorithm": "sha-256", "value": SHA_256}))
    assert [fingerprint.algorithm for fingerprint in both.fingerprints] == ["sha-256"]
    for fingerprints in ([], [weak], [weak, weak]):
        with pytest.raises(InvalidParameters) as caught:
            parse_dtls_parameters(dtls(*fingerprints))
        assert caught.value.path == "consumer_dtls_paramaters.fingerprints"


@pytest.mark.parametrize(("algorithm", "size"), [("sha-256", 32), ("sha-384", 48), ("sha-512", 64)])
def test_a_fingerprint_has_its_hashs_length(algorithm: str, size: int) -> None:
    def pairs(count: int) -> str:
        return dtls({"algorithm": algorithm, "value": ":".join(["0f"] * count)}, role="server")

    assert parse_dtls_parameters(pairs(size)).role == "server"
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(InvalidParameters) as caught:
            parse_dtls_parameters(pairs(wrong))
        assert caught.value.path == "consumer_dtls_paramaters.fingerprints[0].value"


@pytest.mark.parametrize(
    "value",
    [
        SHA_256.replace(":", ""),
        SHA_256.replace(":", " "),
        SHA_256.replace("AB", "AG"),
        SHA_256 + ":",
        SHA_256.replace("AB", "A\u00df"),
        SHA_256.replace("AB", "A\uff22"),
    ],
)
def test_a_malformed_fingerprint_is_refused(value: str) -> None:
    with pytest.raises(InvalidParameters):
        parse_dtls_parameters(dtls({"algorithm": "sha-256", "value": value}))


def test_a_role_is_one_of_three() -> None:
    with pytest.raises(InvalidParameters) as caught:
        parse_dtls_parameters(dtls({"algorithm": "sha-256", "value": SHA_256}, role="active"))
    assert caught.value.path == "consumer_dtls_paramaters.role"


def test_what_we_send_of_a_transport() -> None:
    candidate = IceCandidate(foundation="1", priority=7, ip="192.0.2.1", address="192.0.2.1", port=4000)
    assert json.loads(encode(candidate)) == {
        "foundation": "1",
        "priority": 7,
        "ip": "192.0.2.1",
        "address": "192.0.2.1",
        "protocol": "udp",
        "port": 4000,
        "type": "host",
    }
    tcp = IceCandidate(
        foundation="1", priority=7, ip="::1", address="::1", port=4000, protocol="tcp", tcp_type="passive"
    )
    assert json.loads(encode(tcp))["tcpType"] == "passive"
    ice = IceParameters(username_fragment="abcd", password="p" * 22)
    assert json.loads(encode(ice)) == {"usernameFragment": "abcd", "password": "p" * 22, "iceLite": True}
    ours = DtlsParameters(fingerprints=(DtlsFingerprint(algorithm="sha-256", value=SHA_256),))
    assert json.loads(encode(ours)) == {
        "role": "auto",
        "fingerprints": [{"algorithm": "sha-256", "value": SHA_256}],
    }
