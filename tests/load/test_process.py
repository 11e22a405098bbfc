"""What the load client takes from a server on the same machine."""

from __future__ import annotations

import os
from pathlib import Path

from hocket.load.crowd import THREADS, LoadClient
from hocket.load.process import step_aside


def scheduling() -> dict[str, int]:
    """The class of each thread of this process, by its name."""
    tasks = list(Path("/proc/self/task").glob("*"))
    return {(task / "comm").read_text().strip(): os.sched_getscheduler(int(task.name)) for task in tasks}


def test_the_clients_threads_step_aside_for_the_server_and_no_others_do() -> None:
    crowd = LoadClient(threads=2, sample=1)
    try:
        before, own = scheduling(), os.sched_getscheduler(0)
        assert {f"{THREADS}0", f"{THREADS}1"} <= before.keys()
        step_aside(THREADS)
        after = scheduling()
        assert after[f"{THREADS}0"] == after[f"{THREADS}1"] == os.SCHED_IDLE
        assert os.sched_getscheduler(0) == own
        rest = {name: kind for name, kind in after.items() if not name.startswith(THREADS)}
        assert rest.items() <= before.items()
    finally:
        crowd.close()
