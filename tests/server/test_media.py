"""Control plane and media core together: what switches and moderators do to packets. pymediasoup is the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aioice.ice
import pytest
import pytest_asyncio
from pymediasoup import Device  # type: ignore[import-untyped]

from hocket.policy import ChannelId
from hocket.proto import voice
from hocket.server import VoiceServer
from hocket.voice.events import Speaking
from tests.e2e.nat import Nat
from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.voice_stream import StreamError
from tests.e2e.waiting import more_packets, until_true
from tests.server.running import running, until
from tests.server.wire import Client
from tests.voice import shapes

ADA, BOB, EVE = 1, 2, 3
CHANNEL = ChannelId(1, 2)
TONE = 440


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[VoiceServer, str]]:
    async with running() as pair:
        yield pair


@contextlib.asynccontextmanager
async def person(base: str, user: int, tone: int | None = TONE) -> AsyncIterator[PymediasoupClient]:
    client = PymediasoupClient(user, tone)
    await client.join(base.replace("http", "ws", 1), 2, guild=1)
    try:
        yield client
    finally:
        await client.leave()


async def quiet(listener: PymediasoupClient, user: int, packets: int = 10) -> None:
    """Waits for what is under way, then sees that nothing comes for as long as `packets` packets take."""
    await asyncio.sleep(0.04)
    before = (await listener.packets()).get(user, 0)
    await asyncio.sleep(packets * 0.02)
    assert (await listener.packets()).get(user, 0) == before


async def test_two_people_hear_each_other(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    async with person(base, ADA) as ada, person(base, BOB) as bob:
        await more_packets(ada, BOB, 20)
        await more_packets(bob, ADA, 20)
    await until(lambda: voice.streams == 0)
    assert voice.engine.dump().transports == 0


async def test_mute_stops_the_packets_of_that_user_and_of_no_other(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    async with person(base, ADA) as ada, person(base, BOB) as bob, person(base, EVE, None) as eve:
        await more_packets(eve, ADA, 10)
        await more_packets(eve, BOB, 10)
        await voice.mute(ADA)
        await quiet(eve, ADA)
        await quiet(bob, ADA)
        await more_packets(eve, BOB, 10)
        await voice.mute(ADA, muted=False)
        await more_packets(bob, ADA, 10)
        assert ada.ended is None


async def test_t16_nothing_of_a_kicked_user_is_forwarded_40_ms_later(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    async with person(base, ADA) as ada, person(base, BOB) as bob, person(base, EVE):
        await more_packets(bob, ADA, 10)
        ear = bob.ears[ADA]
        await voice.kick(ADA)
        await asyncio.sleep(0.04)
        before = ear.packets
        await asyncio.sleep(0.3)
        assert ear.packets == before
        await until_true(lambda: ada.ended is not None)
        assert isinstance(ada.ended, StreamError)
        assert ada.ended.identifier == "hocket.kicked"
        assert ("left", ADA) in bob.history
        await more_packets(bob, EVE, 10)


class Impostor(PymediasoupClient):
    """Announces a certificate in JoinChannel that it does not have."""

    async def _produce(self, device: Device, options: voice.TransportOptions) -> str:
        rtp = await super()._produce(device, options)
        self._producer_dtls = shapes.dtls_parameters(0x11, role="server")
        return rtp


async def test_t3_a_foreign_certificate_ends_the_stream_with_a_clear_error(server: tuple[VoiceServer, str]) -> None:
    server_, base = server
    async with person(base, BOB, None) as bob:
        impostor = await Impostor(ADA, TONE).join(base.replace("http", "ws", 1), 2, guild=1)
        await until_true(lambda: impostor.ended is not None)
        assert isinstance(impostor.ended, StreamError)
        assert impostor.ended.identifier == "hocket.fingerprint-mismatch"
        await until_true(lambda: bob.history == [("joined", ADA), ("left", ADA)])
        await impostor.leave()
        await until(lambda: server_.streams == 1)


async def test_somebody_who_speaks_is_shown_to_the_app_and_to_our_clients(server: tuple[VoiceServer, str]) -> None:
    voice, base = server
    events = voice.events()
    heard: list[Speaking] = []

    @voice.on("speaking")
    def note(event: Speaking) -> None:
        heard.append(event)

    async with await Client.open(base, "9") as watcher:
        await watcher.join(hocket=1, speaks=False)
        async with person(base, ADA):
            while True:
                response = await watcher.hear()
                if response.hocket.participant.speaking:
                    break
            assert response.hocket.participant.user_id == ADA
            here = {view.user.id: view.speaking for view in voice.channels[CHANNEL].participants}
            assert here == {9: False, ADA: True}
            await until(lambda: bool(heard))
            assert (heard[0].channel, heard[0].user.id, heard[0].speaking) == (CHANNEL, ADA, True)
            await voice.mute(ADA)
            await until(lambda: not heard[-1].speaking)
            assert not any(view.speaking for view in voice.channels[CHANNEL].participants)
    seen = [await anext(events) for _ in range(3)]
    assert [type(event).__name__ for event in seen] == ["Joined", "Joined", "Speaking"]


async def test_t11_who_has_no_media_any_more_leaves_by_consent_though_the_stream_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)
    async with running(consent_ms=3_000) as (server, base), person(base, ADA, None) as ada:
        async with Nat() as nat:
            bob = await PymediasoupClient(BOB, TONE, nat=nat).join(base.replace("http", "ws", 1), 2, guild=1)
            await more_packets(ada, BOB, 10)
        # Nothing of bob's passes the NAT any more, and the WebSocket does not go through it.
        await until_true(lambda: ada.history == [("joined", BOB), ("left", BOB)])
        await until_true(lambda: bob.ended is not None)
        assert isinstance(bob.ended, StreamError)
        assert bob.ended.identifier == "hocket.transport-failed"
        assert "Nothing was heard" in bob.ended.sentence
        assert ada.ended is None
        assert server.streams == 1
        await bob.leave()


async def test_of_two_who_speak_one_is_heard_where_only_one_may_be_and_both_once_all_may() -> None:
    async with (
        running(active_speakers=1) as (voice, base),
        person(base, ADA),
        person(base, BOB),
        person(base, EVE, None) as eve,
    ):

        def kept_back() -> int:
            return voice.engine.dump().dropped.get("crowded-out", 0)

        await until(lambda: kept_back() >= 50)
        before, heard = kept_back(), sum((await eve.packets()).values())
        await until(lambda: kept_back() >= before + 100)
        # As many are heard as are kept back; the counts are looked at some time apart.
        assert 50 <= sum((await eve.packets()).values()) - heard <= 150
        assert await voice.set_active_speakers(ChannelId(1, 2), 0)
        await more_packets(eve, ADA, 20)
        await more_packets(eve, BOB, 20)
