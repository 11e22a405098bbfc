"""What whole servers cost beside the floor: `python -m bench.shapes`, after `make native`.

Each shape is one `hocket bench` against a server of its own. Before and after each stands the floor, measured by the
program of `make bench` for as many listeners, so that a machine that is slow for a while is slow for both: a ratio is
the shape's CPU time a forwarded packet, everything that the server does included, by the mean of the two floors. Of
several rounds the median is shown.
"""

from __future__ import annotations

import argparse
import math
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from hocket.load.result import Result, ServerCost

_FLOOR = (
    "cargo",
    "bench",
    "--quiet",
    "--locked",
    "-p",
    "hocket-engine",
    "--bench",
    "floor",
    "--",
    "--floor",
    "--quick",
)
_FLOOR_ROW = re.compile(r"floor: send \+ cipher, (\d+) listeners +([\d.]+)")

_MEBIBYTE = 1024 * 1024

_CHANNEL = 50
"""Listeners whose floor a shape is held against when it is about no packets."""


@dataclass(frozen=True)
class Shape:
    """One load, and what it has to reach.

    Attributes:
        name: what the table calls it.
        words: options of `hocket bench`, without --seconds and --json.
        figure: what is to be reached, out of the server's cost, the floor in ns a packet, and the seconds.
        limit: the most that it may be; None where it is shown for comparison.
        unit: of both.
        listeners: how many hear each packet: 1, 10, 25, 50, 100 or 1,000, those that the floor is measured for.
    """

    name: str
    words: tuple[str, ...]
    figure: Callable[[ServerCost, float, float], float]
    limit: float | None
    unit: str
    listeners: int = _CHANNEL


def _ratio(cost: ServerCost, floor: float, _seconds: float) -> float:
    return (cost.ns_per_packet or 0.0) / floor


def _cores(cost: ServerCost, _floor: float, seconds: float) -> float:
    return (cost.user_seconds + cost.system_seconds) / seconds


def _join_ms(cost: ServerCost, _floor: float, _seconds: float) -> float:
    return cost.join_ms or 0.0


def _kilobytes(cost: ServerCost, _floor: float, _seconds: float) -> float:
    return cost.memory_per_participant / 1_000


def _people(participants: int, *more: str, channels: int = 1, serve: str = "") -> tuple[str, ...]:
    words = ("--channels", str(channels), "--participants", str(participants), *more)
    return (*words, "--serve", serve) if serve else words


_ONE = "--workers 1"
_PLAIN = "--workers 1 --gather-ms 0"

SHAPES = (
    Shape("1 x 50, no bundles", _people(50, serve=_PLAIN), _ratio, 1.6, "x floor"),
    Shape("1 x 50", _people(50, serve=_ONE), _ratio, 1.2, "x floor"),
    Shape("1 x 50, variable bit rate", _people(50, "--vary", "40", serve=_ONE), _ratio, 1.2, "x floor"),
    Shape("1 x 10", _people(10, serve=_ONE), _ratio, 4.0, "x floor", 10),
    Shape("10 x 10", _people(10, channels=10, serve=_ONE), _ratio, 2.8, "x floor", 10),
    Shape("1,000 x 2", _people(2, "--joins", "16", channels=1_000, serve=_ONE), _ratio, 5.0, "x floor", 1),
    Shape("1 x 50, two workers", _people(50, serve="--workers 2"), _ratio, None, "x floor"),
    Shape("200 open, 3 talk", _people(200, "--talking", "3", serve=_ONE), _cores, 0.2, "cores"),
    Shape("200 open, all workers", _people(200, "--talking", "3"), _cores, None, "cores"),
    Shape(
        "200 open, each 20 ms", _people(200, "--talking", "3", serve="--workers 1 --ptime 20"), _cores, None, "cores"
    ),
    Shape("1,000, 3 speak", _people(1_000, "--speakers", "3"), _cores, 0.35, "cores"),
    Shape("1,000, each 20 ms", _people(1_000, "--speakers", "3", serve="--ptime 20"), _cores, None, "cores"),
    Shape("joins, 20 x 10", _people(10, "--speakers", "0", channels=20), _join_ms, 2.5, "ms"),
    Shape("memory, 1,000 x 2", _people(2, "--speakers", "0", channels=1_000), _kilobytes, 150.0, "kB each"),
)


