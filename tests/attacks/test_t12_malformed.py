"""T12: the JSON strings and the protobuf frames. Whatever comes costs its stream one error, and nobody else notices.

First each hostile text in each string, and each hostile frame, on a running server beside two people who talk. Then, by
chance: any value in any place of what real clients send, and any bytes, without sockets.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.config import Limits
from hocket.errors import BadStreamingRequest, HocketError, InvalidParameters
from hocket.hrpc.codec import decode_request
from hocket.proto import voice
from tests.server.test_limits import beside_a_pair
from tests.server.wire import Client
from tests.voice import shapes
from tests.voice.people import House

Request = voice.StreamMessageRequest

CLIENTS = Path(__file__).parents[1] / "ortc" / "clients"
REAL: dict[str, list[str]] = {
    field: [json.loads(file.read_text())[field] for file in sorted(CLIENTS.glob("*.json"))]
    for field in ("rtp_capabilities", "rtp_paramaters")
}
DTLS = shapes.dtls_parameters()

FIELDS = ("rtp_capabilities", "rtp_paramaters", "producer_dtls_paramaters", "consumer_dtls_paramaters")

HOSTILE: dict[str, str] = {
    "nothing": "",
    "an empty array": "[]",
    "an empty object": "{}",
    "half an object": '{"codecs": [',
    "a word that is none": "nul",
    "empty arrays": '{"codecs": [], "headerExtensions": [], "encodings": [], "fingerprints": []}',
    "a million codecs": '{"codecs": ['
    + "{}," * 30_000
    + "{}]}",  # as many as one frame holds; a million is one too long
    "ten thousand deep": '{"codecs": ' + "[" * 10_000 + "]" * 10_000 + "}",
    "ten thousand deep without end": '{"a":' * 10_000,
    "a member twice": '{"codecs": [], "codecs": [], "fingerprints": [], "fingerprints": []}',
    "no number": '{"codecs": NaN, "fingerprints": NaN}',
    "infinity": '{"codecs": 1e999, "fingerprints": -1e999}',
    "2^64": '{"codecs": 18446744073709551616, "fingerprints": 18446744073709551616}',
    "a number of 50,000 digits": '{"codecs": ' + "9" * 50_000 + ', "fingerprints": 1}',
    "a NUL": "\x00",
    "a NUL inside": '{"codecs": "\x00", "fingerprints": "\x00"}',
    "an escaped NUL": '{"codecs": "\\u0000", "fingerprints": "\\u0000"}',
    "a lone surrogate": '{"codecs": "\\ud800", "fingerprints": "\\udfff"}',
    "a long string": '{"codecs": "' + "x" * 60_000 + '", "fingerprints": 1}',
    "a very long string": "x" * 200_000,
    "quotes without end": '"' * 60_001,
    "backslashes": '{"' + "\\" * 60_000,
    "a byte order mark": "\ufeff{}",
    "a comment": "/* */{}",
}


def request(field: str, text: str) -> tuple[Request, ...]:
    """A stream whose string of that name holds a text."""
    capabilities, speaks = (
        REAL["rtp_capabilities"][0],
        {"rtp": REAL["rtp_paramaters"][0], "sending": DTLS, "hearing": DTLS},
    )
    if field == "rtp_capabilities":
        return (shapes.initialize(channel=3, hocket=1), shapes.prepare(text))
    place = {"rtp_paramaters": "rtp", "producer_dtls_paramaters": "sending", "consumer_dtls_paramaters": "hearing"}[
        field
    ]
    joined = Request.JoinChannel(
        rtp_paramaters=speaks["rtp"] if place != "rtp" else text,
        producer_dtls_paramaters=DTLS if place != "sending" else text,
        consumer_dtls_paramaters=DTLS if place != "hearing" else text,
    )
    return (shapes.initialize(channel=3, hocket=1), shapes.prepare(capabilities), Request(join_channel=joined))


DOUBLED = {
    "rtp_capabilities": '{"codecs":[],' + REAL["rtp_capabilities"][0][1:],
    "rtp_paramaters": '{"codecs":[],' + REAL["rtp_paramaters"][0][1:],
    "producer_dtls_paramaters": '{"role":"server",' + DTLS[1:],
    "consumer_dtls_paramaters": '{"role":"server",' + DTLS[1:],
}
"""What would be right, but for a member that stands in it twice: two parsers would take two different ones."""


@pytest.mark.parametrize("field", FIELDS)
async def test_t12_each_hostile_text_in_each_string_is_one_error_that_names_it(field: str) -> None:
    async with beside_a_pair(Limits()) as (_, base):
        for name, text in {**HOSTILE, "a member twice that would be right": DOUBLED[field]}.items():
            if field == "rtp_paramaters" and not text:
                continue  # a listener's
            async with await Client.open(base, "9") as fool:
                await fool.say(*request(field, text))
                error = await fool.end()
                assert error is not None, name
                assert error.identifier == "hocket.invalid-parameters", name
                assert error.sentence.startswith(field), name
                assert len(error.sentence) <= 500


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1e3", "\x00", "x" * 200_000, "9" * 200_000, "\u0661", "18446744073709551616"]
)
async def test_t12_each_hostile_id_is_one_error(text: str) -> None:
    async with beside_a_pair(Limits()) as (_, base):
        for hostile in (shapes.resume(text), shapes.restart_ice(text)):
            async with await Client.open(base, "9") as fool:
                await fool.join(channel=3, hocket=1)
                await fool.say(hostile)
                _, error = await fool.last_words()
                assert error is not None
                assert error.identifier == "hocket.not-found"


def frames() -> Iterator[tuple[str, bytes]]:
    """What is no request, or not one that fits as the first of a stream."""
    whole = shapes.join().SerializeToString()
    yield "nothing", b""
    yield "one byte", b"\xff"
    yield "a length without end", b"\x0a" + b"\xff" * 9 + b"\x01"
    yield "a length beyond the frame", b"\x0a\xff\xff\x03" + b"x" * 10
    yield "a tag of number 0", b"\x00\x01"
    yield "a wire type that is none", b"\x0f"
    yield "groups in groups", b"\x0b" * 10_000
    yield "messages in messages", nested(200)
    yield "a string that is no UTF-8", b"\x1a\x05\x0a\x03\xed\xa0\x80"
    yield "fields that nobody knows", b"\xfa\x7f\x03abc" * 100
    yield "twice as many requests", whole + whole
    yield "200,000 zeros", bytes(200_000)
    for length in range(1, len(whole), 5):
        yield f"the first {length} of {len(whole)} bytes", whole[:length]


def nested(depth: int) -> bytes:
    """A request of the extension in field 1000, with itself inside, again and again."""
    inner = b""
    for _ in range(depth):
        inner = b"\xc2\x3e" + varint(len(inner)) + inner
    return inner


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


async def test_t12_each_hostile_frame_is_one_error() -> None:
    async with beside_a_pair(Limits()) as (_, base):
        for name, frame in frames():
            async with await Client.open(base, "9") as fool:
                await fool.socket.send(frame)
                error = await fool.end()
                assert error is not None, name
                assert error.identifier in ("hrpc.http.bad-streaming-request", "hocket.out-of-order"), name


async def test_t12_a_string_of_a_megabyte_ends_the_websocket_and_nothing_else() -> None:
    async with beside_a_pair(Limits()) as (_, base), await Client.open(base, "9") as fool:
        await fool.say(shapes.initialize(channel=3))
        await fool.words(1)
        await fool.say(shapes.prepare("x" * 2**20))
        assert await fool.end() is None
        assert fool.socket.close_code == 1009


async def test_t12_fields_and_members_that_nobody_knows_are_skipped() -> None:
    unknown = b"\xfa\x7f\x03abc\xf8\xff\x01\x07"
    capabilities = json.loads(REAL["rtp_capabilities"][0])
    capabilities["future"] = [{"deep": {"deeper": [None, 2**70, "\ud7ff"]}}]
    capabilities["codecs"].append(
        {"kind": "video", "mimeType": "video/of-2040", "clockRate": 1, "preferredPayloadType": 120}
    )
    async with beside_a_pair(Limits()) as (_, base), await Client.open(base, "9") as friend:
        for request_ in (shapes.initialize(channel=3), shapes.prepare(json.dumps(capabilities)), shapes.join()):
            await friend.socket.send(request_.SerializeToString() + unknown)
        assert (await friend.words(3))[-1] == "joined[]"


# --- by chance --------------------------------------------------------------------------------------------------------

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["", "audio/opus", "audio/red", "111/111", "sha-256", "\ud800", "\x00", 2**64, -1, 0, 127, 128, 1e308]
    ),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn, field: str) -> str:
    """What a real client sends in that string, with up to three places put, taken out or doubled at will."""
    real = [DTLS] if "dtls" in field else REAL["rtp_capabilities" if "capabilities" in field else "rtp_paramaters"]
    value = copy.deepcopy(json.loads(draw(st.sampled_from(real))))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from([place for place in places(value) if place]))
        inside = value
        for key in path:
            inside = inside[key]
        match draw(st.sampled_from(["put", "take out", "double"])):
            case "put":
                inside[last] = draw(values)
            case "take out":
                del inside[last]
            case _ if isinstance(inside, list):
                inside.extend([inside[last]] * draw(st.sampled_from([1, 16, 300])))
        if not value:
            break
    return json.dumps(value)


@pytest.mark.parametrize("field", FIELDS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_t12_any_value_in_any_place_is_taken_or_is_one_error_that_names_the_string(
    field: str, data: st.DataObject
) -> None:
    house = House()
    ada = house.join(1)
    ada.read()
    fool = house.person(9)
    text = data.draw(spoilt(field))
    fool.say(*request(field, text.encode(errors="replace").decode()))
    assert fool.error is None or isinstance(fool.error, InvalidParameters)
    assert fool.error is None or fool.error.sentence.startswith(field)
    fool.leave()
    assert ada.words() == []
    assert (ada.error, len(house.media.transports)) == (None, 2)


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=200),
    st.integers(0, 200),
    st.sampled_from([shapes.join(), shapes.prepare(), shapes.mute_user(7)]),
)
def test_t12_any_bytes_in_a_request_are_taken_or_are_one_error(noise: bytes, at: int, real: Request) -> None:
    whole = real.SerializeToString()
    data = whole[:at] + noise + whole[at + len(noise) // 2 :]
    house = House()
    ada = house.join(1)
    ada.read()
    fool = house.person(9)
    fool.say(shapes.initialize(channel=3, hocket=1))
    try:
        fool.say(decode_request(data))
    except BadStreamingRequest as error:
        fool.end(error)
    assert fool.error is None or isinstance(fool.error, HocketError)
    fool.leave()
    assert (ada.words(), ada.error, len(house.media.transports)) == ([], None, 2)
