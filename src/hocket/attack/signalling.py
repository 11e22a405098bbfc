"""Attacks on the protocol above the WebSocket, by somebody who may open a stream: T12, T17, T19."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from hocket.attack import garbage, wire
from hocket.attack.effort import Budget, Effort, Pace
from hocket.attack.raw import BINARY, Raw, RawRefused, frame
from hocket.attack.target import Target, opened
from hocket.load.crowd import LoadClient, MediaError
from hocket.load.participant import Participant, Seat, join
from hocket.load.shapes import ShapeError
from hocket.load.stream import Stream, StreamError

_TURN_SECONDS = 0.01
_JOINS_PER_SECOND = 200
_JOINS_AT_ONCE = 16
_SLEEPERS = 4
_LOUD_PEOPLE = 4
_LOUD_BYTES = 1_200
"""A payload ten times as long as that of ordinary speech."""

_INTERNAL = "hrpc.internal-server-error"


async def wrong_requests(target: Target, budget: Budget) -> Effort:
    """JSON and protobuf that are none: each must end its own stream with an error."""
    effort = Effort()
    until = time.monotonic() + budget.seconds
    wrong = [(name, wire.prepare(text)) for name, text in garbage.texts().items()]
    wrong += list(garbage.broken_frames().items())
    number, answers = 0, Counter[str]()
    while number == 0 or (number < 10 * len(wrong) and time.monotonic() < until):
        name, request = wrong[number % len(wrong)]
        first = [wire.initialize(target)] if number % len(wrong) < len(garbage.texts()) else []
        answer = await _last_word(target, number, [*first, request])
        answers[answer] += 1
        if answer in ("no-answer", _INTERNAL) or answer.startswith("taken"):
            effort.broken.append(f"It does not refuse {name}: {answer}.")
        number += 1
    effort.inputs = number
    effort.notes.append(_listed(answers))
    if await _last_word(target, number, [garbage.with_unknown_fields(wire.initialize(target))]) != "taken: initialized":
        effort.broken.append("It does not pass over unknown fields.")
    return effort


async def _last_word(target: Target, number: int, frames: list[bytes]) -> str:
    """The identifier of the error that ends the stream, or the answer to the last frame after `taken`."""
    try:
        stream = await opened(target.url, target.token(number % 16))
    except StreamError as error:
        return error.reason
    try:
        for one in frames:
            await stream.send_bytes(one)
        async with asyncio.timeout(10.0):
            for _ in frames[1:]:
                await stream.receive()
            return f"taken: {(await stream.receive()).WhichOneof('message')}"
    except StreamError as error:
        return error.reason
    except TimeoutError:
        return "no-answer"
    finally:
        await stream.close()


async def requests(target: Target, budget: Budget) -> Effort:
    """Requests faster than anybody has cause for, again on a new stream each time one is ended for it.

    They are harmless ones: to resume somebody who is heard already.
    """
    effort, pace, ends = Effort(), Pace(budget), Counter[str]()
    async with contextlib.AsyncExitStack() as stack:
        try:
            speaker = await _opened(stack, target, 0)
            await wire.whole_join(speaker, target, 0, speaks=True)
        except StreamError as error:
            effort.notes.append(f"Nobody could join: {error}.")
            return effort
        number = 0
        while pace.due() is not None:
            number += 1
            await _request(target, 1 + number % 15, effort, pace, ends)
            await asyncio.sleep(_TURN_SECONDS)
    effort.notes.append(f"{number} streams, ended by: {_listed(ends)}" if ends else "No stream was ended for it.")
    return effort


async def _request(target: Target, number: int, effort: Effort, pace: Pace, ends: Counter[str]) -> None:
    """One stream's requests, until it is ended or the budget is spent."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            stream = await _opened(stack, target, number)
            heard = (await wire.whole_join(stream, target, number, speaks=False)).other_users
            resume = wire.resume(heard[0].consumer_id if heard else "nobody")
            while (due := pace.due()) is not None:
                for _ in range(due):
                    effort.inputs += 1
                    await stream.send_bytes(resume)
                await asyncio.sleep(_TURN_SECONDS)
        except StreamError as error:
            ends[error.reason] += 1


