"""Rules of the wire that need a whole server: JSON on the wire, ids, DTLS roles, the order of media and messages."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import aioice.ice
import httpx
import pytest
from pymediasoup import Device  # type: ignore[import-untyped]

from hocket.media.engine import MediaEngine
from hocket.policy import ChannelId
from hocket.proto import hrpc, voice
from hocket.server import VoiceServer
from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.waiting import more_packets, until, until_true
from tests.server.running import running
from tests.server.wire import Client
from tests.voice import shapes

ADA, BOB = 1, 2
TONE = 440
HUGE = 2**63 + 5
"""An id that is negative in a signed column, and wrong in a JavaScript number."""

CONSENT_MS = 3_000


@contextlib.asynccontextmanager
async def present(base: str, client: PymediasoupClient) -> AsyncIterator[PymediasoupClient]:
    """Somebody in channel 1/2 for the length of the block."""
    await client.join(base.replace("http", "ws", 1), 2, guild=1)
    try:
        yield client
    finally:
        await client.leave()


@pytest.fixture
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """aioice asks for consent five times a second, so that consent can be short."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.2)


async def test_transport_options_are_strings_of_whole_json_objects_and_plain_ids() -> None:
    async with running() as (server, base), await Client.open(base, "1") as ada:
        await ada.say(shapes.initialize(), shapes.prepare())
        await ada.words(1)
        prepared = (await ada.hear()).prepared_for_join_channel
        both = [prepared.consumer_transport_options, prepared.producer_transport_options]
        assert len({options.id for options in both}) == 2
        for options in both:
            assert not options.id.startswith(('"', "{"))
            assert set(json.loads(options.ice_parameters)) == {"usernameFragment", "password", "iceLite"}
            assert set(json.loads(options.dtls_parameters)) == {"role", "fingerprints"}
            for text in options.ice_candidates:
                candidate = json.loads(text)
                assert set(candidate) == {"foundation", "priority", "ip", "address", "protocol", "port", "type"}
                assert candidate["ip"] == candidate["address"] == "127.0.0.1"
                assert candidate["port"] == server.engine.port
            assert len(options.ice_candidates) == 1


async def test_ids_above_2_63_come_back_as_they_went_in() -> None:
    async with (
        running() as (server, base),
        await Client.open(base, str(HUGE)) as ada,
        await Client.open(base, str(2**64 - 1)) as bob,
    ):
        await ada.join(guild=HUGE + 1, channel=HUGE + 2)
        assert list(server.channels) == [(HUGE + 1, HUGE + 2)]
        assert (await bob.join(guild=HUGE + 1, channel=HUGE + 2))[-1] == f"joined[{HUGE}]"
        assert await ada.words(1) == [f"+{2**64 - 1}"]
        await bob.socket.close()
        assert await ada.words(1) == [f"-{2**64 - 1}"]


async def test_an_unknown_method_of_a_known_service_is_not_implemented_and_an_unknown_service_not_found() -> None:
    async with running() as (_, base), httpx.AsyncClient() as http:
        for path, status, identifier in (
            ("protocol.voice.v1.VoiceService/Mute", 501, "hrpc.not-implemented"),
            ("protocol.chat.v1.ChatService/Mute", 404, "hrpc.not-found"),
        ):
            answer = await http.post(f"{base}/{path}", headers={"Content-Type": "application/hrpc"})
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/hrpc"
            assert answer.headers["hrpc-version"] == "1"
            assert hrpc.Error.FromString(answer.content).identifier == identifier


async def dtls_states(engine: MediaEngine, client: PymediasoupClient) -> tuple[str, str]:
    """Of the sending and of the receiving transport."""
    assert client._sending is not None
    assert client._receiving is not None
    sending, receiving = [await engine.transport_stats(int(each.id)) for each in (client._sending, client._receiving)]
    return sending.dtls_state, receiving.dtls_state


@pytest.mark.usefixtures("quick_checks")
async def test_a_person_alone_has_one_connected_transport_and_stays() -> None:
    async with (
        running(consent_ms=CONSENT_MS) as (server, base),
        present(base, PymediasoupClient(ADA, TONE)) as ada,
    ):
        await until(lambda: dtls_states(server.engine, ada), lambda states: states == ("connected", "new"))
        assert ada._sending is not None
        sending = int(ada._sending.id)
        # Packets tell the time, some 50 a second: consent for the transport that nobody checks would have ended twice.
        enough = 3 * CONSENT_MS // 20
        await until(lambda: server.engine.transport_stats(sending), lambda stats: stats.packets_received > enough, 40)
        assert await dtls_states(server.engine, ada) == ("connected", "new")
        assert ada.ended is None
        async with present(base, PymediasoupClient(BOB, TONE)):
            await more_packets(ada, BOB, 10)


class Eager(PymediasoupClient):
    """Resumes whom JoinedChannel lists before its receiving transport knows of anything."""

    server: VoiceServer
    resumed_before_ice = False

    async def _came(self, other: voice.UserConsumerOptions) -> None:
        assert self._receiving is not None
        transport = int(self._receiving.id)
        await self.stream.resume(other.consumer_id)
        me = self.server._here.channels[ChannelId(1, 2)].members[self.user]
        await until_true(lambda: me.dump()["hears"] == {other.user_id: True})
        stats = await self.server.engine.transport_stats(transport)
        self.resumed_before_ice = (stats.selected_address, stats.packets_received) == (None, 0)
        await super()._came(other)


async def test_a_consumer_may_be_resumed_before_its_transport_has_done_ice_and_is_heard() -> None:
    async with running() as (server, base), present(base, PymediasoupClient(ADA, TONE)):
        bob = Eager(BOB, resumes=False)
        bob.server = server
        async with present(base, bob):
            await more_packets(bob, ADA, 20)
            await until(bob.heard, lambda heard: heard == {ADA: TONE})
            assert bob.resumed_before_ice


class WithRole(PymediasoupClient):
    """Says of its sending transport what the test wants; it takes the server's role there itself."""

    role = "server"

    async def _produce(self, device: Device, options: voice.TransportOptions) -> str:
        rtp = await super()._produce(device, options)
        self._producer_dtls = json.dumps(json.loads(self._producer_dtls) | {"role": self.role})
        return rtp


@pytest.mark.parametrize("role", ["server", "auto"])
async def test_a_client_that_is_the_dtls_server_or_leaves_it_open_gets_our_client_hello(role: str) -> None:
    """`auto`: an ICE-lite server is always controlled, and the controlled side is the DTLS client."""
    ada = WithRole(ADA, TONE)
    ada.role = role
    async with running() as (_, base), present(base, ada), present(base, PymediasoupClient(BOB)) as bob:
        await more_packets(bob, ADA, 10)


async def test_a_client_that_is_the_dtls_client_is_waited_for() -> None:
    """pymediasoup's receiving transport says `client`, and sends its hello when the first consumer is there."""
    async with (
        running() as (server, base),
        present(base, PymediasoupClient(ADA, TONE)) as ada,
        present(base, PymediasoupClient(BOB, TONE)) as bob,
    ):
        await more_packets(bob, ADA, 10)
        await more_packets(ada, BOB, 10)
        for person in (ada, bob):
            assert await dtls_states(server.engine, person) == ("connected", "connected")
