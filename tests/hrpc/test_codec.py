"""hRPC's frames and openings."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.errors import BadStreamingRequest, NotFound, Unauthenticated, Unavailable
from hocket.hrpc.codec import (
    REQUEST_LIMIT,
    TOKEN_LIMIT,
    Opening,
    decode_request,
    encode_error,
    encode_response,
    read_authorization,
    read_opening,
)
from hocket.proto import hrpc, voice
from tests.voice import shapes

RESUME = voice.StreamMessageRequest(resume_consumer=voice.StreamMessageRequest.ResumeConsumer(consumer_id="c"))


@pytest.mark.parametrize(
    ("offered", "authorization", "token"),
    [
        (["hrpc1"], None, None),
        (["hrpc1", "secret"], None, "secret"),
        (["secret", "hrpc1"], None, "secret"),
        (["hrpc1", ""], None, None),
        (["hrpc1"], "secret", "secret"),
        (["hrpc1"], "Bearer secret", "secret"),
        (["hrpc1"], "bearer   secret ", "secret"),
        (["hrpc1"], "Bearer", None),
        (["hrpc1"], "", None),
        (["hrpc1", "offered"], "", "offered"),
        (["hrpc1", "offered"], "header", "header"),
        (["hrpc1"], "7:Ada Lovelace", "7:Ada Lovelace"),
        (["hrpc1"], "Basic YWRhOnNlY3JldA==", None),
        (["hrpc1", "offered"], "negotiate YII=", "offered"),
        (["hrpc1"], "basic", "basic"),
    ],
)
def test_a_token_comes_as_a_subprotocol_or_in_a_header(
    offered: list[str], authorization: str | None, token: str | None
) -> None:
    opening = read_opening(offered, authorization)
    assert (opening.token, opening.subprotocol) == (token, "hrpc1")
    if offered == ["hrpc1"]:
        assert read_authorization(authorization) == token


@pytest.mark.parametrize("offered", [[], ["secret"], ["HRPC1"], ["hrpc2", "secret"]])
def test_a_stream_must_offer_hrpc1(offered: list[str]) -> None:
    with pytest.raises(BadStreamingRequest) as caught:
        read_opening(offered, None)
    assert "secret" not in caught.value.sentence


def test_a_token_is_never_shown_or_echoed() -> None:
    opening = read_opening(["hrpc1", "secret"], None)
    assert "secret" not in repr(opening)
    assert opening == Opening("secret")


def test_a_token_has_a_limit() -> None:
    assert read_opening(["hrpc1", "t" * TOKEN_LIMIT], None).token == "t" * TOKEN_LIMIT
    for offered, authorization in ((["hrpc1", "t" * (TOKEN_LIMIT + 1)], None), (["hrpc1"], "t" * (TOKEN_LIMIT + 1))):
        with pytest.raises(Unauthenticated) as caught:
            read_opening(offered, authorization)
        assert "ttt" not in caught.value.sentence


def test_a_request_is_one_frame() -> None:
    assert decode_request(RESUME.SerializeToString()) == RESUME


def test_unknown_fields_beside_a_request_are_skipped() -> None:
    unknown = bytes.fromhex("9a06 03 616263")  # field 99, three bytes
    assert decode_request(RESUME.SerializeToString() + unknown).resume_consumer.consumer_id == "c"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes.fromhex("9a06 03 616263"),
        b"\x00" + RESUME.SerializeToString(),
        RESUME.SerializeToString() + b"\x00",
        bytes.fromhex("2203 0a01ff"),
        bytes.fromhex("2205 0a03eda080"),
        b"\x0a" + b"\xff" * 20,
        b"\x23" * 5000,
    ],
    ids=[
        "empty",
        "only unknown fields",
        "opcode before",
        "opcode after",
        "no UTF-8",
        "surrogate",
        "long varint",
        "deep groups",
    ],
)
def test_a_frame_that_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(BadStreamingRequest):
        decode_request(data)


def test_every_truncated_request_is_refused_or_shorter() -> None:
    whole = RESUME.SerializeToString()
    for length in range(len(whole)):
        with pytest.raises(BadStreamingRequest):
            decode_request(whole[:length])


def test_a_request_has_a_limit() -> None:
    text = voice.StreamMessageRequest.PrepareForJoinChannel(rtp_capabilities="x" * REQUEST_LIMIT)
    with pytest.raises(BadStreamingRequest, match="longer than"):
        decode_request(voice.StreamMessageRequest(prepare_for_join_channel=text).SerializeToString())


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_give_a_request_or_bad_streaming_request(data: bytes) -> None:
    try:
        request = decode_request(data)
    except BadStreamingRequest:
        return
    assert request.WhichOneof("message") is not None


def fields() -> st.SearchStrategy[bytes]:
    """Protobuf fields of any number, wire type and content, whole ones and such that end too early."""
    varints = st.integers(0, 2**70).map(_varint)
    bodies = varints | st.binary(max_size=8) | st.binary(max_size=40).map(lambda data: _varint(len(data)) + data)
    tags = st.builds(lambda number, kind: _varint(number << 3 | kind), st.integers(0, 40), st.integers(0, 7))
    return st.lists(st.builds(bytes.__add__, tags, bodies), max_size=6).map(b"".join)


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


WHOLE = [shapes.initialize(), shapes.prepare(), shapes.join(), RESUME, shapes.ping(), shapes.restart_ice("t")]


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A valid request in which some stretches are replaced, cut out or said twice."""
    data = draw(st.sampled_from([request.SerializeToString() for request in WHOLE]))
    for _ in range(draw(st.integers(1, 4))):
        first, last = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
        middle = draw(st.binary(max_size=6) | fields() | st.just(data[first:last] * 2))
        data = data[:first] + middle + data[last:]
    return data


@settings(deadline=None)
@given(fields() | broken())
def test_a_frame_of_any_fields_gives_a_request_that_means_the_same_again_or_bad_streaming_request(data: bytes) -> None:
    try:
        request = decode_request(data)
    except BadStreamingRequest:
        return
    assert decode_request(request.SerializeToString()) == request


@settings(deadline=None)
@given(st.lists(st.text(max_size=20) | st.just("hrpc1"), max_size=4), st.none() | st.text())
def test_whatever_is_offered_gives_an_opening_or_an_error_that_shows_none_of_it(
    offered: list[str], authorization: str | None
) -> None:
    marked = [name if name == "hrpc1" else f"~{name}" for name in offered]
    shown = ""
    try:
        opening = read_opening(marked, authorization)
    except (BadStreamingRequest, Unauthenticated) as error:
        shown = error.sentence
    else:
        shown = repr(opening)
        assert "hrpc1" in offered
        assert opening.subprotocol == "hrpc1"
        assert opening.token is None or 0 < len(opening.token) <= TOKEN_LIMIT
    assert "~" not in shown


def test_a_response_frame_begins_with_0() -> None:
    response = voice.StreamMessageResponse(user_left=voice.StreamMessageResponse.UserLeft(user_id=7))
    assert encode_response(response) == b"\x00" + bytes.fromhex("2a020807")


def test_an_error_frame_begins_with_1() -> None:
    frame = encode_error(NotFound("No such consumer."))
    assert frame[:1] == b"\x01"
    assert hrpc.Error.FromString(frame[1:]) == NotFound("No such consumer.").to_proto()
    later = hrpc.Error.FromString(encode_error(Unavailable(retry_after=3))[1:])
    assert hrpc.RetryInfo.FromString(later.details).retry_after == 3
