"""One run: two people talk; then, beside them, one attack after the other, each judged by what it did to others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from hocket.attack.catalogue import Attack
from hocket.attack.effort import Budget, Effort
from hocket.attack.options import AttackOptions
from hocket.attack.pair import Pair
from hocket.attack.report import Heard, Held, Outcome, Report, harm_to_pair, harm_to_process
from hocket.attack.target import EXHAUSTED, Target, find, prepared
from hocket.attack.watch import Peak, held, settled
from hocket.load.options import BenchError
from hocket.load.progress import ProgressLine
from hocket.load.shapes import ShapeError
from hocket.load.stream import StreamError

_UNATTACKED_SECONDS = 2.0
_JOIN_NUMBER = 5
"""Number of the token of somebody who joins after each attack."""

_JOIN_SECONDS = 20.0
"""How long a server may refuse that one, because the attackers came from the same address."""

_GRACE_SECONDS = 30.0
"""How much longer than it should an attack may take before it is stopped: a server that does not answer stops none."""


class Run:
    """Attacks on one server, and what came of them so far."""

    def __init__(self, url: str, options: AttackOptions, attacks: Sequence[Attack], pid: int | None) -> None:
        """Of a server at a WebSocket URL; `pid` is its process, when that can be watched."""
        self._url = url
        self._options = options
        self._attacks = attacks
        self._pid = pid
        self._unattacked: Heard | None = None
        self._outcomes: list[Outcome] = []

    async def perform(self, progress: ProgressLine) -> None:
        """Runs them all. Cancelled in the middle, it leaves what was found so far to `report`.

        Raises:
            BenchError: the two people cannot join, so that nothing can be said.
        """
        if self._pid is not None and held(self._pid) is None:
            raise BenchError(f"--pid: process {self._pid} cannot be watched.")
        try:
            target = await find(self._url, self._options)
        except (StreamError, ShapeError) as error:
            raise BenchError(f"Nobody could join {self._url}: {error}.") from None
        async with Pair(self._url, self._options) as pair:
            self._unattacked = await pair.talk(min(_UNATTACKED_SECONDS, self._options.seconds))
            for number, attack in enumerate(self._attacks):
                progress.tell(attack.name, number + 1, len(self._attacks))
                self._outcomes.append(await _one(attack, target, pair, self._pid))
                if pair.cut_off:
                    break  # nobody is left who could tell what the next one does

    def report(self) -> Report | None:
        """What was found; None before anything was."""
        if self._unattacked is None:
            return None
        harmed = any(one.harm for one in self._outcomes)
        return Report(url=self._url, unattacked=self._unattacked, attacks=self._outcomes, harmed=harmed)


async def _one(attack: Attack, target: Target, pair: Pair, pid: int | None) -> Outcome:
    options = target.options
    budget = Budget(options.seconds, options.packets_per_second, options.connections)
    before = None if pid is None else held(pid)
    async with Peak(pid) as peak:
        effort, heard = await _beside(attack, target, budget, pair)
    harm = effort.broken + harm_to_pair(heard, pair.cut_off)
    if (refused := await _join_refused(target)) is not None:
        harm.append(f"Nobody can join any more: {refused}.")
    after: Held | None = None
    if pid is not None and before is not None:
        after = await settled(pid, before)
        harm += harm_to_process(before, peak.held, after)
    return Outcome(
        name=attack.name,
        classes=attack.classes,
        sentence=attack.sentence,
        seconds=budget.seconds,
        inputs=effort.inputs,
        bytes_out=effort.bytes_out,
        answers=effort.answers,
        bytes_back=effort.bytes_back,
        notes=effort.notes,
        heard=heard,
        harm=harm,
        before=before,
        peak=peak.held,
        after=after,
    )


async def _beside(attack: Attack, target: Target, budget: Budget, pair: Pair) -> tuple[Effort, Heard]:
    """The attack, and what the two people heard of each other from its beginning to its end."""
    async with asyncio.TaskGroup() as group:
        talk = group.create_task(pair.talk(budget.seconds))
        effort = await _bounded(attack, target, budget)
    return effort, talk.result()


async def _bounded(attack: Attack, target: Target, budget: Budget) -> Effort:
    """The attack, ended when it takes too long. That it could not be done at all is harm too: it was before."""
    try:
        async with asyncio.timeout(budget.seconds + _GRACE_SECONDS):
            return await attack.perform(target, budget)
    except TimeoutError:
        return Effort(broken=[f"It does not answer: the attack was stopped {_GRACE_SECONDS:.0f} s late."])
    except StreamError as error:
        if error.reason == EXHAUSTED:
            return Effort(notes=[f"The attackers were not let in: {error}."])
        return Effort(broken=[f"The attack could not go on: {error}."])
    except (ShapeError, OSError) as error:
        return Effort(broken=[f"The attack could not go on: {error}."])


async def _join_refused(target: Target) -> str | None:
    """Whether somebody can still go as far as their transports; why not."""
    options, until = target.options, time.monotonic() + _JOIN_SECONDS
    while True:
        try:
            async with prepared(target.url, options.token(_JOIN_NUMBER), options.guild, options.first_channel):
                return None
        except (StreamError, ShapeError) as error:
            if time.monotonic() > until:
                return str(error)
        await asyncio.sleep(1.0)
