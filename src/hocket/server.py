"""`VoiceServer`: what an app owns. The only place where the parts are wired together."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self, TypeVar

from hocket import pulse
from hocket.addresses import Announced, choose
from hocket.auth import Authenticate
from hocket.auth.open import OpenAuth
from hocket.config import (
    SILENCE_DBOV,
    ConfigError,
    Limits,
    OneChannel,
    Ptime,
    check_active_speakers,
    check_origins,
    check_ptime,
)
from hocket.errors import PermissionDenied, Unavailable
from hocket.health import PATHS, Health
from hocket.hrpc.asgi import Call, Handler, HrpcApp, Message, Receive, Scope, Send, route_path
from hocket.logging import Sparing
from hocket.media import line
from hocket.media.engine import EngineClosed, MediaEngine, WorkerFailed
from hocket.media.engine import Event as EngineEvent
from hocket.network import own_addresses, resolve
from hocket.page import Page
from hocket.policy import (
    Authorize,
    ChannelId,
    FindLost,
    HowManySpeak,
    Permissions,
    Place,
    PtimeOf,
    allow_everything,
    same_place,
)
from hocket.voice.departures import put_out
from hocket.voice.events import Event, Joined, Left, Speaking
from hocket.voice.feed import Feed, Subscription
from hocket.voice.forwarding import EngineMedia
from hocket.voice.handle import ParticipantHandle
from hocket.voice.service import VoiceService
from hocket.voice.views import ChannelView, view

EventName = Literal["joined", "left", "speaking"]
EventHandler = Callable[[Any], Awaitable[None] | None]
_Handler = TypeVar("_Handler", bound=EventHandler)
_Chosen = TypeVar("_Chosen", bound=int | str)

_KINDS: Mapping[EventName, type[Event]] = {"joined": Joined, "left": Left, "speaking": Speaking}

_DRAIN_SECONDS = 0.8
"""Time for all streams to hear of the end together; a client that does not read is not waited for longer, whatever
`limits.close_seconds` is."""

_DRAIN_SPARE = 0.2
"""Seconds more for those who were cut off to be gone."""

_HANDLER_SECONDS = 0.5
"""Time for the app's handlers to hear of the last who left."""

logger = logging.getLogger("hocket.server")


