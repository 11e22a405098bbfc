"""Two people who talk while an attack goes on: every packet of each to the other is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hocket.attack.options import AttackOptions
from hocket.attack.report import Heard, lost
from hocket.load.crowd import LoadClient, MediaError
from hocket.load.options import BenchError
from hocket.load.participant import Participant, Seat, join
from hocket.load.settled import Quiet
from hocket.load.shapes import ShapeError
from hocket.load.stream import StreamError

_PAYLOAD = 100
_CONNECT_SECONDS = 20.0
_PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.02


class Pair:
    """See the module's documentation. A context manager: within it both are in their channel."""

    def __init__(self, url: str, options: AttackOptions) -> None:
        """For a server at a WebSocket URL."""
        self._url = url
        self._options = options
        self._crowd = LoadClient(threads=1, sample=1)
        self._people: list[Participant] = []
        self._followers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Joins and connects.

        Raises:
            BenchError: they cannot; nobody could be harmed then.
        """
        try:
            await self._come()
        except (StreamError, ShapeError, MediaError) as error:
            await self._go()
            raise BenchError(f"The two people who are to talk cannot join {self._url}: {error}.") from None
        except BaseException:
            await self._go()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves."""
        await self._go()

    @property
    def cut_off(self) -> list[str]:
        """Why one of them would have to come again: streams and transports that have ended."""
        ended = [person.ended for person in self._people if person.ended is not None]
        return ended + [reason for _, reason in self._crowd.report().failures]

    async def talk(self, seconds: float) -> Heard:
        """Has each talk for so long; gives what the other heard of their packets, once all has arrived."""
        self._crowd.measure(sound_ms=max(1, round(seconds * 1_000)))
        await asyncio.sleep(seconds)  # they cannot be done before, and have perhaps not yet begun
        until = time.monotonic() + _PATIENCE_SECONDS
        await _until(lambda: not self._crowd.progress().speaking, until)
        self._crowd.silence()  # who got no core for so long says no more: what is still under way would seem lost
        until = time.monotonic() + _PATIENCE_SECONDS
        await _until(Quiet(lambda: self._crowd.progress().arrived, time.monotonic), until)
        report = self._crowd.report()
        dropped = sum(one.socket_drops + one.unsent for one in report.threads)
        return Heard(
            sent=sum(report.sent.values()),
            asked=report.asked,
            received=report.received,
            lost=lost(report.asked, report.received, dropped),
            own_drops=dropped,
            foreign=report.unreadable + report.unexpected,
            p50=report.delay.p50_ms,
            p99=report.delay.p99_ms,
            max=report.delay.max_ms,
        )

    async def _come(self) -> None:
        for number in (1, 2):
            person = await join(self._url, self._crowd, self._seat(number))
            self._people.append(person)
            self._followers.append(asyncio.ensure_future(_follow(person)))
        until = time.monotonic() + _CONNECT_SECONDS
        await _until(lambda: self._crowd.progress().begun >= 2 or self._crowd.progress().failed > 0, until)
        if self._crowd.progress().begun < 2:
            why = "; ".join(self.cut_off) or "no packet came"
            raise BenchError(f"The two people who are to talk do not hear each other at {self._url}: {why}.")
        self._crowd.silence()
        await _until(Quiet(lambda: self._crowd.progress().arrived, time.monotonic), until)

    async def _go(self) -> None:
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)
        for person in self._people:
            await person.stream.close()
        self._crowd.close()

    def _seat(self, number: int) -> Seat:
        return Seat(
            number=number,
            place=0,
            guild=self._options.guild,
            channel=self._options.first_channel,
            token=self._options.token(number),
            speaks=True,
            talks=True,
            listens=False,
            payload=_PAYLOAD,
            vary=0,
        )


async def _follow(person: Participant) -> None:
    try:
        await person.listen()
    except (StreamError, ShapeError, MediaError) as error:
        person.ended = str(error)


async def _until(condition: Callable[[], bool], until: float) -> None:
    while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - counters of native threads
        await asyncio.sleep(_LOOK_SECONDS)
