"""T1 on the socket: a flood of strangers' ClientHellos during many joins. Every join succeeds, nobody hears a gap, and
the server knows nobody who has not passed a check."""

from __future__ import annotations

import asyncio

import pytest

from hocket.attack.effort import Budget
from hocket.attack.floods import client_hellos
from hocket.attack.options import AttackOptions
from hocket.attack.pair import Pair
from hocket.attack.report import LOSS_LIMIT
from hocket.attack.target import find
from hocket.config import Limits
from hocket.load.options import websocket_url
from tests.server.running import running
from tests.soak.churn import CHANNELS, PEOPLE, Churn

pytestmark = pytest.mark.timeout(180)

SECONDS = 6.0
WAVES = 3


async def test_t01_joins_succeed_during_a_flood_of_strangers_client_hellos() -> None:
    streams = 2 * CHANNELS * PEOPLE
    async with running(limits=Limits(streams=streams, streams_per_address=streams)) as (voice, base):
        url = websocket_url(base)
        target = await find(url, AttackOptions())
        async with Pair(url, AttackOptions()) as pair:
            known = sum(core.addresses for core in voice.engine.dump().cores)
            budget, churn = Budget(SECONDS, 1_000, 1), Churn(url, seed=1)
            async with asyncio.TaskGroup() as group:
                talk = group.create_task(pair.talk(SECONDS))
                flood = group.create_task(client_hellos(target, budget))
                await churn.round(WAVES)
            heard, effort = talk.result(), flood.result()
            assert sum(core.addresses for core in voice.engine.dump().cores) <= known
            assert pair.cut_off == []
        assert voice.engine.dump().dropped["unknown-address"] >= 0.9 * effort.inputs
    assert effort.inputs > 100
    assert (effort.answers, effort.broken) == (0, [])
    assert churn.failures == {}
    assert churn.joins == WAVES * CHANNELS * PEOPLE
    assert churn.heard > 0
    assert heard.loss < LOSS_LIMIT
    assert heard.foreign == 0
