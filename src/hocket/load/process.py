"""What a process of this machine costs, from `/proc`, and how ours takes nothing from it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12
"""Fields of `/proc/PID/stat` behind the command's name, from 0 (proc_pid_stat(5): utime and stime)."""


class ProcessGone(Exception):
    """There is no such process, or it may not be looked at."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far.

    Attributes:
        cpu: CPU seconds, to the clock's ns: what a process uses in a second of little load is less than a tick.
        user: those of its own code, to 10 ms.
        system: those of the kernel on its behalf, to 10 ms.
        memory: resident bytes.
        threads: CPU seconds of each thread that there is, to 10 ms, by its id.
    """

    cpu: float
    user: float
    system: float
    memory: int
    threads: Mapping[int, float] = field(default_factory=dict)


def usage(pid: int) -> Usage:
    """Looks at a process.

    Raises:
        ProcessGone: there is none, or this system has no `/proc`.
    """
    folder = Path("/proc") / str(pid)
    try:
        stat, status = (folder / "stat").read_text(), (folder / "status").read_text()
        threads, cpu = _threads(folder), time.clock_gettime(_clock(pid))
    except OSError as error:
        raise ProcessGone(f"process {pid} cannot be measured: {error.strerror}") from None
    user, system = _times(stat)
    resident = next((line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")), "0")
    return Usage(cpu, user, system, int(resident) * 1024, threads)


def step_aside(names: str) -> None:
    """Lets the threads of this process whose names begin so run only where nobody else wants to (`SCHED_IDLE`).

    For good: only root could take it back. Where a system has no such class nothing happens.
    """
    for task in Path("/proc/self/task").glob("*"):
        with contextlib.suppress(OSError, AttributeError):  # it has ended meanwhile; or no Linux
            if (task / "comm").read_text().startswith(names):
                os.sched_setscheduler(int(task.name), os.SCHED_IDLE, os.sched_param(0))


def _clock(pid: int) -> int:
    """The clock of a process's CPU time, ended threads included, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


def _threads(folder: Path) -> dict[int, float]:
    seconds = {}
    for task in (folder / "task").iterdir():
        with contextlib.suppress(OSError):  # it has ended meanwhile
            seconds[int(task.name)] = sum(_times((task / "stat").read_text()))
    return seconds


def _times(stat: str) -> tuple[float, float]:
    fields = stat.rpartition(")")[2].split()
    return int(fields[_USER]) / _TICKS, int(fields[_SYSTEM]) / _TICKS
