"""Answers that are kept for seconds: how many, how old, and for whom."""

from __future__ import annotations

import asyncio

import pytest

from hocket.auth.harmony.asks import Asks
from hocket.errors import ResourceExhausted
from tests.clock import Clock


class Source:
    """Answers with the number of the question; each waits for `go_on` if it is told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails = False

    async def __call__(self, key: int) -> int:
        self.asked.append(key)
        await self.go_on.wait()
        if self.fails:
            raise ValueError(key)
        return len(self.asked)


async def test_an_answer_counts_until_it_is_old() -> None:
    source, clock = Source(), Clock()
    asks = Asks(source, seconds=5.0, size=10, clock=clock)
    assert [await asks.get(1), await asks.get(1)] == [1, 1]
    clock.now += 5
    assert await asks.get(1) == 2


async def test_only_so_many_are_kept_and_the_oldest_goes_first() -> None:
    source = Source()
    asks = Asks(source, seconds=5.0, size=3, clock=Clock())
    for key in (1, 2, 3, 4):
        await asks.get(key)
    assert len(asks) == 3
    for key in (4, 3, 2, 1):
        await asks.get(key)
    assert source.asked == [1, 2, 3, 4, 1]


async def test_only_so_many_are_asked_for_at_once() -> None:
    source = Source()
    source.go_on.clear()
    asks = Asks(source, seconds=5.0, size=10, clock=Clock(), at_once=2)
    waiting = [asyncio.ensure_future(asks.get(key)) for key in (1, 2, 2)]
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted):
        await asks.get(3)
    source.go_on.set()
    await asyncio.gather(*waiting)
    assert source.asked == [1, 2]
    await asks.get(3)
    assert source.asked == [1, 2, 3]


async def test_all_who_wait_hear_of_a_failure_and_it_is_not_kept() -> None:
    source = Source()
    source.fails = True
    asks = Asks(source, seconds=5.0, size=10, clock=Clock())
    results = await asyncio.gather(*(asks.get(1) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in results] == [ValueError] * 3
    assert source.asked == [1]
    source.fails = False
    assert await asks.get(1) == 2
    assert not asks.is_asking(1)


async def test_whoever_gives_up_last_ends_the_asking() -> None:
    source = Source()
    source.go_on.clear()
    asks = Asks(source, seconds=5.0, size=10, clock=Clock())
    waiting = [asyncio.ensure_future(asks.get(1)) for _ in range(2)]
    await asyncio.sleep(0)
    for each in waiting:
        assert asks.is_asking(1)
        each.cancel()
        await asyncio.wait({each})
    assert not asks.is_asking(1)
    source.go_on.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asks) == 0, "what nobody waits for is not fetched"
