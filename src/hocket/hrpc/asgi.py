"""hRPC over ASGI: the shell around `codec` and `service`. WebSockets become `Stream`s, errors become answers or frames.

It knows nothing of voice: `admit` says who may open a stream and what then happens on it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hocket.errors import BadStreamingRequest, BadUnaryRequest, HocketError, InternalError, TimedOut
from hocket.hrpc.codec import SUBPROTOCOL, read_authorization, read_opening
from hocket.hrpc.cors import cors_headers, preflight
from hocket.hrpc.service import (
    METHODS,
    UNARY_LIMIT,
    Answer,
    Method,
    Unary,
    check_http,
    check_websocket,
    error_answer,
    find_method,
    services,
    unary_answer,
)
from hocket.logging import Sparing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_NORMAL_CLOSURE = 1000
"""RFC 6455 §7.4.1. What went wrong, if anything did, is in the error frame before it."""

_NO_CONTENT = 204

_BODY_SECONDS = 10.0
"""Time for the body of a unary call."""

logger = logging.getLogger(__name__)


class StreamClosed(Exception):
    """The client is gone, or the stream was closed from here."""


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who wants to open a stream.

    Attributes:
        method: which one.
        token: verbatim, None for none. A secret, like the headers.
        headers: names in lower case; of a repeated one the last.
        address: the client's IP address as the ASGI server tells it, or None.
    """

    method: Method
    token: str | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    address: str | None = None


class Stream:
    """An accepted WebSocket: serialized requests in, frames out."""

    def __init__(self, receive: Receive, send: Send) -> None:
        """Wraps what ASGI gives, after `websocket.accept`."""
        self._receive = receive
        self._send = send
        self._closed = False

    async def receive(self) -> bytes:
        """The next request.

        Raises:
            StreamClosed: there is none any more.
            BadStreamingRequest: a text frame.
        """
        if self._closed:
            raise StreamClosed
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._closed = True
            raise StreamClosed
        data: bytes | None = message.get("bytes")
        if data is None:
            raise BadStreamingRequest("A text frame: hRPC sends binary frames.")
        return data

    async def send(self, frame: bytes) -> None:
        """Sends one frame; waits while the client's window is full.

        Raises:
            StreamClosed: the client is gone.
        """
        if self._closed:
            raise StreamClosed
        try:
            await self._send({"type": "websocket.send", "bytes": frame})
        except OSError:  # ASGI 2.4 of WebSocket: the client is gone
            self._closed = True
            raise StreamClosed from None

    async def close(self) -> None:
        """Closes the WebSocket. Harmless when the client is gone."""
        if self._closed:
            return
        self._closed = True
        with suppress(OSError):
            await self._send({"type": "websocket.close", "code": _NORMAL_CLOSURE})


Handler = Callable[[Stream], Awaitable[None]]
"""Talks on a stream until it is over; closing it is the handler's too."""

Admit = Callable[[Call], AbstractAsyncContextManager[Handler]]
"""Raises a HocketError, or gives what to do with the stream; left when the stream is over."""


class HrpcApp:
    """An ASGI app for hRPC's paths, to be mounted under any prefix.

    Attributes:
        prefixes: what the paths of its services begin with.
    """

    def __init__(
        self, admit: Admit, *, unary: Mapping[str, Unary] | None = None, allowed_origins: Collection[str] = ()
    ) -> None:
        """Asks `admit` for every stream.

        Args:
            admit: says who may open one.
            unary: what answers the unary methods, by their paths.
            allowed_origins: pages of other sites that may call those.
        """
        self._admit = admit
        self._log = Sparing(logger)  # what an app's function gets wrong, it gets wrong for everybody who comes
        self._unary = dict(unary or {})
        self._methods = {**METHODS, **{path: Method(path, streaming=False) for path in self._unary}}
        self._allowed_origins = frozenset(allowed_origins)
        self.prefixes = tuple(f"{service}/" for service in sorted(services(self._methods)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request or one WebSocket."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        accepted = False
        try:
            method = find_method(route_path(scope), self._methods)
            check_websocket(method)
            headers = _headers(scope)
            opening = read_opening(scope["subprotocols"], headers.get("authorization"))
            async with self._admit(Call(method, opening.token, headers, _address(scope))) as handle:
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                accepted = True
                await handle(Stream(receive, send))
        except OSError:
            return  # gone before it was accepted
        except Exception as error:
            expected = isinstance(error, HocketError) and not accepted
            if not expected:
                self._log.exception("a stream failed")
            if not accepted:
                await _refuse(scope, send, error if isinstance(error, HocketError) else InternalError())

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer_http(scope, receive)
        except HocketError as error:
            answer = error_answer(error)
        except StreamClosed:
            return
        except Exception:
            self._log.exception("a request failed")
            answer = error_answer(InternalError())
        if route_path(scope) in self._unary and answer.status != _NO_CONTENT:
            more = cors_headers(_headers(scope).get("origin"), self._allowed_origins)
            answer = replace(answer, headers=answer.headers + more)
        await _send_http(send, "http.response", answer)

    async def _answer_http(self, scope: Scope, receive: Receive) -> Answer:
        """Answers a unary call, or says why a request is refused.

        Whoever asks a streaming method without an upgrade is told first what would keep its stream out: a browser does
        not tell a page why a WebSocket failed, so the page asks again like this.
        """
        method = find_method(route_path(scope), self._methods)
        headers = _headers(scope)
        if method.streaming:
            token = read_authorization(headers.get("authorization"))
            async with self._admit(Call(method, token, headers, _address(scope))):
                pass
        elif (asked := preflight(scope["method"], headers, self._allowed_origins)) is not None:
            return asked
        check_http(method, scope["method"], headers.get("content-type"))
        return unary_answer(await self._unary[method.path](await _read_body(receive)))


async def _read_body(receive: Receive) -> bytes:
    """The body of a unary call.

    Raises:
        BadUnaryRequest: it is too long.
        TimedOut: it does not come.
        StreamClosed: the client is gone.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise StreamClosed
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > UNARY_LIMIT:
                    raise BadUnaryRequest(f"The request is longer than {UNARY_LIMIT} bytes.")
    except TimeoutError:
        raise TimedOut from None
    return bytes(body)


def route_path(scope: Scope) -> str:
    """The path below the prefix at which an app is mounted."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path.removeprefix(prefix) if path.startswith(f"{prefix}/") else path


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None


async def _refuse(scope: Scope, send: Send, error: HocketError) -> None:
    """Answers a WebSocket that is not accepted; with the error itself where the ASGI server can."""
    try:
        if "websocket.http.response" in scope.get("extensions", {}):
            await _send_http(send, "websocket.http.response", error_answer(error))
        else:
            await send({"type": "websocket.close", "code": _NORMAL_CLOSURE})
    except OSError:
        return


async def _send_http(send: Send, kind: str, answer: Answer) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    if answer.status != _NO_CONTENT:  # RFC 9110 §8.6
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": f"{kind}.start", "status": answer.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": answer.body})
