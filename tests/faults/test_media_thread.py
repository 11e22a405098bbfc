"""A media thread of a running server dies, with people on it.

What kills it here is real, if rare: the kernel refuses the thread's poll. A panic takes the same way from the thread's
root on (`crates/engine/src/thread.rs`), and is what the engine's own tests kill it with.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hocket.load.participant import Participant
from hocket.media.engine import Event, WorkerFailed
from hocket.server import VoiceServer
from tests.faults.crowd import Crowd
from tests.server.running import running, until

WORKERS = 2
MANY = 40
"""People after whom it would be odd that one of two threads has none: the kernel deals them by their ports."""


def polls() -> set[int]:
    """The descriptors of this process that watch a waker and nothing else, as each media thread has one."""
    found = set()
    for number in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            if kind(number) == "anon_inode:[eventpoll]" and [kind(each) for each in watched(number)] == [
                "anon_inode:[eventfd]"
            ]:
                found.add(number)
    return found


def kind(descriptor: int) -> str:
    return os.readlink(f"/proc/self/fd/{descriptor}")


def watched(poll: int) -> list[int]:
    lines = Path(f"/proc/self/fdinfo/{poll}").read_text().splitlines()
    return [int(line.split()[1]) for line in lines if line.startswith("tfd:")]


@contextlib.contextmanager
def broken(poll: int) -> Iterator[None]:
    """The kernel refuses to wait on this descriptor for the length of the block."""
    whole, nothing = os.dup(poll), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, poll, inheritable=False)
    try:
        yield
    finally:
        os.dup2(whole, poll, inheritable=False)
        os.close(whole)
        os.close(nothing)


def failures(voice: VoiceServer) -> list[WorkerFailed]:
    """The deaths from now on, a list that grows."""
    found: list[WorkerFailed] = []
    told = voice.engine._on_event
    assert told is not None

    def hear(event: Event) -> None:
        if isinstance(event, WorkerFailed):
            found.append(event)
        told(event)

    voice.engine._on_event = hear
    return found


async def come(crowd: Crowd, voice: VoiceServer, number: int) -> tuple[Participant, set[int]]:
    """One more person, and the threads that own one of its transports."""
    before = [core.transports for core in voice.engine.dump().cores]
    person = await crowd.join(number)
    await until(lambda: sum(core.transports for core in voice.engine.dump().cores) == sum(before) + 2)
    after = [core.transports for core in voice.engine.dump().cores]
    return person, {worker for worker in range(WORKERS) if after[worker] > before[worker]}


async def test_a_dead_thread_ends_the_streams_on_it_is_replaced_and_harms_nobody_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = polls()
    async with contextlib.AsyncExitStack() as stack:
        voice, base = await stack.enter_async_context(running(workers=WORKERS))
        poll, _ = polls() - before
        crowd = await stack.enter_async_context(Crowd(base))
        homes: list[tuple[Participant, set[int]]] = []
        while any(sum(home == {worker} for _, home in homes) < 2 for worker in range(WORKERS)):
            homes.append(await come(crowd, voice, len(homes) + 1))
            assert len(homes) < MANY
        await crowd.all_heard(len(homes) * (len(homes) - 1))
        deaths = failures(voice)
        async with crowd.measured(150) as report:
            with broken(poll):
                await until(lambda: len(deaths) >= 3)  # its successors find the poll no better
            measured = await report()
        assert measured.expected == measured.received, "who goes on misses nothing"

        dead = deaths[0].worker
        lost = [person for person, home in homes if dead in home]
        kept = [person for person, home in homes if dead not in home]
        await until(lambda: all(person.ended is not None for person in lost))
        assert {person.ended for person in lost} == {"hrpc.unavailable"}
        assert [person.ended for person in kept] == [None] * len(kept)
        assert {death.worker for death in deaths} == {dead}
        assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
            f"media thread {dead} failed and was replaced: {len(deaths[0].transports)} transports lost"
        ]

        new: list[Participant] = []
        homeless = True
        while homeless:
            person, home = await come(crowd, voice, len(homes) + len(new) + 1)
            new.append(person)
            homeless = dead not in home
            assert len(new) < MANY
        here = len(kept) + len(new)
        assert len(voice.channels[1, 2].participants) == here  # type: ignore[index]
        await until(lambda: crowd.native.progress().connected >= 2 * (len(homes) + len(new)))
        async with crowd.measured(50) as report:
            measured = await report()
        assert measured.expected == measured.received == here * (here - 1) * 50
        assert voice.engine.dump().threads == WORKERS
    await until(lambda: voice.streams == 0)
