"""One channel with a Chromium, a Firefox and a pymediasoup client: each hears the other two.

Their capabilities differ: payload types, NACK, RED, DTLS versions and roles, SRTP profiles, header extensions.
"""

from __future__ import annotations

import pytest

from . import firefox
from .conftest import Browsers
from .page import PageUser, chromium_user, firefox_user
from .pymediasoup_client import PymediasoupClient
from .server import Server
from .tone import TONES
from .waiting import nothing_comes_of, until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

DTLS_1_3 = "FEFC"
"""`tlsVersion` is the version's two bytes (RFC 9147 §5.3)."""

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
            await agree_on(alice, "SRTP_AES128_CM_HMAC_SHA1_80")
            await agree_on(bob, "SRTP_AEAD_AES_128_GCM")
            await bob.leave()
            await nothing_comes_of(alice, BOB, {carol.user: CAROL})
            await until_heard(alice, {carol.user: CAROL})
            await until_heard(carol, {alice_id: ALICE})
        finally:
            await carol.leave()
        await until_heard(alice, {})


async def agree_on(user: PageUser, profile: str) -> None:
    """What a browser and the server came to, both ways: DTLS 1.3, in which the server's library takes the first SRTP
    profile of the client's list that it knows."""
    transports = await until(lambda: user.statistics("transport"), lambda found: len(found) == 2)
    agreed = [(it["dtlsRole"], it["tlsVersion"], it["srtpCipher"]) for it in transports]
    assert agreed == [("client", DTLS_1_3, profile)] * 2
