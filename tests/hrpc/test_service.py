"""hRPC's methods and its errors over HTTP."""

import pytest

from hocket.errors import (
    BadStreamingRequest,
    BadUnaryRequest,
    HocketError,
    NotImplementedHere,
    ResourceExhausted,
    Unauthenticated,
    UnknownEndpoint,
)
from hocket.hrpc.service import (
    METHODS,
    STREAM_MESSAGE,
    Method,
    check_http,
    check_websocket,
    error_answer,
    find_method,
)
from hocket.proto import hrpc

UNARY = Method("/a.v1.Service/Call", streaming=False)


def test_the_voice_service_has_one_stream() -> None:
    assert list(METHODS) == ["/protocol.voice.v1.VoiceService/StreamMessage"]
    assert find_method("/protocol.voice.v1.VoiceService/StreamMessage") == STREAM_MESSAGE
    assert STREAM_MESSAGE.streaming


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/protocol.voice.v1.VoiceService",
        "/protocol.voice.v1.VoiceService/",
        "/protocol.voice.v1.VoiceService/a.js",
        "/protocol.chat.v1.ChatService/StreamMessage",
        "/x\x00",
    ],
)
def test_other_paths_are_not_found(path: str) -> None:
    with pytest.raises(UnknownEndpoint):
        find_method(path)


@pytest.mark.parametrize("name", ["CreateChannel", "streammessage", "Stream_Message2"])
def test_another_method_of_a_service_that_is_here_is_not_implemented(name: str) -> None:
    with pytest.raises(NotImplementedHere):
        find_method(f"/protocol.voice.v1.VoiceService/{name}")


def test_a_stream_is_no_post_and_a_call_no_websocket() -> None:
    check_websocket(STREAM_MESSAGE)
    with pytest.raises(BadStreamingRequest):
        check_http(STREAM_MESSAGE, "POST", "application/hrpc")
    with pytest.raises(BadUnaryRequest):
        check_websocket(UNARY)


@pytest.mark.parametrize("content_type", ["application/hrpc", "Application/HRPC", "application/hrpc; charset=x"])
def test_a_call_is_a_post_of_hrpc(content_type: str) -> None:
    check_http(UNARY, "POST", content_type)
    with pytest.raises(BadUnaryRequest):
        check_http(UNARY, "GET", content_type)


@pytest.mark.parametrize("content_type", [None, "", "application/json", "application/hrpc2"])
def test_a_call_of_something_else_is_refused(content_type: str | None) -> None:
    with pytest.raises(BadUnaryRequest):
        check_http(UNARY, "POST", content_type)


@pytest.mark.parametrize(
    ("error", "status", "more"),
    [
        (UnknownEndpoint(), 404, ()),
        (Unauthenticated(), 401, (("www-authenticate", "Bearer"),)),
        (ResourceExhausted(retry_after=9), 429, (("retry-after", "9"),)),
    ],
)
def test_an_error_as_an_answer(error: HocketError, status: int, more: tuple[tuple[str, str], ...]) -> None:
    answer = error_answer(error)
    assert answer.status == status
    assert answer.headers == (("content-type", "application/hrpc"), ("hrpc-version", "1"), *more)
    assert hrpc.Error.FromString(answer.body) == error.to_proto()
