"""One channel with a Chromium, a Firefox and a pymediasoup client: each hears the other two.

Their capabilities differ: payload types, NACK, RED, DTLS roles, header extensions.
"""

from __future__ import annotations

import pytest

from . import firefox
from .conftest import Browsers
from .page import chromium_user, firefox_user
from .pymediasoup_client import PymediasoupClient
from .server import Server
from .tone import TONES
from .waiting import until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = TONES["alice"], TONES["bob"], TONES["carol"]


async def test_chromium_firefox_and_pymediasoup_hear_each_other(
    server: Server, channel: int, browsers: Browsers
) -> None:
    carol = PymediasoupClient(3, CAROL)
    async with chromium_user(await browsers.of("alice"), "Alice") as alice, firefox.launch(BOB) as session:
        bob = await firefox_user(session, "Bob")
        try:
            alice_id = await alice.enter(server.url, str(channel))
            bob_id = await bob.enter(server.url, str(channel))
            await carol.join(server.stream_url, channel)
            await until_heard(alice, {bob_id: BOB, carol.user: CAROL})
            await until_heard(bob, {alice_id: ALICE, carol.user: CAROL})
            await until_heard(carol, {alice_id: ALICE, bob_id: BOB})
            await bob.leave()
            await until_heard(alice, {carol.user: CAROL})
            await until_heard(carol, {alice_id: ALICE})
        finally:
            await carol.leave()
        await until_heard(alice, {})
