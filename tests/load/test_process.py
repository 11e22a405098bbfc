"""What the load client takes from a server on the same machine."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from hocket.load.crowd import THREADS, LoadClient
from hocket.load.process import step_aside

PATIENCE = 10.0
"""Seconds that anything may take on a busy machine."""


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
        until = time.monotonic() + PATIENCE
        while len(clients := threads(of_clients=True)) < 2 and time.monotonic() < until:
            time.sleep(0.01)  # a thread names itself when it begins to run
        assert len(clients) >= 2
        others = threads(of_clients=False)
        before = {thread: os.sched_getscheduler(thread) for thread in others}
        step_aside(THREADS)
        assert {os.sched_getscheduler(thread) for thread in clients} == {os.SCHED_IDLE}
        there_still = others & threads(of_clients=False)
        assert os.getpid() in there_still
        assert {thread: os.sched_getscheduler(thread) for thread in there_still}.items() <= before.items()
    finally:
        crowd.close()
