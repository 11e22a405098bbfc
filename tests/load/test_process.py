"""What the load client takes from a server on the same machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from hocket.load.crowd import THREADS, LoadClient
from hocket.load.process import step_aside


def threads(*, of_clients: bool) -> set[int]:
    """The threads of this process that are a load client's, or the others."""
    found = set()
    for task in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError):
            if (task / "comm").read_text().startswith(THREADS) == of_clients:
                found.add(int(task.name))
    return found


def test_the_clients_threads_step_aside_for_the_server_and_no_others_do() -> None:
    crowd = LoadClient(threads=2, sample=1)
    try:
        clients, others = threads(of_clients=True), threads(of_clients=False)
        before = {thread: os.sched_getscheduler(thread) for thread in others}
        assert len(clients) >= 2
        step_aside(THREADS)
        assert {os.sched_getscheduler(thread) for thread in clients} == {os.SCHED_IDLE}
        there_still = others & threads(of_clients=False)
        assert os.getpid() in there_still
        assert {thread: os.sched_getscheduler(thread) for thread in there_still}.items() <= before.items()
    finally:
        crowd.close()
