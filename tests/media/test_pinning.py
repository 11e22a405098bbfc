"""Which cores the media threads run on: each on its own while what they send is long."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.e2e.server import Server, serving
from tests.load.test_bench import start

CORES = sorted(os.sched_getaffinity(0))
ANYWHERE = [CORES for _ in CORES]
EACH_ON_ITS_OWN = [[core] for core in CORES]

LISTENERS = 100
"""For each media thread: 64 are served at a time, and the kernel deals them out unevenly."""


def allowed(server: Server) -> list[list[int]]:
    """The cores that each media thread may use."""
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    media = [int(task.name) for task in tasks if (task / "comm").read_text().startswith("hocket-media")]
    return sorted(sorted(os.sched_getaffinity(thread)) for thread in media)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("choice", ["auto", "off"])
async def test_while_somebody_talks_to_hundreds_each_media_thread_stays_on_its_own_core(choice: str) -> None:
    people = LISTENERS * len(CORES)
    options = [f"--workers={len(CORES)}", f"--pin-workers={choice}", f"--limits.participants={people}"]
    async with serving(*options) as server:
        seen = [allowed(server)]
        client = await start(f"--url {server.stream_url} --participants {people} --speakers 1 --seconds 3 --json")
        async with asyncio.TaskGroup() as tasks:
            measuring = tasks.create_task(client.communicate())
            while not measuring.done():
                seen.append(allowed(server))
                await asyncio.sleep(0.05)
        assert client.returncode == 0, measuring.result()[1].decode()
        assert sorted(os.sched_getaffinity(server.process.pid)) == CORES, "nobody else is told where to run"
    assert seen[0] == ANYWHERE
    assert (EACH_ON_ITS_OWN in seen) == (choice == "auto" or len(CORES) == 1)
