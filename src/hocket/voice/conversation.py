"""One stream, from its acceptance to its last frame: the asyncio shell around `Session`, `Seat` and `Outbox`.

One task reads and answers requests, another sends what waits in the outbox. A third waits for the end of the user's
credentials, if there is one. `end` may come from anywhere (the reader, the media engine, another stream of the user, a
moderator, the server's end): at that moment the seat is given back, and then the client is told, within a bounded time.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Final

from hocket.auth import User
from hocket.config import Limits
from hocket.errors import HocketError, InternalError, ResourceExhausted, Unauthenticated
from hocket.hrpc.asgi import Stream, StreamClosed
from hocket.hrpc.codec import decode_request, encode_error
from hocket.logging import Sparing, ids
from hocket.policy import Authorize, ChannelId, Place, same_place
from hocket.voice.asking import ask
from hocket.voice.directory import Directory
from hocket.voice.expiry import expiry
from hocket.voice.media import Media
from hocket.voice.outbox import Outbox
from hocket.voice.pace import TokenBucket
from hocket.voice.seat import Seat
from hocket.voice.session import Command, Initialize, Join, KickUser, MuteUser, Session

_SLOW_RETRY = 5
"""Seconds."""

_numbers: Final = count(1)

logger = logging.getLogger("hocket.voice")


class Conversation:
    """One stream.

    Attributes:
        number: counts the streams of this process, for the log.
        user: whose it is.
    """

    def __init__(
        self,
        user: User,
        stream: Stream,
        *,
        directory: Directory,
        media: Media,
        authorize: Authorize,
        limits: Limits,
        failures: Sparing,
        place: Place = same_place,
    ) -> None:
        """A stream that was just accepted; `run` does the rest. `failures` logs those of all streams."""
        self.number = next(_numbers)
        self.user = user
        self._stream = stream
        self._authorize = authorize
        self._place = place
        self._limits = limits
        self._failures = failures
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._error: HocketError | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._step: asyncio.TimerHandle | None = None
        self._reading: asyncio.Timeout | None = None
        self._closing: asyncio.Timeout | None = None
        self._close_by = math.inf
        self._outbox = Outbox(limits.outbox, self._wake)
        self._seat = Seat(user, directory=directory, media=media, outbox=self._outbox, end=self.end)
        now = self._loop.time()
        pace = TokenBucket(rate=limits.requests_per_second, burst=limits.request_burst, now=now)
        bytes_ = TokenBucket(rate=limits.request_bytes_per_second, burst=limits.request_byte_burst, now=now)
        self._session = Session(now, step_seconds=limits.step_seconds, pace=pace, bytes=bytes_)

    @property
    def channel_id(self) -> ChannelId | None:
        """None before Initialize."""
        return self._seat.channel_id

    def end(self, error: HocketError | None) -> None:
        """Ends the stream: its seat is given back when this returns, its client is told soon. The first call counts.

        Args:
            error: what the client is told last; None when it is gone.
        """
        if self._over:
            return
        if error is not None:
            # Its trace holds the request that was wrong, and us who keep it: a cycle, which may be there for minutes.
            error.__traceback__ = error.__context__ = None
        self._over, self._error = True, error
        if self._reading is not None and not self._reading.expired():
            self._reading.reschedule(self._loop.time())
        self._session.end()
        self._seat.leave()
        self._outbox.close(None if error is None else encode_error(error))

    def tell_last(self, error: HocketError) -> None:
        """Lets the client hear nothing more but this, after what waits already; `end` with the same error must follow.

        For many streams that end for one reason: once all were told, none hears of the others' going.
        """
        self._outbox.close(encode_error(error))

    def close_by(self, when: float) -> None:
        """Cuts the client off at a time of the loop, if the stream, which has ended, is not closed by then."""
        self._close_by = when
        if self._closing is not None and not self._closing.expired():
            self._closing.reschedule(min(when, self._closing.when() or when))

    async def run(self) -> None:
        """Talks until the stream is over. A cancel gives everything back and tells the client nothing."""
        with ids(stream=self.number, user=self.user.id):
            logger.debug("stream opened")
            try:
                await self._run()
            finally:
                self.end(None)
                with self._channel_in_log():
                    error = self._error
                    logger.info(
                        "stream ended%s", "" if error is None else f" with {error.identifier}: {error.sentence}"
                    )
                # Both know us: a cycle with all that the stream was about, which Python's collector would come to late.
                del self._seat, self._outbox

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write())
            expires_at = self.user.expires_at
            expiring = None if expires_at is None else tasks.create_task(self._expire(expires_at))
            await self._read_to_the_end()
            if expiring is not None:
                expiring.cancel()
            try:
                async with asyncio.timeout_at(
                    min(self._close_by, self._loop.time() + self._limits.close_seconds)
                ) as closing:
                    self._closing = closing
                    await asyncio.wait({writing})
                    await self._stream.close()
            except TimeoutError:
                writing.cancel()
            finally:
                self._closing = None

    async def _read_to_the_end(self) -> None:
        """Reads until the stream is over; `end`, from wherever, interrupts it."""
        try:
            async with asyncio.timeout(None) as self._reading:
                await self._read()
        except TimeoutError:
            return
        finally:
            self._reading = None
            if self._step is not None:
                self._step.cancel()

    async def _expire(self, expires_at: float) -> None:
        await expiry(expires_at)
        self.end(Unauthenticated("What let you in has run out: come back with a new token."))

    async def _read(self) -> None:
        try:
            while not self._over:
                if self._session.deadline is not None:
                    self._wait_for_step()
                frame = await self._stream.receive()
                now = self._loop.time()
                self._session.weigh(len(frame), now)
                command = self._session.receive(decode_request(frame), now)
                if isinstance(command, Initialize):
                    await self._initialize(command)
                elif command is not None:
                    self._carry_out(command)
                self._session.answered(self._loop.time())
        except StreamClosed:
            self.end(None)
        except HocketError as error:
            self.end(error)
        except Exception:
            self._failures.exception("a request failed")
            self.end(InternalError())

    def _wait_for_step(self) -> None:
        """Has `_look_at_clock` called when the client's time for its next step is over, or before."""
        deadline = self._session.deadline
        if self._step is None and deadline is not None:
            self._step = self._loop.call_at(deadline, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._step = None
        try:
            self._session.handle_timeout(self._loop.time())
        except HocketError as error:
            self.end(error)
        else:
            self._wait_for_step()  # a step came meanwhile, or a loop's timer a little early

    async def _initialize(self, command: Initialize) -> None:
        permissions = await ask(
            self._authorize(self.user, command.channel),
            seconds=self._limits.authorize_seconds,
            late="Permissions could not be looked up in time.",
        )
        if not self._over:
            place = self._place(self.user, command.channel)
            self._seat.initialize(Initialize(place, command.extension), permissions)

    def _carry_out(self, command: Command) -> None:
        self._seat.carry_out(command)
        if isinstance(command, Join):
            with self._channel_in_log():
                logger.info("joined%s", "" if command.voice else " as a listener")
        elif isinstance(command, (KickUser, MuteUser)):
            with self._channel_in_log():
                logger.info("moderates user %d: %s", command.user_id, type(command).__name__)
        elif logger.isEnabledFor(logging.DEBUG):
            with self._channel_in_log():
                logger.debug("%s done", type(command).__name__)

    def _channel_in_log(self) -> AbstractContextManager[None]:
        channel = self.channel_id
        return nullcontext() if channel is None else ids(channel=f"{channel.guild}/{channel.channel}")

    async def _write(self) -> None:
        try:
            while not self._outbox.finished:
                if (frame := self._outbox.take()) is not None:
                    await self._stream.send(frame)
                else:
                    self._waiting = self._loop.create_future()
                    await self._waiting
        except StreamClosed:
            self.end(None)

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        if self._outbox.overflowed and not self._over:
            # Not at once: a channel may be in the middle of telling its members something.
            self._loop.call_soon(self.end, ResourceExhausted("This client reads too slowly.", retry_after=_SLOW_RETRY))
