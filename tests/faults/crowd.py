"""People with real media for the tests of faults: the load client's, whose voices go on while this process waits."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

from hocket.load.crowd import LoadClient, LoadReport
from hocket.load.participant import Participant, Seat, join
from hocket.load.settled import Quiet
from hocket.load.stream import StreamError
from tests.server.running import until

CHANNEL = 2


class Crowd:
    """People in one channel. Everybody who has joined speaks until `measured` is called."""

    def __init__(self, base: str) -> None:
        self.people: list[Participant] = []
        self.native = LoadClient(sample=1)
        self._url = base.replace("http", "ws", 1).rstrip("/")
        self._group = asyncio.TaskGroup()
        self._followers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*(person.stream.close() for person in self.people))
        self.native.close()
        await self._group.__aexit__(kind, error, trace)

    async def join(self, number: int, *, channel: int = CHANNEL, listens: bool = False) -> Participant:
        """One more person, whose user id is `number`."""
        seat = Seat(
            number=number,
            place=0,
            guild=1,
            channel=channel,
            token=str(number),
            speaks=not listens,
            talks=not listens,
            listens=listens,
            payload=100,
            vary=0,
        )
        person = await join(self._url, self.native, seat)
        self.people.append(person)
        self._followers.append(self._group.create_task(self._follow(person)))
        return person

    async def all_heard(self, streams: int) -> None:
        """Waits until a packet of so many streams has come, one for each pair of a speaker and a listener."""
        await until(lambda: self.native.progress().begun >= streams, 20)

    @contextlib.asynccontextmanager
    async def measured(self, packets: int) -> AsyncIterator[Callable[[], Awaitable[LoadReport]]]:
        """Everybody falls silent and then says so many packets, one each 20 ms, from the beginning of the block on.

        What is given, called in the block, waits for the last of them and tells what came.
        """
        self.native.silence()
        await until(Quiet(lambda: self.native.progress().arrived, time.monotonic))
        self.native.measure(sound_ms=packets * 20)
        yield self._report

    async def _report(self) -> LoadReport:
        await until(lambda: not self.native.progress().speaking, 60)
        await until(Quiet(lambda: self.native.progress().arrived, time.monotonic))
        return self.native.report()

    async def _follow(self, person: Participant) -> None:
        try:
            await person.listen()
        except StreamError as error:
            person.ended = error.reason


def nothing_lost(report: LoadReport, expected: int) -> bool:
    """Whether so many packets were to come, and came."""
    return report.expected == report.received == expected and not report.unreadable
