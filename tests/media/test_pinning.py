"""Which cores the media threads run on."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hocket.media.engine import MediaEngine

from .conftest import threads, until

Make = Callable[..., MediaEngine]
CORES = os.sched_getaffinity(0)


def allowed() -> dict[str, set[int]]:
    """The cores that each media thread may use, by its name."""
    tasks = [(task.name, (task / "comm").read_text().strip()) for task in Path("/proc/self/task").iterdir()]
    return {name: os.sched_getaffinity(int(tid)) for tid, name in tasks if name.startswith("hocket-media")}


async def test_with_a_media_thread_for_each_core_each_stays_on_its_own(loopback: Make) -> None:
    async with loopback(workers=len(CORES)):
        own = [{core} for core in sorted(CORES)]
        await until(lambda: sorted(map(sorted, allowed().values())) == sorted(map(sorted, own)))
    assert os.sched_getaffinity(0) == CORES, "nobody else is told where to run"


@pytest.mark.parametrize(("more", "pin"), [(1, True), (-1, True), (0, False)])
async def test_with_more_or_fewer_threads_or_when_told_so_they_run_anywhere(
    loopback: Make, more: int, pin: bool
) -> None:
    if len(CORES) + more == 0:
        more = 2
    async with loopback(workers=len(CORES) + more, pin_workers=pin) as engine:
        await until(lambda: len(threads()) == engine.workers)
        assert all(cores == CORES for cores in allowed().values())
