"""T12 by what is kept of it: a refused request is given back at once, and not when Python next looks for cycles."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from tests.server.running import running, until
from tests.server.wire import Client
from tests.voice import shapes

REQUESTS = 20
LENGTH = 200_000


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    gc.enable()


async def test_t12_a_refused_request_is_not_kept_by_its_error(no_collector: None) -> None:
    """The error's trace held the frames, these the request and the stream, and that the error: 445 kB a request."""
    async with running() as (voice, base):

        async def refused() -> None:
            async with await Client.open(base, "9") as client:
                await client.say(shapes.initialize(), shapes.prepare("x" * LENGTH))
                error = await client.end()
                assert error is not None
                assert error.identifier == "hocket.invalid-parameters"

        await refused()
        await until(lambda: voice.streams == 0)
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(REQUESTS):
            await refused()
        await until(lambda: voice.streams == 0)
        await asyncio.sleep(0)
        kept = tracemalloc.get_traced_memory()[0] - before
        assert kept < REQUESTS * LENGTH / 4
