"""When somebody's credentials end, by a clock that may be set."""

from __future__ import annotations

import math

import pytest

from hocket.voice.expiry import LOOK_SECONDS, expiry, has_expired


class Machine:
    """A wall clock, and sleeps that take their time on it; `set_forward` seconds are added in the first one."""

    def __init__(self, *, set_forward: float = 0.0) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self._set_forward = set_forward

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + self._set_forward
        self._set_forward = 0.0

    async def wait(self, expires_at: float) -> None:
        await expiry(expires_at, clock=lambda: self.now, sleep=self.sleep)


@pytest.mark.parametrize("left", [0.25, LOOK_SECONDS, 100.0])
async def test_it_ends_at_the_end_and_not_before(left: float) -> None:
    machine = Machine()
    await machine.wait(1_000 + left)
    assert machine.now == 1_000 + left
    assert max(machine.slept) <= LOOK_SECONDS


@pytest.mark.parametrize("past", [0.0, -1.0, -math.inf, math.nan])
async def test_what_has_ended_or_is_no_time_ends_at_once(past: float) -> None:
    machine = Machine()
    await machine.wait(1_000 + past)
    assert machine.slept == []


async def test_a_clock_that_is_set_forward_ends_it_at_the_next_look() -> None:
    machine = Machine(set_forward=5_000)
    await machine.wait(5_000)
    assert machine.slept == [LOOK_SECONDS]


async def test_a_clock_that_is_set_back_gives_that_time_and_no_more() -> None:
    machine = Machine(set_forward=-40)
    await machine.wait(1_050)
    assert machine.now == 1_050
    assert sum(machine.slept) == 50 + 40


def test_what_has_no_end_never_ends() -> None:
    assert not has_expired(None, math.inf)
    assert not has_expired(math.inf, 1e300)
