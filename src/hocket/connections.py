"""uvicorn's two protocols with the bounds that they lack, for `hocket serve` (T13).

Seen in uvicorn 0.54: a connection that sends nothing, or a request head without end, is kept for ever; answers to
WebSocket pings pile up in memory for a client that does not read; a message may come in any number of empty fragments.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from hocket import health

HEAD_LIMIT = 64 * 1024
"""Longest request head, in bytes: cookies and a long token fit."""

FRAGMENT_LIMIT = 1_024
"""Most fragments of one WebSocket message."""


class HttpConnection(HttpToolsProtocol):
    """HTTP/1.1 whose request heads come in time and end.

    Attributes:
        head_seconds: time from the connection, or the first byte of a further request, to the end of the head.
    """

    head_seconds: ClassVar[float] = 10.0

    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The client has to say something."""
        super().connection_made(transport)
        self._start_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Over."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Counts the bytes of a head."""
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT:
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A further request on a connection that was kept alive."""
        super().on_message_begin()
        if self._head_timer is None:
            self._start_head()

    def on_headers_complete(self) -> None:
        """The head is there; what follows has bounds of its own."""
        self._end_head()
        if self.url.partition(b"?")[0].decode("latin-1") in health.PATHS:
            # A full server is well: whoever watches over it must not start it anew.
            self.limit_concurrency = None
        super().on_headers_complete()
        self.limit_concurrency = self.config.limit_concurrency

    def _start_head(self) -> None:
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class WebSocketConnection(WebSocketsSansIOProtocol):
    """WebSocket that reads no more while the client does not."""

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
