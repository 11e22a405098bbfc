"""JSON from strangers: whatever the text is, the outcome is a value or one InvalidParameters (T12)."""

import json
from time import perf_counter
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hocket.errors import InvalidParameters
from hocket.ortc.decoding import DEPTH_LIMIT, SIZE_LIMIT, decode
from hocket.ortc.negotiate import negotiate_producer
from hocket.ortc.parameters import parse_dtls_parameters, parse_rtp_capabilities, parse_rtp_parameters
from tests.voice import shapes

PARSERS = [parse_rtp_capabilities, parse_rtp_parameters, parse_dtls_parameters]
ANYTHING = msgspec.json.Decoder(dict[str, Any])


def refused(text: str) -> InvalidParameters:
    """The error of a text that must not be accepted; it must be fit to send."""
    with pytest.raises(InvalidParameters) as caught:
        parse_rtp_parameters(text)
    assert caught.value.to_proto().SerializeToString()
    return caught.value


VIDEO = '{"mimeType":"video/VP8","payloadType":96,"clockRate":90000}'
RED = '{"mimeType":"audio/red","payloadType":63,"clockRate":48000,"channels":2}'
CODEC = '{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2}'


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("", "", "is not valid JSON"),
        (" ", "", "is not valid JSON"),
        ("{", "", "is not valid JSON"),
        ("]", "", "is not valid JSON"),
        ('{"codecs":[]} {}', "", "is not valid JSON"),
        ("\ufeff{}", "", "is not valid JSON"),
        ("null", "", "expected `object`, got `null`"),
        ("[]", "", "expected `object`, got `array`"),
        ('"x"', "", "expected `object`, got `str`"),
        ("{}", ".codecs", "is missing"),
        ('{"codecs":null}', ".codecs", "expected `array`, got `null`"),
        ('{"codecs":[{}]}', ".codecs[0].mimeType", "is missing"),
        (f'{{"codecs":[{CODEC},7]}}', ".codecs[1]", "expected `object`, got `int`"),
        (f'{{"codecs":[{CODEC.replace("111", "128")}]}}', ".codecs[0].payloadType", "expected `int` <= 127"),
        (f'{{"codecs":[{CODEC.replace("111", "-1")}]}}', ".codecs[0].payloadType", "expected `int` >= 0"),
        (f'{{"codecs":[{CODEC.replace("111", "true")}]}}', ".codecs[0].payloadType", "expected `int`, got `bool`"),
        (f'{{"codecs":[{CODEC.replace("111", "1.5")}]}}', ".codecs[0].payloadType", "expected `int`, got `float`"),
        (f'{{"codecs":[{CODEC.replace("111", str(2**64))}]}}', ".codecs[0].payloadType", "expected `int` <= 127"),
        (f'{{"codecs":[{CODEC.replace("111", "9" * 5000)}]}}', ".codecs[0].payloadType", "integer value out of range"),
        (f'{{"codecs":[{CODEC.replace("111", "1e999")}]}}', ".codecs[0].payloadType", "number out of range"),
        (f'{{"codecs":[{CODEC.replace("111", "NaN")}]}}', "", "is not valid JSON"),
        (f'{{"codecs":[{CODEC.replace("111", "Infinity")}]}}', "", "is not valid JSON"),
        (f'{{"codecs":[{CODEC.replace("opus", "opus" + chr(0))}]}}', "", "is not valid JSON"),
        ('{"codecs":[],"mid":"\\u0000"}', ".mid", "expected `str` matching regex"),
        ('{"codecs":[],"mid":"\\ud800"}', "", "is not valid JSON"),
        ('{"codecs":[],"unknown":"\\ud800"}', "", "is not valid JSON"),
        ('{"codecs":[],"mid":"\ud800"}', "", "has a lone surrogate"),
        ('{"codecs":[],"mid":"a\\nb"}', ".mid", "expected `str` matching regex"),
        ('{"codecs":[],"rtcp":{"cname":"x\\r\\na=evil"}}', ".rtcp.cname", "expected `str` matching regex"),
        ('{"codecs":[],"encodings":[{"ssrc":0}]}', ".encodings[0].ssrc", "expected `int` >= 1"),
        (f'{{"codecs":[],"encodings":[{{"ssrc":{2**32}}}]}}', ".encodings[0].ssrc", "expected `int` <= 4294967295"),
        ('{"codecs":[],"headerExtensions":[{"uri":"a","id":0}]}', ".headerExtensions[0].id", "expected `int` >= 1"),
        ('{"codecs":[],"mid":' + '"' + "x" * 2**20 + '"}', "", f"is longer than {SIZE_LIMIT} bytes"),
        ('{"codecs":[' + "{}," * 10**6 + "{}]}", "", f"is longer than {SIZE_LIMIT} bytes"),
        ('{"codecs":[' + ",".join([CODEC] * 65) + "]}", ".codecs", "expected `array` of length <= 64"),
        ('{"codecs":' + "[" * 10**4 + "]" * 10**4 + "}", "", f"is nested deeper than {DEPTH_LIMIT} levels"),
        ('{"codecs":[],"codecs":[]}', ".codecs", "appears twice"),
        ('{"codecs":[],"c\\u006fdecs":[]}', ".codecs", "appears twice"),
        ('{"codecs":[],"x":{"y":[0,{"z":1,"z":1}]}}', ".x.y[1].z", "appears twice"),
        ('{"codecs":[],"x":{"a b":1,"a b":2}}', '.x["a b"]', "appears twice"),
        (f'{{"codecs":[{CODEC[:-1]},"payloadType":1}}]}}', ".codecs[0].payloadType", "appears twice"),
        (f'{{"codecs":[{CODEC[:-1]},"parameters":[]}}]}}', ".codecs[0].parameters", "expected `object`, got `array`"),
        (f'{{"codecs":[{CODEC[:-1]},"parameters":{{"a":1,"a":1}}}}]}}', ".codecs[0].parameters.a", "appears twice"),
    ],
)
def test_a_wrong_text_is_named_where_it_is_wrong(text: str, path: str, problem: str) -> None:
    error = refused(text)
    assert error.path == f"rtp_paramaters{path}"
    assert error.problem.startswith(problem)


