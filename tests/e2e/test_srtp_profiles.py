"""Each SRTP profile carries sound end to end. AES-256-GCM is preferred, so the others need a client without it."""

from __future__ import annotations

import pytest
from aiortc import rtcdtlstransport

from .server import Server
from .test_pymediasoup import ALICE, BOB, TONE, in_channel
from .waiting import until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROFILES = {profile.openssl_profile.decode(): profile for profile in rtcdtlstransport.SRTP_PROFILES}


@pytest.mark.parametrize("name", ["SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_128_GCM", "SRTP_AES128_CM_SHA1_80"])
async def test_people_hear_each_other_over_every_profile(
    server: Server, channel: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handshake in which the server chose anything else would fail: the client offers nothing else."""
    monkeypatch.setattr(rtcdtlstransport, "SRTP_PROFILES", [PROFILES[name]])
    async with in_channel(server, channel, ALICE, BOB) as (alice, bob):
        await until_heard(alice, {BOB: TONE[BOB]})
        await until_heard(bob, {ALICE: TONE[ALICE]})
