"""Staying up: ten thousand joins leave a server as it was, and nobody who talks meanwhile loses a packet.

It takes three minutes, and as long as 12,000 joins take. By hand for an hour: SOAK_SECONDS=3600 in the environment;
SOAK_JOINS is how many there are at least. The first quarter of them warms up.
"""

from __future__ import annotations

import os

import pytest

from tests.soak.soak import JOINS_A_ROUND, halves, soak

JOINS = int(os.environ.get("SOAK_JOINS", "12000"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "180"))

FLAT = 0.05
"""By how much memory may grow."""


@pytest.mark.timeout(900 + SECONDS)
async def test_ten_thousand_joins_leave_memory_descriptors_and_threads_as_they_were_and_lose_no_audio(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = await soak(max(JOINS, 4 * JOINS_A_ROUND), SECONDS, print)
    with capsys.disabled():
        print("", *found.lines(), sep="\n")
    assert found.base is not None
    assert found.failures == {}
    assert found.joins >= JOINS
    assert found.cut_off == []
    assert found.lost == 0
    for held in found.rounds:
        assert held.descriptors <= found.base.descriptors
        assert held.threads <= found.base.threads
    assert found.growth < FLAT
    assert found.heard > found.joins  # they did talk


def test_a_saw_is_flat_and_a_leak_is_not() -> None:
    saw = [60, 62, 64, 66] + [67 + number % 9 / 2 for number in range(21)]
    before, after = halves(saw)
    assert after / before - 1 < 0.01
    before, after = halves([value + 0.5 * number for number, value in enumerate(saw)])
    assert after / before - 1 > FLAT