@pytest.mark.parametrize(
    "unknown", ["null", "[]", "{}", "[1,{}]", str(2**64), "9" * 500, "-0.0", '"\\u0000"', '"\\ud83d\\ude00"']
)
@pytest.mark.parametrize(
    "text",
    [
        f'{{"codecs":[{CODEC}],"unknown":UNKNOWN,"encodings":[{{"ssrc":1}}]}}',
        f'{{"codecs":[{CODEC[:-1]},"parameters":{{"unknown":UNKNOWN}}}}],"encodings":[{{"ssrc":1}}]}}',
        f'{{"codecs":[{CODEC},{VIDEO[:-1]},"parameters":{{"sprop-stereo":UNKNOWN}}}}],"encodings":[{{"ssrc":1}}]}}',
        f'{{"codecs":[{CODEC}],"headerExtensions":[{{"uri":"a","id":1,"parameters":UNKNOWN}}],"encodings":[{{"ssrc":1}}]}}',
    ],
    ids=["a member", "a parameter of Opus", "a parameter of a codec that we do not use", "an extension's parameters"],
)
def test_unknown_members_are_ignored_whatever_they_hold(text: str, unknown: str) -> None:
    parameters = parse_rtp_parameters(text.replace("UNKNOWN", unknown))
    assert negotiate_producer(parameters).opus_payload_type == 111


def test_an_unknown_number_may_be_longer_than_any_that_we_can_read() -> None:
    assert parse_rtp_parameters(f'{{"codecs":[{CODEC}],"unknown":{"9" * 5000}}}').codecs[0].payload_type == 111


@pytest.mark.parametrize(
    ("codecs", "path"),
    [
        (CODEC[:-1] + ',"parameters":{"sprop-stereo":[1]}}', ".codecs[0].parameters.sprop-stereo"),
        (CODEC[:-1] + ',"parameters":{"sprop-stereo":{}}}', ".codecs[0].parameters.sprop-stereo"),
        (CODEC + "," + RED[:-1] + ',"parameters":{"":["111/111"]}}', '.codecs[1].parameters[""]'),
    ],
)
def test_a_parameter_that_we_use_is_named_where_it_is_wrong(codecs: str, path: str) -> None:
    parameters = parse_rtp_parameters(f'{{"codecs":[{codecs}],"encodings":[{{"ssrc":1}}]}}')
    with pytest.raises(InvalidParameters) as caught:
        negotiate_producer(parameters)
    assert (caught.value.path, caught.value.problem) == (f"rtp_paramaters{path}", "must be a string or a number")


