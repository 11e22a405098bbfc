"""People who come, talk and leave, in waves, by all the ways there are to leave."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from hocket.load.crowd import LoadClient, MediaError
from hocket.load.participant import Participant, Seat, join
from hocket.load.settled import Settled
from hocket.load.shapes import ShapeError
from hocket.load.stream import Request, Stream, StreamError

CHANNELS = 8
PEOPLE = 5
"""In each channel of a wave. Two of them only listen, and each tenth who comes never gets as far as a channel."""

AT_ONCE = 8
FIRST_CHANNEL = 920_001
FIRST_USER = 100_000
"""Everybody is somebody new: what a server keeps by user would grow."""

_CONNECT_SECONDS = 30.0
_LOOK_SECONDS = 0.01


class Churn:
    """Waves of people at one server.

    Attributes:
        joins: how many have come as far as they meant to.
        failures: why others have not, or were without a transport.
        heard: packets that they heard of each other.
    """

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.chance = Random(seed)
        self.joins = 0
        self.failures: Counter[str] = Counter()
        self.heard = 0

    async def round(self, waves: int) -> None:
        """So many waves, with a load client of its own: what that one keeps is not the server's."""
        crowd = LoadClient(threads=1, sample=64)
        try:
            for _ in range(waves):
                await self._wave(crowd)
            self.heard += crowd.progress().arrived
        finally:
            crowd.close()

    async def _wave(self, crowd: LoadClient) -> None:
        room = asyncio.Semaphore(AT_ONCE)
        people: list[Participant] = []
        before = crowd.progress()
        async with asyncio.TaskGroup() as group:
            followers: list[asyncio.Task[None]] = []

            async def come(number: int) -> None:
                async with room:
                    person = await self._come(crowd, number)
                if person is not None:
                    people.append(person)
                    followers.append(group.create_task(_follow(person)))

            first = self.joins + sum(self.failures.values())
            async with asyncio.TaskGroup() as coming:
                for number in range(first, first + CHANNELS * PEOPLE):
                    coming.create_task(come(number))
            transports = sum(1 if person.sending is None else 2 for person in people)
            await _until(lambda: crowd.progress().connected - before.connected >= transports)
            missing = transports - (crowd.progress().connected - before.connected)
            if missing > 0:
                self.failures["a transport was not connected"] += missing
            speakers = Counter(person.seat.channel for person in people if person.seat.speaks)
            streams = sum(speakers[person.seat.channel] - person.seat.speaks for person in people)
            await _until(Settled(before.begun + streams, lambda: crowd.progress().begun, time.monotonic))
            for follower in followers:
                follower.cancel()
        await asyncio.gather(*(self._leave(crowd, person) for person in people))

    async def _come(self, crowd: LoadClient, number: int) -> Participant | None:
        token, place = str(FIRST_USER + number), number % CHANNELS
        try:
            if number % 10 == 9:
                await _turn_back(self.url, token, FIRST_CHANNEL + place)
                person = None
            else:
                person = await join(self.url, crowd, _seat(number, place, token))
        except (StreamError, ShapeError, MediaError) as error:
            self.failures[str(error)] += 1
            return None
        self.joins += 1
        return person

    async def _leave(self, crowd: LoadClient, person: Participant) -> None:
        """With a goodbye on the WebSocket, on the media, on both, or on none."""
        way = self.chance.randrange(4)
        if way % 2:
            for transport in (person.receiving, person.sending):
                if transport is not None:
                    crowd.close_transport(transport)
        if way < 2:
            await person.stream.close()
        else:
            person.stream._socket.transport.abort()


def _seat(number: int, place: int, token: str) -> Seat:
    order = number // CHANNELS % PEOPLE
    return Seat(
        number=1 + number,
        place=place,
        guild=0,
        channel=FIRST_CHANNEL + place,
        token=token,
        speaks=order < 3,
        talks=order < 3,
        listens=order == 4,
        payload=100,
        vary=40,
    )


async def _turn_back(url: str, token: str, channel: int) -> None:
    """Goes away in the middle of the handshake."""
    stream = await Stream.open(url, token)
    try:
        await stream.send(Request(initialize=Request.Initialize(guild_id=0, channel_id=channel)))
        await stream.expect("initialized")
    finally:
        stream._socket.transport.abort()


async def _follow(person: Participant) -> None:
    with contextlib.suppress(StreamError, ShapeError, MediaError):
        await person.listen()


async def _until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + _CONNECT_SECONDS
    while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - counters of native threads
        await asyncio.sleep(_LOOK_SECONDS)
