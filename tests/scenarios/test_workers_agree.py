"""One media thread or three: everyone hears the same people.

Packets of one channel cross from thread to thread; nobody may notice.
"""

from __future__ import annotations

import pytest

from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.server import serving
from tests.e2e.tone import TONES
from tests.e2e.waiting import until_heard

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

CHANNEL = 1
USER = {name: number for number, name in enumerate(TONES, 1)}


class Company:
    """People in one channel, by name."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._present: dict[str, PymediasoupClient] = {}

    async def join(self, name: str, *, listens: bool = False) -> None:
        client = PymediasoupClient(USER[name], None if listens else TONES[name])
        self._present[name] = client
        await client.join(self._url, CHANNEL)

    async def leave(self, name: str) -> None:
        await self._present.pop(name).leave()

    async def everyone_hears_everyone(self) -> None:
        """Each hears each other who speaks, under the right id, with the right tone, and nobody else."""
        for client in self._present.values():
            others = {name for name, one in self._present.items() if one is not client and one.tone is not None}
            await until_heard(client, {USER[name]: TONES[name] for name in others})

    async def end(self) -> None:
        for name in list(self._present):
            await self.leave(name)


@pytest.mark.parametrize("workers", [1, 3])
async def test_five_people_come_and_go_and_everyone_hears_who_is_there(workers: int) -> None:
    async with serving("--workers", str(workers)) as server:
        company = Company(server.stream_url)
        try:
            for name in ("alice", "bob", "carol"):
                await company.join(name)
            await company.everyone_hears_everyone()
            await company.leave("alice")
            await company.everyone_hears_everyone()
            await company.join("dave", listens=True)
            await company.join("erin")
            await company.join("alice")
            await company.everyone_hears_everyone()
            await company.leave("bob")
            await company.leave("erin")
            await company.everyone_hears_everyone()
        finally:
            await company.end()