class VoiceServer:
    """Voice channels for an ASGI app.

    Give `lifespan` to the app (or enter the server with `async with` in a lifespan of your own) and mount `asgi` under
    any prefix. Everything happens on the event loop that entered it; nothing here is for other threads.
    """

    def __init__(
        self,
        *,
        announce: Sequence[str] = (),
        media_port: int = 0,
        media_addresses: Sequence[str] = ("0.0.0.0", "::"),
        workers: int = 0,
        pin_workers: bool = True,
        gather_ms: float = 1.0,
        silence_dbov: int | None = SILENCE_DBOV,
        active_speakers: int | HowManySpeak = 0,
        ptime: Ptime | PtimeOf = "auto",
        authenticate: Authenticate | None = None,
        authorize: Authorize | None = None,
        one_channel: OneChannel = "replace",
        allowed_origins: Collection[str] = (),
        limits: Limits | None = None,
        page: bool = False,
        announce_loopback: bool | None = None,
    ) -> None:
        """Keeps the options; sockets and threads come with `lifespan`.

        Args:
            announce: IP addresses or host names at which clients reach the media port, in order of preference. Empty:
                this machine's own addresses.
            media_port: UDP port of all voice, IPv4 and IPv6; 0 takes a free one. Behind a firewall, set and open it.
            media_addresses: local addresses to receive voice on, at most one of a family.
            workers: media threads, 1 … 64; 0 is one a core.
            pin_workers: while packets go to hundreds each media thread stays on a core of its own, where there are
                exactly as many (Linux only).
                Better without where another program is busy all the time on some of the cores.
            gather_ms: how long a busy media thread lets packets gather at most, 0 … 3 ms, so that several to one
                listener leave together; 0 is never.
            silence_dbov: whose packets say that they are quieter than this, -127 … 0 dBov (RFC 6464), is silent, and
                silence is not forwarded. None: whatever comes is.
            active_speakers: how many are heard at a time in a channel, the loudest in turns, 0 … 64; 0 is all. A
                function is asked for each channel that somebody opens.
            ptime: how many ms of sound clients are asked to put into a packet: 20, 40 or 60; `auto` is 20, and more
                from 100 people in a channel on. A function is asked for each channel that somebody opens.
            authenticate: says who opens a stream. None: everybody is who they say they are, on this machine alone.
            authorize: says what a user may do in a channel. None: what `authenticate` says, if it has an `authorize` of
                its own, as the ready parts of `hocket.auth` do; else everybody may do everything.
            one_channel: what happens when a user joins a second channel.
            allowed_origins: web pages of other sites that may come without a token, such as `https://example.org`.
            limits: bounds on what clients can make the server hold and do.
            page: shows Hocket's own page at the root of `asgi`.
            announce_loopback: where the loopback stands among this machine's own addresses: True first, None last,
                False only if there is nothing else.

        Raises:
            ConfigError: one of `allowed_origins` is none, or `active_speakers` or `ptime` is out of its range.
        """
        check_origins(allowed_origins)
        self._announce = tuple(announce)
        self._announce_loopback = announce_loopback
        self._media_options: dict[str, Any] = {
            "port": media_port,
            "workers": workers,
            "pin_workers": pin_workers,
            "gather_us": round(gather_ms * 1_000),
            "silence_dbov": silence_dbov,
            "addresses": tuple(media_addresses),
        }
        self._limits = limits or Limits()
        self._media_options |= {
            "max_transports": self._limits.transports,
            "producer_packets": self._limits.producer_packets_per_second,
            "producer_bits": self._limits.producer_bits_per_second,
        }
        self._active_speakers = _for_each(active_speakers, check_active_speakers)
        self._ptime = _for_each(ptime, check_ptime)
        self._authenticate: Authenticate = OpenAuth() if authenticate is None else authenticate
        own: Authorize = getattr(self._authenticate, "authorize", allow_everything)
        self._authorize = own if authorize is None else authorize
        self._place: Place = getattr(self._authenticate, "place", same_place)
        self._lost: FindLost | None = getattr(self._authenticate, "lost", None) if authorize is None else None
        self._one_channel: OneChannel = one_channel
        self._allowed_origins = frozenset(allowed_origins)
        self._hrpc = HrpcApp(
            self._admit, unary=getattr(self._authenticate, "unary", None), allowed_origins=allowed_origins
        )
        self._page = Page() if page else None
        self._health = Health(lambda: self.ready)
        self._feed = Feed()
        self._handlers: dict[type[Event], list[EventHandler]] = {}
        self._waiting: Subscription | None = None  # events on their way to the handlers
        self._log = Sparing(logger)
        self._running: AsyncExitStack | None = None
        self._service: VoiceService | None = None
        self._engine: MediaEngine | None = None
        self._announced: tuple[Announced, ...] = ()
        self._leaving = False
        self._drained_at: float | None = None  # the loop's time at which streams that drain are cut off; None before

    async def __aenter__(self) -> Self:
        """Opens the media port and starts the media threads.

        Raises:
            ConfigError: no address to announce, or a name without one.
            OSError: the media port cannot be had.
            RuntimeError: it runs already.
        """
        if self._running is not None:
            raise RuntimeError("this VoiceServer runs already")
        self._announced = await self._addresses()
        self._drained_at = None
        self._leaving = False
        async with AsyncExitStack() as stack:
            if isinstance(self._authenticate, AbstractAsyncContextManager):
                await stack.enter_async_context(self._authenticate)
            addresses = [announced.address for announced in self._announced]
            engine = MediaEngine(announce=addresses, on_event=self._hear_engine, **self._media_options)
            self._engine = await stack.enter_async_context(engine)
            self._service = VoiceService(
                EngineMedia(self._engine),
                authenticate=self._authenticate,
                authorize=self._authorize,
                limits=self._limits,
                one_channel=self._one_channel,
                allowed_origins=self._allowed_origins,
                tell_app=self._tell_app,
                active_speakers=self._active_speakers,
                ptime=self._ptime,
                place=self._place,
            )
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            self._waiting = Subscription()
            telling = tasks.create_task(self._tell_handlers(self._waiting))
            watches = [line.watch(self._engine, self._log), pulse.watch(self._log)]
            if self._lost is not None:
                watches.append(put_out(self._lost, self._service))
            for watching in watches:
                stack.callback(tasks.create_task(watching).cancel)
            stack.push_async_callback(self._finish_telling, telling, self._waiting)
            stack.push_async_callback(self.drain)
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends every stream with a word of when to come back, then the media threads."""
        running, self._running = self._running, None
        if running is not None:
            await running.aclose()
        self._feed = Feed()
        self._waiting = self._service = self._engine = None

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """For `FastAPI(lifespan=voice.lifespan)` and `Starlette(lifespan=voice.lifespan)`."""
        async with self:
            yield

    @property
    def asgi(self) -> Self:
        """The ASGI app: mount it under any prefix, or serve it alone, which runs the lifespan too."""
        return self  # uvicorn takes a bound method for an app of ASGI 2

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request, one WebSocket, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._serve_lifespan(receive, send)
        elif scope["type"] == "http" and route_path(scope) in PATHS:
            await self._health(scope, receive, send)
        elif self._page is None or scope["type"] == "websocket" or route_path(scope).startswith(self._hrpc.prefixes):
            await self._hrpc(scope, receive, send)
        else:
            await self._page(scope, receive, send)

    @property
    def channels(self) -> Mapping[ChannelId, ChannelView]:
        """Who is where at this moment. A value: ask again for what comes later."""
        return MappingProxyType({}) if self._service is None else view(self._service.channels)

    @property
    def health(self) -> Health:
        """An ASGI app that says whether the server is well, at `/livez` and `/readyz`. `asgi` answers both as well."""
        return self._health

    @property
    def ready(self) -> bool:
        """Whether new streams are welcome: it runs, nobody has called `drain`, and all media threads are alive."""
        if self._engine is None or self._leaving:
            return False
        try:
            return self._engine.dump().threads == self._engine.workers
        except EngineClosed:
            return False

    @property
    def streams(self) -> int:
        """How many streams are open, those that have joined nothing yet included."""
        return 0 if self._service is None else self._service.streams

    @property
    def engine(self) -> MediaEngine:
        """The media engine, for statistics and `dump`.

        Raises:
            RuntimeError: the server does not run.
        """
        if self._engine is None:
            raise RuntimeError("this VoiceServer does not run")
        return self._engine

    @property
    def announced(self) -> tuple[Announced, ...]:
        """The addresses that clients are told for media, with where each comes from."""
        return self._announced

    def on(self, name: EventName) -> Callable[[_Handler], _Handler]:
        """Has a function called with each `Joined`, `Left` or `Speaking`: `@voice.on("joined")`.

        It may be async. Events come one after the other, in order; an exception is logged and ends nothing.
        """

        def register(handler: _Handler) -> _Handler:
            self._handlers.setdefault(_KINDS[name], []).append(handler)
            return handler

        return register

    def events(self) -> Subscription:
        """Every event from now on, as an async iterator that ends with the server."""
        return self._feed.subscribe()

    async def kick(self, user_id: int, channel: ChannelId | None = None, *, reason: str | None = None) -> int:
        """Removes a user from a channel, or (None) from all, and keeps the user out until `allow`.

        Nothing of the user is forwarded any more when this returns.

        Returns:
            How many streams ended.
        """
        return self._here.kick(user_id, channel, reason)

    async def allow(self, user_id: int, channel: ChannelId | None = None) -> None:
        """Takes a kick back; with None, every kick of this user."""
        self._here.allow(user_id, channel)

    async def mute(self, user_id: int, *, muted: bool = True, channel: ChannelId | None = None) -> None:
        """Silences a user in a channel, or (None) in all, whatever the user does; or takes that back."""
        self._here.mute(user_id, channel, muted)

    def participant(self, user_id: int, channel: ChannelId) -> ParticipantHandle:
        """A user in a channel, to act on; whether the user is there now or not."""
        return ParticipantHandle(user_id, channel, self._here)

    async def set_permissions(self, user_id: int, channel: ChannelId, permissions: Permissions | None) -> None:
        """Changes what a user may do in a channel, at once and in every later stay: see `ParticipantHandle`."""
        await self.participant(user_id, channel).set_permissions(permissions)

    async def set_active_speakers(self, channel: ChannelId, limit: int) -> bool:
        """Lets only so many be heard at a time in a channel, 0 … 64; 0 is all. Holds until its last participant leaves.

        Returns:
            Whether there is such a channel.

        Raises:
            ConfigError: the limit is out of its range.
        """
        check_active_speakers(limit)
        return self._here.set_active_speakers(channel, limit)

    async def set_ptime(self, channel: ChannelId, ptime: Ptime) -> bool:
        """Asks for so many ms of sound a packet in a channel: clients of our extension at once, others when they join.

        Holds until its last participant leaves.

        Returns:
            Whether there is such a channel.

        Raises:
            ConfigError: it is neither 20, 40, 60 nor `auto`.
        """
        check_ptime(ptime)
        return self._here.set_ptime(channel, ptime)

    async def notify(
        self, text: str, *, channel: ChannelId | None = None, code: str = "app.notice", retry_after: int = 0
    ) -> None:
        """Shows a sentence to the people in a channel, or (None) in all, as far as their clients speak our extension.

        Args:
            text: for people.
            channel: where; None is everywhere.
            code: which notice, for programs. `hocket.…` codes are ours.
            retry_after: seconds after which to connect again; 0 for nothing to do.
        """
        self._here.notify(channel, code, text, retry_after)

    async def end(self, user_id: int, channel: ChannelId | None = None) -> int:
        """Ends a user's streams, so that `authorize` is asked again when they come back: permissions have changed.

        Returns:
            How many streams ended.
        """
        return self._here.end(user_id, channel, PermissionDenied("Your permissions have changed: join again."))

    async def drain(self, *, seconds: float = 0.0) -> None:
        """Lets no more streams in, waits for those that are open, and ends the others with `hrpc.unavailable`.

        Args:
            seconds: how long people may go on talking, and leave by themselves. When nobody is left, or after that time
                and about one more second, whatever clients do, this returns. A cancel lets nobody in again.

        `ready` is False from the first moment on.

        Leaving `lifespan` does it too, but an ASGI server may have closed the WebSockets by then, without the reason.
        Another call need not wait for the first: `drain()` ends the streams at once. However often they are ended, it
        takes no longer than the first time may.
        """
        self._leaving = True
        if self._service is None:
            return
        self._service.close_doors()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._service.emptied()
        if self._drained_at is None:
            self._drained_at = asyncio.get_running_loop().time() + _DRAIN_SECONDS
        try:
            async with asyncio.timeout_at(self._drained_at + _DRAIN_SPARE):
                await self._service.drain(until=self._drained_at)
        except TimeoutError:
            logger.warning("%d streams did not end in time", self._service.streams)

    def dump(self) -> dict[str, object]:
        """The state of everything, for tests."""
        return {} if self._service is None else self._service.dump()

    @property
    def _here(self) -> VoiceService:
        if self._service is None:
            raise RuntimeError("this VoiceServer does not run: give its lifespan to the app, or enter it")
        return self._service

    def _admit(self, call: Call) -> AbstractAsyncContextManager[Handler]:
        if self._service is None:
            self._log.error("a stream was refused: this VoiceServer does not run; give its lifespan to the app")
            raise Unavailable(retry_after=5)
        return self._service.admit(call)

    async def _addresses(self) -> tuple[Announced, ...]:
        if self._announce:
            return await resolve(self._announce)
        announced = choose(own_addresses(), loopback=self._announce_loopback)
        if not announced:
            raise ConfigError(
                "This machine has no address of its own: say where clients reach it, with --announce, or in code with "
                "VoiceServer(announce=[…])."
            )
        return announced

    def _tell_app(self, event: Event) -> None:
        self._feed.publish(event)
        if self._waiting is None or type(event) not in self._handlers:
            return
        self._waiting.put(event)
        if self._waiting.lost:
            self._log.warning("the handlers of events are too slow: the oldest events that wait for them are lost")

    async def _tell_handlers(self, events: Subscription) -> None:
        async for event in events:
            for handler in tuple(self._handlers.get(type(event), ())):
                try:
                    result = handler(event)
                    if inspect.isawaitable(result):
                        await result
                except Exception:
                    self._log.exception("a handler of %s events failed", type(event).__name__)

    def _hear_engine(self, event: EngineEvent) -> None:
        if isinstance(event, WorkerFailed):
            sentence = "media thread %d failed and was replaced: %d transports lost"
            self._log.error(sentence, event.worker, len(event.transports), kind=event.worker)

    async def _finish_telling(self, telling: asyncio.Task[None], events: Subscription) -> None:
        """Lets the handlers hear of those who left last, within a bounded time."""
        self._feed.close()
        events.close()
        await asyncio.wait({telling}, timeout=_HANDLER_SECONDS)
        telling.cancel()

    async def _serve_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()  # lifespan.startup
        try:
            async with self:
                await send({"type": "lifespan.startup.complete"})
                await receive()  # lifespan.shutdown
        except (OSError, ConfigError) as error:
            await send(_lifespan_failed(str(error)))
            return
        await send({"type": "lifespan.shutdown.complete"})


def _for_each(
    chosen: _Chosen | Callable[[ChannelId], _Chosen], check: Callable[[_Chosen], None]
) -> Callable[[ChannelId], _Chosen]:
    """An option of channels as a function whose answers can be carried out."""
    if not callable(chosen):
        check(chosen)
        return lambda channel: chosen

    def asked(channel: ChannelId) -> _Chosen:
        answer = chosen(channel)
        check(answer)
        return answer

    return asked


def _lifespan_failed(sentence: str) -> Message:
    return {"type": "lifespan.startup.failed", "message": sentence}
