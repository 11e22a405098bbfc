"""Which methods there are and how they are asked for over HTTP; errors as HTTP answers. Pure: the shell speaks ASGI.

The table comes from the `.proto` files, so it cannot drift from them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.descriptor import FileDescriptor

from hocket.errors import (
    BadStreamingRequest,
    BadUnaryRequest,
    HocketError,
    NotImplementedHere,
    RetryableError,
    Unauthenticated,
    UnknownEndpoint,
)
from hocket.proto import voice

CONTENT_TYPE = "application/hrpc"
VERSION = "1"
"""Of hRPC, in the `Hrpc-Version` header."""


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service.

    Attributes:
        path: `/<package>.<Service>/<Method>`, below whatever prefix the app is mounted at.
        streaming: a WebSocket carries it; else a POST.
    """

    path: str
    streaming: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def _methods(file: FileDescriptor) -> Mapping[str, Method]:
    """The methods of all services in a file, by path."""
    found: dict[str, Method] = {}
    for service in file.services_by_name.values():
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            found[path] = Method(path, method.client_streaming or method.server_streaming)
    return MappingProxyType(found)


METHODS = _methods(voice.DESCRIPTOR)

Unary = Callable[[bytes], Awaitable[bytes]]
"""Answers a unary method: from a serialized request to a serialized response. May raise a HocketError."""

UNARY_LIMIT = 32 * 1024
"""Longest request of a unary method, in bytes. It may come in one piece with its head, so both together stay below
`connections.HEAD_LIMIT`, which cuts off."""

STREAM_MESSAGE = METHODS["/protocol.voice.v1.VoiceService/StreamMessage"]


def services(methods: Mapping[str, Method]) -> frozenset[str]:
    """The paths of the services that have these methods."""
    return frozenset(path.rpartition("/")[0] for path in methods)


def find_method(path: str, methods: Mapping[str, Method] = METHODS) -> Method:
    """The method at a path.

    Raises:
        NotImplementedHere: the service is there, this method of it is not: a newer client's, say.
        UnknownEndpoint: there is no such service.
    """
    if path in methods:
        return methods[path]
    service, _, name = path.rpartition("/")
    raise NotImplementedHere if name.isidentifier() and service in services(methods) else UnknownEndpoint


def check_websocket(method: Method) -> None:
    """Refuses a WebSocket for a method that is no stream.

    Raises:
        BadUnaryRequest: with what to do instead.
    """
    if not method.streaming:
        raise BadUnaryRequest("This method is unary: send a POST.")


def check_http(method: Method, verb: str, content_type: str | None) -> None:
    """Refuses an HTTP request without an upgrade that is no unary call of `method`.

    Raises:
        BadStreamingRequest: the method is a stream.
        BadUnaryRequest: the verb is not POST, or the body is something else than hRPC.
    """
    if method.streaming:
        raise BadStreamingRequest("This method is a stream: open a WebSocket.")
    if verb.upper() != "POST":
        raise BadUnaryRequest("A unary method is called with POST.")
    if content_type is None or content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise BadUnaryRequest(f"The Content-Type must be {CONTENT_TYPE}.")


def unary_answer(response: bytes) -> Answer:
    """A serialized response as the answer to a unary call."""
    return Answer(200, (("content-type", CONTENT_TYPE), ("hrpc-version", VERSION)), response)


def error_answer(error: HocketError) -> Answer:
    """An error as the answer to a request that is no stream, or none yet."""
    headers = [("content-type", CONTENT_TYPE), ("hrpc-version", VERSION)]
    if isinstance(error, RetryableError):
        headers.append(("retry-after", str(error.retry_after)))
    if isinstance(error, Unauthenticated):
        headers.append(("www-authenticate", "Bearer"))  # RFC 9110 §15.5.2 wants one with every 401
    return Answer(error.status, tuple(headers), error.to_proto().SerializeToString())
