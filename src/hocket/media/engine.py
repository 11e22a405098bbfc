"""The media engine for asyncio: the only importer of the native module.

Commands are plain calls that return at once. Events come up in batches: the engine makes one descriptor readable, the
loop's reader drains the queue and hands each event to whoever watches its object. Media threads never attach to Python.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import NoReturn, Self, TypeVar, cast

from hocket._media import (  # noqa: TID251 - this is the one importer
    ConsumerOptions,
    ConsumerStats,
    CoreDump,
    Engine,
    EngineClosed,
    EngineDump,
    InvalidOption,
    MediaError,
    Overloaded,
    ProducerOptions,
    ProducerSpeaking,
    ProducerStats,
    Quality,
    StatsReply,
    TransportClosed,
    TransportConnected,
    TransportInfo,
    TransportStats,
    UnknownId,
    WorkerFailed,
)
from hocket.media.candidates import host_candidates
from hocket.ortc.parameters import IceCandidate

__all__ = [
    "WORKER_FAILED",
    "ConsumerOptions",
    "ConsumerStats",
    "CoreDump",
    "Engine",
    "EngineClosed",
    "EngineDump",
    "Event",
    "InvalidOption",
    "MediaEngine",
    "MediaError",
    "Overloaded",
    "ProducerOptions",
    "ProducerSpeaking",
    "ProducerStats",
    "Quality",
    "StatsReply",
    "TransportClosed",
    "TransportConnected",
    "TransportInfo",
    "TransportStats",
    "UnknownId",
    "Watcher",
    "WorkerFailed",
]

_AnyStats = TransportStats | ProducerStats | ConsumerStats
_Stats = TypeVar("_Stats", TransportStats, ProducerStats, ConsumerStats)

Event = TransportConnected | TransportClosed | ProducerSpeaking | Quality | WorkerFailed
"""What watchers are told. `StatsReply` is not among them: it resolves the future that asked."""

Watcher = Callable[[Event], None]
"""Called on the event loop's thread, once an event; must not block. An exception goes to the loop's handler."""

WORKER_FAILED = "worker-failed"
"""Reason of the `TransportClosed` that a transport's watcher gets when the transport's media thread failed."""


_CLOSED = "the media engine is not running"


class _NotRunning:
    """Stands where the engine is while there is none, so that no call has to ask."""

    def __getattr__(self, name: str) -> NoReturn:
        raise EngineClosed(_CLOSED)


_NOT_RUNNING = cast(Engine, _NotRunning())


class MediaEngine:
    """Own the native engine for the length of a `with` block, and turn its events into calls and futures.

    Not for use from several threads: everything happens on the loop that entered it.
    """

    def __init__(
        self,
        *,
        announce: Sequence[str] = (),
        port: int = 0,
        workers: int = 0,
        pin_workers: bool = True,
        addresses: Sequence[str] = ("0.0.0.0", "::"),
        batch: bool = True,
        gather_us: int = 1_000,
        silence_dbov: int | None = -60,
        consent_ms: int = 30_000,
        handshake_ms: int = 30_000,
        max_transports: int = 20_000,
        producer_packets: int = 200,
        producer_bits: int = 256_000,
        seed: int | None = None,
        on_event: Watcher | None = None,
    ) -> None:
        """Keep the options; sockets and threads come with `async with`.

        Args:
            announce: IP addresses that clients are told, in order of preference; see `candidates`.
            port: UDP media port for IPv4 and IPv6; 0 takes any that is free.
            workers: media threads, 1 … 64; 0 is one a core.
            pin_workers: while packets go to hundreds each media thread stays on a core of its own, where there are
                exactly as many; Linux only.
            addresses: local addresses to bind, at most one a family.
            batch: `recvmmsg`/`sendmmsg`; without it one call a datagram and one worker.
            gather_us: how long packets gather at most when there is much to do, 0 … 3000 µs; 0 is never.
            silence_dbov: packets of somebody quieter than this are not forwarded, -127 … 0 dBov; `None`: all are.
            consent_ms: a transport that hears no valid check for so long closes with `consent-expired`.
            handshake_ms: time for DTLS from the first valid check on.
            max_transports: bound on transports in all; beyond it `create_transport` raises `Overloaded`.
            producer_packets: packets a second of one producer, 10 … 10,000, and at once; what is beyond is dropped.
            producer_bits: bits of payload a second of one producer, 16,000 … 100,000,000, likewise. A transport whose
                producer goes on beyond either for ten seconds closes with `flood`.
            seed: repeatable randomness, for tests alone.
            on_event: told every event, before the object's own watcher is.
        """
        self._announce = tuple(announce)
        self._open: Callable[[], Engine] = partial(
            Engine,
            port=port,
            workers=workers,
            pin_workers=pin_workers,
            addresses=addresses,
            batch=batch,
            gather_us=gather_us,
            silence_dbov=silence_dbov,
            consent_ms=consent_ms,
            handshake_ms=handshake_ms,
            max_transports=max_transports,
            producer_packets=producer_packets,
            producer_bits=producer_bits,
            seed=seed,
        )
        self._on_event = on_event
        self._running: Engine = _NOT_RUNNING
        self._candidates: tuple[IceCandidate, ...] = ()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchers: dict[int, Watcher] = {}
        self._requests: dict[int, asyncio.Future[_AnyStats | None]] = {}

    async def __aenter__(self) -> Self:
        """Bind the port and start the threads.

        Raises:
            InvalidOption: an option is out of its range.
            OSError: the port cannot be bound.
            RuntimeError: entered twice.
            ValueError: `announce` holds what is no IP address.
        """
        if self._loop is not None:
            raise RuntimeError("a MediaEngine is entered once")
        self._loop = asyncio.get_running_loop()
        self._running = self._open()
        try:
            self._candidates = host_candidates(self._announce, self._running.port)
        except ValueError:
            self.close()
            raise
        self._loop.add_reader(self._running.fileno(), self._drain)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the threads and release the port; every transport goes without a word."""
        self.close()

    def close(self) -> None:
        """Do what leaving the `with` block does. Idempotent; takes a few ms."""
        engine, self._running = self._running, _NOT_RUNNING
        if engine is _NOT_RUNNING or self._loop is None:
            return
        self._loop.remove_reader(engine.fileno())
        engine.close()
        self._watchers.clear()
        requests, self._requests = self._requests, {}
        for future in requests.values():
            if not future.done():
                future.set_exception(EngineClosed("the media engine was closed"))

    @property
    def port(self) -> int:
        """The UDP port in use."""
        return self._running.port

    @property
    def workers(self) -> int:
        """How many media threads there are."""
        return self._running.workers

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """The DTLS certificate's fingerprints: `("sha-256", "AA:BB:…")`."""
        return self._running.fingerprints

    @property
    def candidates(self) -> tuple[IceCandidate, ...]:
        """ICE host candidates of every transport: the announced addresses with the port in use."""
        if self._running is _NOT_RUNNING:
            raise EngineClosed(_CLOSED)
        return self._candidates

    def watch(self, id: int, watcher: Watcher) -> None:
        """Have `watcher` told the events of one transport or producer; replaces an earlier watcher.

        A transport's watcher hears `TransportConnected`, `Quality` and, as its last word, `TransportClosed` when it
        ended by itself (a failed media thread gives the reason `WORKER_FAILED`). A producer's watcher hears
        `ProducerSpeaking`. Whatever ends or speaks is told at once, the rest within 250 ms. Watching ends with
        `unwatch`, with that last word, or with `close_transport` and `close_producer` here; a producer that goes with
        its transport or router must be unwatched.
        """
        self._watchers[id] = watcher

    def unwatch(self, id: int) -> None:
        """Stop what `watch` began. Harmless for an id that nobody watches."""
        self._watchers.pop(id, None)

    def create_router(self) -> int:
        """Make an empty router: one channel's media, in which everybody is heard."""
        return self._running.create_router()

    def set_active_speakers(self, router: int, limit: int) -> None:
        """Let only the loudest so many be heard at a time, 0 … 64; 0 is all. Holds from the next packet on.

        Whoever speaks gets a turn within seconds, whatever levels others claim: `crates/media/src/active_speakers.rs`.

        Raises:
            UnknownId: no such router.
            InvalidOption: the limit is out of its range.
        """
        self._running.set_active_speakers(router, limit)

    def close_router(self, router: int) -> None:
        """Close a router with all its transports. Raises `UnknownId`."""
        self._running.close_router(router)

    def create_transport(self, router: int) -> TransportInfo:
        """Make a transport. Raises `UnknownId`, `Overloaded`."""
        return self._running.create_transport(router)

    def connect_transport(self, transport: int, *, role: str, fingerprints: Sequence[tuple[str, str]]) -> None:
        """Tell what certificate the client must show, and its DTLS role (`client`, `server`, `auto`).

        Raises:
            UnknownId: no such transport.
            InvalidOption: unknown role, or no fingerprint of sha-256, sha-384 or sha-512.
            Overloaded: the command queue is full.
        """
        self._running.connect_transport(transport, role=role, fingerprints=fingerprints)

    def restart_ice(self, transport: int) -> tuple[str, str]:
        """Give a transport new credentials: (username fragment, password). Raises `UnknownId`, `Overloaded`."""
        return self._running.restart_ice(transport)

    def close_transport(self, transport: int) -> None:
        """Close a transport with its producers and consumers. Raises `UnknownId`."""
        self._watchers.pop(transport, None)
        self._running.close_transport(transport)

    def produce(self, transport: int, options: ProducerOptions) -> int:
        """Let a client send one stream; gives the producer's id. Raises `UnknownId`, `Overloaded`."""
        return self._running.produce(transport, options)

    def consume(self, transport: int, producer: int, options: ConsumerOptions) -> int:
        """Let a client receive one stream, paused at first; gives the consumer's id.

        Raises:
            UnknownId: no such transport or producer, or the producer belongs to another router.
            InvalidOption: an option is out of its range, or another consumer on this transport has the SSRC.
            Overloaded: the command queue is full.
        """
        return self._running.consume(transport, producer, options)

    def pause_producer(self, producer: int) -> None:
        """Let nothing of this producer through (a muted user). Raises `UnknownId`, `Overloaded`."""
        self._running.pause_producer(producer)

    def resume_producer(self, producer: int) -> None:
        """Undo `pause_producer`."""
        self._running.resume_producer(producer)

    def close_producer(self, producer: int) -> None:
        """Close a producer and every consumer of it. Raises `UnknownId`."""
        self._watchers.pop(producer, None)
        self._running.close_producer(producer)

    def pause_consumer(self, consumer: int) -> None:
        """Send this receiver nothing of that stream. Raises `UnknownId`, `Overloaded`."""
        self._running.pause_consumer(consumer)

    def resume_consumer(self, consumer: int) -> None:
        """Undo `pause_consumer`, and start a new consumer."""
        self._running.resume_consumer(consumer)

    def close_consumer(self, consumer: int) -> None:
        """Close a consumer; its receiver gets an RTCP BYE. Raises `UnknownId`."""
        self._running.close_consumer(consumer)

    async def transport_stats(self, transport: int) -> TransportStats:
        """Ask a transport's worker for its counters. A cancel forgets the request.

        Raises:
            UnknownId: no such transport, or it went meanwhile.
            EngineClosed: the engine was closed meanwhile.
            Overloaded: the command queue is full.
        """
        return await self._reply(self._running.request_transport_stats(transport), TransportStats)

    async def producer_stats(self, producer: int) -> ProducerStats:
        """Ask for a producer's counters; raises as `transport_stats`."""
        return await self._reply(self._running.request_producer_stats(producer), ProducerStats)

    async def consumer_stats(self, consumer: int) -> ConsumerStats:
        """Ask for a consumer's counters; raises as `transport_stats`."""
        return await self._reply(self._running.request_consumer_stats(consumer), ConsumerStats)

    def dump(self) -> EngineDump:
        """Count what the engine holds: the base line of tests, the source of gauges."""
        return self._running.dump()

    async def _reply(self, request: int, kind: type[_Stats]) -> _Stats:
        future: asyncio.Future[_AnyStats | None] = asyncio.get_running_loop().create_future()
        self._requests[request] = future
        try:
            stats = await future
        finally:
            self._requests.pop(request, None)
        if not isinstance(stats, kind):
            raise UnknownId("it went while its statistics were asked for")
        return stats

    def _drain(self) -> None:
        for event in self._running.drain_events():
            if isinstance(event, StatsReply):
                self._resolve(event)
            else:
                self._tell(event)
            if self._running is _NOT_RUNNING:  # a watcher closed us
                return

    def _resolve(self, reply: StatsReply) -> None:
        future = self._requests.get(reply.request)
        if future is not None and not future.done():
            future.set_result(reply.stats)

    def _tell(self, event: Event) -> None:
        self._call(self._on_event, event)
        match event:
            case ProducerSpeaking(producer=producer):
                self._call(self._watchers.get(producer), event)
            case TransportClosed(transport=transport):
                self._call(self._watchers.pop(transport, None), event)
            case TransportConnected(transport=transport) | Quality(transport=transport):
                self._call(self._watchers.get(transport), event)
            case WorkerFailed(transports=transports):
                for transport in transports:
                    last_word = TransportClosed(transport=transport, reason=WORKER_FAILED)
                    self._call(self._watchers.pop(transport, None), last_word)

    def _call(self, watcher: Watcher | None, event: Event) -> None:
        """Call a watcher so that its mistake stops neither the other watchers nor the reader."""
        if watcher is None or self._loop is None:
            return
        try:
            watcher(event)
        except Exception as error:
            context = {"message": "a media watcher raised", "exception": error}
            self._loop.call_exception_handler(context)
