"""uvicorn's two protocols with the bounds that they lack, for `hocket serve` (T13).

Seen in uvicorn 0.54: a connection that sends nothing, a request head without end, or one byte of a body that nobody
asked for, is kept for ever; answers to WebSocket pings pile up in memory for a client that does not read; a message may
come in any number of empty fragments; text that is no UTF-8 and each refused WebSocket are errors in the log, so that a
stranger can fill it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from hocket import health
from hocket.descriptors import Descriptors
from hocket.hrpc.codec import REQUEST_LIMIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine
    from typing import Any

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, WebSocketResponseBodyEvent

HEAD_LIMIT = 64 * 1024
"""Longest request head, in bytes: cookies and a long token fit."""

BODY_LIMIT = REQUEST_LIMIT
"""Longest request body, in bytes: a unary request is no longer than one of a stream."""

FRAGMENT_LIMIT = 1_024
"""Most fragments of one WebSocket message."""

MESSAGES_AHEAD = 4
SHORT_MESSAGE = 1_024
"""How many messages of how many bytes may wait for the app while more are read. uvicorn stops reading at each message,
and starts again once the app has it: two system calls that a ResumeConsumer is not worth."""


class HttpConnection(HttpToolsProtocol):
    """HTTP/1.1 whose requests come in time and end.

    Attributes:
        request_seconds: time from the connection, or the first byte of a further request, to the end of the request.
        descriptors: is told which one each connection got; None where that is the app's own care.
    """

    request_seconds: ClassVar[float] = 10.0
    descriptors: ClassVar[Descriptors | None] = None

    _timer: asyncio.TimerHandle | None = None
    _bytes = 0
    _most = HEAD_LIMIT

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client has to say something."""
        super().connection_made(transport)
        self._start()
        if self.descriptors is not None and (each := transport.get_extra_info("socket")) is not None:
            self.descriptors.note(each.fileno())

    def connection_lost(self, exc: Exception | None) -> None:
        """Over."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of a request."""
        self._bytes += len(data)
        super().data_received(data)
        if self._timer is not None and self._bytes > self._most:
            self.transport.abort()

    def handle_websocket_upgrade(self) -> None:
        """The connection is a WebSocket's now. A parser that is kept keeps us until Python looks for cycles."""
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment] # as uvicorn does at a connection's end

    def on_message_begin(self) -> None:
        """A further request on a connection that was kept alive."""
        super().on_message_begin()
        if self._timer is None:
            self._start()

    def on_headers_complete(self) -> None:
        """The head is there; the time goes on."""
        self._most = HEAD_LIMIT + BODY_LIMIT
        if self.url.partition(b"?")[0].decode("latin-1") in health.PATHS:
            # A full server is well: whoever watches over it must not start it anew.
            self.limit_concurrency = None
        super().on_headers_complete()
        self.limit_concurrency = self.config.limit_concurrency

    def on_message_complete(self) -> None:
        """The request is there, whether anybody has read its body or not. A WebSocket has bounds of its own."""
        self._end()
        super().on_message_complete()

    def _start(self) -> None:
        self._bytes = 0
        self._most = HEAD_LIMIT
        self._timer = self.loop.call_later(self.request_seconds, self.transport.abort)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Messages:
    """What a client said and the app has not taken, for one who takes: as much of `asyncio.Queue` as uvicorn uses.

    That one is for many, and takes a dozen calls a message; a join brings a dozen messages. How many wait is bounded by
    not reading.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing yet."""
        self._loop = loop
        self._messages: deque[ASGIReceiveEvent] = deque()
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: ASGIReceiveEvent) -> None:
        """Adds one, and wakes who waits for it."""
        self._messages.append(message)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> ASGIReceiveEvent:
        """Takes the oldest; waits for it."""
        while not self._messages:
            self._waiting = self._loop.create_future()
            await self._waiting
        return self._messages.popleft()

    def empty(self) -> bool:
        """Whether none waits."""
        return not self._messages

    def qsize(self) -> int:
        """How many wait."""
        return len(self._messages)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """WebSocket that reads no more while the client does not, and that may be refused.

    Attributes:
        close_seconds: time for the client to answer a close frame (RFC 6455 §7.1.1), before the connection is closed.
    """

    close_seconds: ClassVar[float] = 10.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a client."""
        self.queue = _Messages(self.loop)  # type: ignore[assignment]
        super().connection_made(transport)

    def handle_connect(self, event: Request) -> None:
        """The client asks for a WebSocket."""
        self.close_timeout = self.close_seconds
        super().handle_connect(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Over. A parser in the middle of its work holds the connection's protocol, and is held by it: a cycle."""
        super().connection_lost(exc)
        self.conn.parser.close()

    def send(self, message: ASGISendEvent) -> Coroutine[Any, Any, None]:
        """What the app says. A frame goes straight on: a coroutine around another is not worth it."""
        sending = super().send(message)
        return self._refuse(sending, message) if message["type"] == "websocket.http.response.body" else sending

    async def _refuse(self, sending: Awaitable[None], message: WebSocketResponseBodyEvent) -> None:
        """An answer in place of the upgrade completes the handshake: uvicorn would log an error for each of them."""
        await sending
        if not message.get("more_body", False):
            self.handshake_complete = True

    def pause_writing(self) -> None:
        """The client does not read: what it sends may make us answer, so it waits too."""
        super().pause_writing()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()

    def handle_cont(self, event: Frame) -> None:
        """One more fragment."""
        if len(self.frames) >= FRAGMENT_LIMIT:
            self.transport.abort()
            return
        super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        """A whole message. hRPC refuses text whatever it says, so nobody reads it."""
        if self.curr_msg_data_type == "text":
            self.frames = []
        short = len(self.frames) == 1 and len(self.frames[0]) <= SHORT_MESSAGE
        goes_on = short and not self.read_paused and self.queue.qsize() < MESSAGES_AHEAD
        self.read_paused |= goes_on  # where uvicorn believes that reading has stopped, it does not stop it
        super().send_receive_event_to_app()
        self.read_paused &= not goes_on