def test_the_depth_limit_is_exact_and_brackets_in_strings_do_not_count() -> None:
    def nested(levels: int) -> str:
        return '{"x":' + "[" * (levels - 1) + '"[{\\"[{"' + "]" * (levels - 1) + "}"

    assert decode(nested(DEPTH_LIMIT), ANYTHING, "x")
    with pytest.raises(InvalidParameters, match="nested deeper"):
        decode(nested(DEPTH_LIMIT + 1), ANYTHING, "x")


def test_the_size_limit_counts_bytes() -> None:
    def sized(size: int, letter: str) -> str:
        return '{"x":"' + letter * ((size - 8) // len(letter.encode())) + '"}'

    assert decode(sized(SIZE_LIMIT, "a"), ANYTHING, "x")
    for text in (sized(SIZE_LIMIT + 1, "a"), sized(SIZE_LIMIT + 3, "€")):
        with pytest.raises(InvalidParameters, match="longer than"):
            decode(text, ANYTHING, "x")


@pytest.mark.parametrize(
    "piece",
    ['"', '\\"', '"\\', "[", "[]", "{}", "[{", "],", '"":', "9", "9,", "\\ud800", '{"a":1,"a":', "-", "1e", " "],
)
@pytest.mark.parametrize("before", ["", '"', '{"codecs":', "[", '{"codecs":[],"x":', '{"codecs":[],"x":"'])
def test_no_text_takes_long(before: str, piece: str) -> None:
    """Quadratic work on 64 KiB would take minutes; what there is takes milliseconds."""
    text = before + piece * ((SIZE_LIMIT - len(before)) // len(piece))
    began = perf_counter()
    refused(text)
    assert perf_counter() - began < 2


def test_a_client_chooses_no_more_than_a_little_of_the_sentence() -> None:
    error = refused('{"codecs":[],"rtcp":{"mux":"' + "x" * 60_000 + '"}}')
    assert len(error.sentence) < 200
    role = json.dumps({"role": "y" * 60_000, "fingerprints": []})
    with pytest.raises(InvalidParameters) as caught:
        parse_dtls_parameters(role)
    assert len(caught.value.sentence) <= 500


def read_by_all(text: str) -> None:
    """Gives a text to every parser; anything but a value or an InvalidParameters fails the test."""
    for parse in PARSERS:
        try:
            parse(text)
        except InvalidParameters as error:
            error.to_proto().SerializeToString()


@settings(deadline=None)
@example("0" * 5000)
@example('{"a":' * 40)
@given(st.text())
def test_any_text_gives_a_value_or_invalid_parameters(text: str) -> None:
    read_by_all(text)


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, with the members' own names as keys often enough to reach the inner checks."""
    names = ["codecs", "headerExtensions", "encodings", "rtcp", "fingerprints", "mid", "ssrc", "uri", "id", "role"]
    keys = st.sampled_from(names) | st.text()
    numbers = st.integers(-(2**70), 2**70) | st.floats() | st.integers(0, 255)
    leaves = st.none() | st.booleans() | numbers | st.text() | st.sampled_from(["audio/opus", "sha-256", "auto"])
    return st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["codecs", "headerExtensions", "fingerprints", "rtcp"]), json_values()))
def test_any_json_gives_a_value_or_invalid_parameters(value: dict[str, Any]) -> None:
    """Python's own writer writes NaN and lone surrogates too, which are part of what may come."""
    read_by_all(json.dumps(value))
    read_by_all(json.dumps(value, ensure_ascii=False))


WHOLE = [shapes.CAPABILITIES, shapes.rtp_parameters(), shapes.dtls_parameters()]
SPLINTERS = st.sampled_from(
    ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "\\ud83d", "\0", "-", "1e9", "9" * 400, "null", "\ufeff"]
)


@st.composite
def broken(draw: st.DrawFn) -> str:
    """A valid text in which some stretches are replaced, cut out or said twice."""
    text = draw(st.sampled_from(WHOLE))
    for _ in range(draw(st.integers(1, 4))):
        first, last = sorted(draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
        middle = draw(SPLINTERS | st.text(max_size=4) | st.just(text[first:last] * 2))
        text = text[:first] + middle + text[last:]
    return text


@settings(deadline=None)
@given(broken())
def test_a_broken_text_gives_a_value_or_invalid_parameters(text: str) -> None:
    read_by_all(text)