async def _opened(stack: contextlib.AsyncExitStack, target: Target, number: int) -> Stream:
    stream = await opened(target.url, target.token(number))
    stack.push_async_callback(stream.close)
    return stream


async def slow_reader(target: Target, budget: Budget) -> Effort:
    """Members who never read what they are told, while others come and go in their channel."""
    effort = Effort()
    async with contextlib.AsyncExitStack() as stack:
        for number in range(min(_SLEEPERS, budget.connections)):
            try:
                raw = await stack.enter_async_context(await Raw.upgrade(target, target.token(number)))
            except RawRefused as error:
                effort.notes.append(f"A sleeper was refused: {error}.")
                continue
            raw.do_not_read()
            for request in (wire.initialize(target), wire.prepare(garbage.RIGHT), wire.join(number, speaks=False)):
                raw.write(frame(BINARY, request))
            effort.inputs += 1
        churn = await come_and_go(target, budget, first=_SLEEPERS)
    effort.inputs += churn.inputs
    effort.notes += churn.notes
    return effort


async def joins(target: Target, budget: Budget) -> Effort:
    """People who join with a microphone and leave, as fast as the server lets them, up to 200 a second."""
    return await come_and_go(target, budget, first=0)


async def come_and_go(target: Target, budget: Budget, first: int) -> Effort:
    """Joins and leaves of one channel, several at once; the first attacker's number is `first`."""
    effort, ends = Effort(), Counter[str]()
    pace = Pace(Budget(budget.seconds, min(_JOINS_PER_SECOND, budget.packets_per_second), budget.connections))
    room = asyncio.Semaphore(min(_JOINS_AT_ONCE, budget.connections))

    async def one(number: int) -> None:
        try:
            stream = await Stream.open(target.url, target.token(number))
        except StreamError as error:
            ends[error.reason] += 1
        else:
            try:
                await wire.whole_join(stream, target, number, speaks=True)
                ends["joined"] += 1
            except StreamError as error:
                ends[error.reason] += 1
            finally:
                await stream.close()
        room.release()

    async with asyncio.TaskGroup() as group:
        while (due := pace.due()) is not None:
            for _ in range(due):
                await room.acquire()
                group.create_task(one(first + effort.inputs % 64))
                effort.inputs += 1
            await asyncio.sleep(_TURN_SECONDS)
    effort.notes.append(_listed(ends))
    return effort


async def loud_people(target: Target, budget: Budget) -> Effort:
    """Four people of another channel whose packets are ten times as long as speech, which all hear."""
    effort, crowd = Effort(), LoadClient(threads=1, sample=64)
    people: list[Participant] = []
    try:
        for number in range(_LOUD_PEOPLE):
            people.append(await join(target.url, crowd, _loud(target, number)))
        async with asyncio.TaskGroup() as group:
            followers = [group.create_task(_follow(person)) for person in people]
            await asyncio.sleep(budget.seconds)
            for follower in followers:
                follower.cancel()
        report = crowd.report()
        effort.inputs, effort.answers = sum(report.sent.values()), report.received
        effort.bytes_out, effort.bytes_back = effort.inputs * _LOUD_BYTES, effort.answers * _LOUD_BYTES
    except (StreamError, ShapeError, MediaError) as error:
        effort.notes.append(f"They could not all join: {error}.")
    finally:
        for person in people:
            await person.stream.close()
        crowd.close()
    return effort


async def _follow(person: Participant) -> None:
    with contextlib.suppress(StreamError, ShapeError, MediaError):
        await person.listen()


def _loud(target: Target, number: int) -> Seat:
    return Seat(
        number=101 + number,
        place=0,
        guild=target.options.guild,
        channel=target.channel,
        token=target.token(number),
        speaks=True,
        talks=True,
        listens=False,
        payload=_LOUD_BYTES,
        vary=0,
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) + "."
