"""Ten thousand joins and more at a server of its own, beside two people who talk from the first to the last.

Memory is the server process's resident bytes after each round, when everybody but the two has left and descriptors and
threads are back. The first quarter is the warm-up: what is allocated once, and what allocators keep. Were there cycles,
Python would collect them every so many joins, and memory be a saw; so what is compared is the lowest of the rounds in
the first half of what is left, and in the second. A leak lifts both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hocket.attack.options import AttackOptions
from hocket.attack.pair import Pair
from hocket.attack.report import Heard, Held
from hocket.attack.watch import held
from hocket.load.options import BenchOptions, websocket_url
from hocket.load.own_server import arguments, own_server
from tests.soak.churn import CHANNELS, PEOPLE, Churn

WAVES = 12
JOINS_A_ROUND = WAVES * CHANNELS * PEOPLE

WARM_UP = 0.25
"""Share of the rounds that are not compared."""

_TALK_SECONDS = 10.0
_BACK_SECONDS = 30.0
_LOOK_SECONDS = 0.05


@dataclass(slots=True)
class Soak:
    """What came of it.

    Attributes:
        joins: people who came as far as they meant to; the others by why not.
        heard: packets that they heard of each other.
        base: what the server's process held before the first, the two people being there.
        rounds: what it held after each round.
        windows: what the two people heard of each other, each ten seconds.
        cut_off: why one of the two was, if so.
    """

    joins: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    heard: int = 0
    seconds: float = 0.0
    base: Held | None = None
    rounds: list[Held] = field(default_factory=list)
    windows: list[Heard] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Packets of the two that were sent, and that neither arrived nor were dropped by this client's own sockets."""
        return sum(max(0, one.sent - one.received - one.own_drops) for one in self.windows)

    @property
    def memory(self) -> tuple[float, float]:
        """The two lows that are compared: bytes."""
        return halves([one.memory for one in self.rounds])

    @property
    def growth(self) -> float:
        """By what share memory has grown from the one to the other."""
        before, after = self.memory
        return after / before - 1

    def lines(self) -> list[str]:
        """For people."""
        assert self.base is not None
        before, after = self.memory
        sent, dropped = sum(one.sent for one in self.windows), sum(one.own_drops for one in self.windows)
        slowest = max((one.p99 or 0.0 for one in self.windows), default=0.0)
        last = self.rounds[-1]
        return [
            f"{self.joins} joins in {self.seconds:.0f} s, {self.joins / self.seconds:.0f} a second; "
            f"{sum(self.failures.values())} failed; {self.heard} packets heard.",
            f"Memory: {self.base.memory / 2**20:.1f} MiB before the first, {before / 2**20:.1f} after the warm-up, "
            f"{after / 2**20:.1f} at the end: {self.growth:+.1%}.",
            f"Descriptors: {self.base.descriptors} before, {last.descriptors} after; "
            f"threads: {self.base.threads} before, {last.threads} after.",
            f"The two people: {sent} packets sent, {self.lost} lost, {dropped} dropped by this client; "
            f"p99 of the delay at most {slowest:.1f} ms in ten seconds.",
            *(f"One of the two was cut off: {reason}." for reason in self.cut_off),
            *(f"{count} times: {reason}" for reason, count in self.failures.items()),
        ]


def halves(values: Sequence[float]) -> tuple[float, float]:
    """The lowest of each half of what comes after the warm-up.

    Raises:
        ValueError: there are fewer than four values, of which nothing can be said.
    """
    if len(values) < 4:
        raise ValueError("too few rounds")
    compared = values[int(len(values) * WARM_UP) :]
    middle = len(compared) // 2
    return min(compared[:middle]), min(compared[middle:])


async def soak(joins: int, seconds: float, say: Callable[[str], None]) -> Soak:
    """Goes on until there were so many joins, and so many seconds are over.

    Raises:
        BenchError: the two people cannot join, or the load client fails.
        StartError: the server does not start.
    """
    # The limits of a bench: all come from one address here.
    words = arguments(BenchOptions(channels=CHANNELS, participants=2 * PEOPLE))
    async with own_server(words) as server:
        url = websocket_url(server.url)
        async with Pair(url, AttackOptions()) as pair:
            return await _beside(pair, Churn(url, seed=1), server.pid, joins, seconds, say)


async def _beside(pair: Pair, churn: Churn, pid: int, joins: int, seconds: float, say: Callable[[str], None]) -> Soak:
    found, over = Soak(base=held(pid)), asyncio.Event()
    assert found.base is not None
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(_talk(pair, found, over))
        try:
            while churn.joins < joins or time.monotonic() - began < seconds:
                await churn.round(WAVES)
                found.rounds.append(await _back(pid, found.base))
                say(f"{churn.joins} joins, {found.rounds[-1].memory / 2**20:.1f} MiB")
                if pair.cut_off or sum(churn.failures.values()) > joins // 10:
                    break  # there is nothing to be proved any more
        finally:
            over.set()
    found.joins, found.failures, found.heard = churn.joins, dict(churn.failures), churn.heard
    found.seconds, found.cut_off = time.monotonic() - began, pair.cut_off
    return found


async def _talk(pair: Pair, found: Soak, over: asyncio.Event) -> None:
    while not over.is_set():
        found.windows.append(await pair.talk(_TALK_SECONDS))


async def _back(pid: int, base: Held) -> Held:
    """Waits until descriptors and threads are back, for 30 s at most: some of those who left said nothing at all."""
    until = time.monotonic() + _BACK_SECONDS
    while True:
        now = held(pid)
        assert now is not None, "the server is gone"
        if (now.descriptors <= base.descriptors and now.threads <= base.threads) or time.monotonic() > until:
            return now
        await asyncio.sleep(_LOOK_SECONDS)