def floors() -> dict[int, float]:
    """ns a packet of the floor, by listeners."""
    printed = subprocess.run(_FLOOR, check=True, capture_output=True, text=True).stdout
    return {int(listeners): float(ns) for listeners, ns in _FLOOR_ROW.findall(printed)}


def load(shape: Shape, seconds: float) -> Result:
    """One run of `hocket bench`; its progress goes to the terminal."""
    words = [sys.executable, "-m", "hocket", "bench", *shape.words, "--seconds", f"{seconds:g}", "--json"]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    return msgspec.json.decode(done.stdout, type=Result)


def measure(shapes: list[Shape], rounds: int, seconds: float) -> dict[str, list[tuple[Result, float]]]:
    """All shapes in turns; each with the mean of the floors before and after it."""
    found: dict[str, list[tuple[Result, float]]] = {shape.name: [] for shape in shapes}
    before = floors()
    for number in range(1, rounds + 1):
        for shape in shapes:
            print(f"round {number} of {rounds}: {shape.name}", file=sys.stderr)
            result, after = load(shape, seconds), floors()
            found[shape.name].append((result, (before[shape.listeners] + after[shape.listeners]) / 2))
            before = after
    return found


COLUMNS = (
    "ns",
    "floor",
    "cores",
    "thread",
    "lost",
    "p50 ms",
    "p99",
    "ms/join",
    "x own",
    "p99",
    "first",
    "MiB",
    "kB each",
)
"""CPU time a forwarded packet and its floor, ns; cores used, by all and by the busiest thread; packets lost; one-way
delay; CPU of a join in ms, the same in times what the load client's own side of it took, and its time at p99, ms; first
packet at p50, ms; memory in all and a participant."""


def row(shape: Shape, runs: list[tuple[Result, float]]) -> str:
    """A line of the table: the median run by the shape's own figure."""
    rated = sorted(((_figure(shape, result, floor), result, floor) for result, floor in runs), key=lambda one: one[0])
    figure, result, floor = rated[len(rated) // 2]
    assert result.server is not None
    cost, seconds = result.server, result.seconds
    cells = (
        f"{cost.ns_per_packet or 0:,.0f}",
        f"{floor:,.0f}",
        f"{_cores(cost, floor, seconds):.2f}",
        f"{max(cost.thread_seconds, default=0.0) / seconds:.2f}",
        f"{result.packets.lost}",
        f"{result.delay_ms.p50 or 0:.2f}",
        f"{result.delay_ms.p99 or 0:.2f}",
        f"{cost.join_ms or 0:.2f}",
        f"{(cost.join_ms or 0) / (result.client.join_ms or math.inf):.2f}",
        f"{result.join_ms.p99 or 0:.0f}",
        f"{result.first_packet_ms.p50 or 0:.1f}",
        f"{cost.memory / _MEBIBYTE:.0f}",
        f"{cost.memory_per_participant / 1_000:.0f}",
    )
    reached = "" if shape.limit is None else f"<= {shape.limit:g}" + ("" if figure <= shape.limit else "  NOT REACHED")
    limits = "; ".join(result.client.limited_by)
    return f"{_line(shape.name, cells)}{figure:>9.2f} {shape.unit:<8}{reached:<20}{limits}".rstrip()


def _line(name: str, cells: tuple[str, ...]) -> str:
    return f"{name:<27}" + "".join(f"{cell:>8}" for cell in cells)


def _figure(shape: Shape, result: Result, floor: float) -> float:
    assert result.server is not None, "hocket bench measures the server that it starts"
    return shape.figure(result.server, floor, result.seconds)


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each shape, in turns; the median counts (3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run (10)")
    parser.add_argument("--only", default="", help="shapes whose name holds this")
    chosen = parser.parse_args()
    shapes = [shape for shape in SHAPES if chosen.only in shape.name]
    found = measure(shapes, chosen.rounds, chosen.seconds)
    spread = statistics.quantiles([floor for runs in found.values() for _, floor in runs] * 2, n=4)
    print(f"floor, ns a packet: middle half {spread[0]:,.0f} to {spread[2]:,.0f}")
    print(_line("", COLUMNS))
    for shape in shapes:
        print(row(shape, found[shape.name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
