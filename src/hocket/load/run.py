"""One run: everybody joins and connects, it is quiet for a moment, then all speak and everything is counted.

The moment of quiet parts the packets: what was sent during the joins has arrived or is lost before the count begins, so
that what is sent, what should arrive and what arrives can be compared packet by packet.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from hocket.load import result
from hocket.load.crowd import THREADS, LoadClient, LoadReport, MediaError
from hocket.load.options import BenchError, BenchOptions
from hocket.load.participant import Participant, Seat, join
from hocket.load.process import ProcessGone, Usage, step_aside, usage
from hocket.load.progress import ProgressLine
from hocket.load.result import Result, ServerCost
from hocket.load.settled import Quiet, Settled
from hocket.load.shapes import ShapeError
from hocket.load.stream import StreamError

_CONNECT_SECONDS = 20.0
"""How long transports may take after the last join, and then first packets."""

_LOOK_SECONDS = 0.05
_MISMATCH = "fingerprint-mismatch"


class Run:
    """See the module's documentation. A context manager: every way out of it leaves the server."""

    def __init__(self, options: BenchOptions, url: str, pid: int | None, progress: ProgressLine) -> None:
        """For a server at a WebSocket URL; `pid` is its process, when that can be measured."""
        self._options = options
        self._url = url
        self._pid = pid
        self._progress = progress
        self._crowd = LoadClient(threads=options.threads, sample=options.sample)
        self._room = asyncio.Semaphore(options.joins)
        self._people: list[Participant] = []
        self._failures: Counter[str] = Counter()
        self._signalling = 0.0
        self._joining: float | None = None
        self._idle = self._look()
        self._own = time.process_time()
        self._spent: float | None = None
        self._connected: Usage | None = None
        self._before: Usage | None = None
        self._after: Usage | None = None

    async def __aenter__(self) -> Self:
        """Nothing to wait for."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves all channels and ends the media threads."""
        self._progress.clear()
        async with asyncio.TaskGroup() as group:
            for person in self._people:
                group.create_task(person.stream.close())
        self._crowd.close()

    async def perform(self) -> None:
        """Joins, connects and measures. Cancelled in the middle, it leaves what was measured so far to `result`.

        Raises:
            BenchError: nobody could join or connect, or the server shows a certificate that is not its own.
        """
        followers: list[asyncio.Task[None]] = []
        failure: BenchError | None = None
        async with asyncio.TaskGroup() as group:
            try:
                await self._join_all(lambda person: followers.append(group.create_task(self._follow(person))))
                await self._connect()
                await self._measure()
            except BenchError as error:
                failure = error  # raised below: a group would wrap it
            finally:
                for follower in followers:
                    follower.cancel()
        if failure is not None:
            raise failure

    def result(self) -> Result:
        """What was found out so far.

        Raises:
            BenchError: a thread of the client is gone.
        """
        report = self._report()
        failures = self._failures + Counter(reason for _, reason in report.failures)
        return Result(
            url=self._url,
            channels=self._options.channels,
            participants=self._options.participants,
            speakers=self._options.speaking,
            talking=self._options.voices,
            listeners=self._options.listeners,
            seconds=self._options.sound_ms / 1_000,
            payload=self._options.payload,
            vary=self._options.vary,
            ptime_ms=report.sent_by_ms,
            measured=self._before is not None,
            joined=len(self._people),
            failures=dict(failures),
            joins_per_second=len(self._people) / self._joining if self._joining else None,
            join_ms=result.times_of([person.joined_ms for person in self._people]),
            connect_ms=result.times(report.connect),
            first_packet_ms=result.times(report.first_packet),
            delay_ms=result.times(report.delay),
            packets=result.packets(report, self._offered(report.sent)),
            client=result.client_state(report, self._signalling, result.ms_a_join(self._spent, len(self._people))),
            server=self._server_cost(report),
        )

    async def _join_all(self, follow: Callable[[Participant], None]) -> None:
        total = self._options.channels * self._options.participants
        began, worked = time.perf_counter(), time.thread_time()
        async with asyncio.TaskGroup() as group:
            for index in range(total):
                group.create_task(self._join(self._seat(index), follow, total))
        self._joining = time.perf_counter() - began
        self._signalling = (time.thread_time() - worked) / self._joining
        if not self._people:
            raise BenchError(f"Nobody could join {self._url}: {_listed(self._failures)}.")

    def _seat(self, index: int) -> Seat:
        """The seat of one of all, counted from 0: one of each channel, then the second of each, so that all grow."""
        options = self._options
        order, place = divmod(index, options.channels)
        return Seat(
            number=index + 1,
            place=place,
            guild=options.guild,
            channel=options.first_channel + place,
            token=f"{options.token_prefix}{index + 1:06d}",
            speaks=order < options.speaking,
            talks=order < options.voices,
            listens=order >= options.microphones,
            payload=options.payload,
            vary=options.vary,
            extension=options.extension and order < options.speaking,
        )

    async def _join(self, seat: Seat, follow: Callable[[Participant], None], total: int) -> None:
        async with self._room:
            try:
                person = await join(self._url, self._crowd, seat)
            except (StreamError, ShapeError, MediaError) as error:
                self._failures[str(error)] += 1
                return
        self._people.append(person)
        follow(person)
        self._progress.tell("joining", len(self._people), total)

    async def _follow(self, person: Participant) -> None:
        try:
            await person.listen()
        except (StreamError, ShapeError, MediaError) as error:
            person.ended = str(error)
            self._failures[str(error)] += 1

    async def _connect(self) -> None:
        """Waits until all transports are up and everybody has heard whom they should, or patience ends."""
        transports = sum(1 if person.sending is None else 2 for person in self._people)
        await self._until(lambda: self._crowd.progress().connected + self._crowd.progress().failed >= transports)
        failures = Counter(reason for _, reason in self._report().failures)
        if failures[_MISMATCH]:
            raise BenchError(
                f"The server's certificate is not the one that it announced ({failures[_MISMATCH]} of {transports} "
                f"transports: {_MISMATCH}). Somebody stands between, or it announces a wrong fingerprint."
            )
        if not self._crowd.progress().connected:
            why = _listed(failures) or f"no transport was connected within {_CONNECT_SECONDS:.0f} s"
            raise BenchError(f"Nobody could connect to the media port of {self._url}: {why}.")
        self._connected, self._spent = self._look(), time.process_time() - self._own
        talking = [person for person in self._people if person.seat.talks]
        streams = self._offered({person.sending: 1 for person in talking if person.sending is not None})
        await self._until(Settled(streams, lambda: self._crowd.progress().begun, time.monotonic))

    async def _measure(self) -> None:
        self._crowd.silence()
        await self._until(self._quiet())
        if self._pid is not None:
            step_aside(THREADS)  # a core of the server's, taken by its clients, would count as its delay
        self._before = self._look() or Usage(0, 0, 0, 0)
        self._crowd.measure(sound_ms=self._options.sound_ms)
        seconds = self._options.sound_ms / 1_000
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._progress.tell("measuring, s", int(passed), int(seconds))
            await asyncio.sleep(min(1.0, seconds - passed))
        await self._until(lambda: not self._crowd.progress().speaking)
        await self._until(self._quiet())
        self._after = self._look()

    def _quiet(self) -> Quiet:
        return Quiet(lambda: self._crowd.progress().arrived, time.monotonic)

    async def _until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + _CONNECT_SECONDS
        while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - counters of native threads
            await asyncio.sleep(_LOOK_SECONDS)

    def _report(self) -> LoadReport:
        try:
            return self._crowd.report()
        except MediaError as error:
            raise BenchError(f"The load client itself failed: {error}.") from None

    def _offered(self, sent: Mapping[int, int]) -> int:
        """What all listeners would get of these packets, by the transport that sent them."""
        listeners = Counter(person.seat.place for person in self._people)
        spoken = [
            (person.seat.place, sent.get(person.sending, 0)) for person in self._people if person.sending is not None
        ]
        return result.offered(spoken, listeners)

    def _look(self) -> Usage | None:
        """The server's process now; None when there is none to look at."""
        if self._pid is None:
            return None
        try:
            return usage(self._pid)
        except ProcessGone as error:
            raise BenchError(f"--pid: {error}.") from None

    def _server_cost(self, report: LoadReport) -> ServerCost | None:
        if self._pid is None or self._idle is None or self._before is None:
            return None
        return result.server_cost(
            self._pid,
            idle=self._idle,
            connected=self._connected,
            before=self._before,
            after=self._after or self._look() or self._before,
            received=report.received,
            participants=len(self._people),
        )


def _listed(reasons: Mapping[str, int]) -> str:
    """Reasons with their counts, the most frequent first."""
    ordered = sorted(reasons.items(), key=lambda entry: -entry[1])
    return "; ".join(f"{reason} ({count} times)" for reason, count in ordered)
