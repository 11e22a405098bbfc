"""T19: one member floods with ten times the bits, or with 400 packets a second. It is capped, and ended with a time to
come back when it does not stop; nobody else notices: in another channel a pair talks meanwhile and loses nothing.

The caps themselves, to the packet, are proved on the core: `crates/media/tests/rate_cap.rs`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hocket.policy import ChannelId
from hocket.server import VoiceServer
from tests.e2e.pymediasoup_client import PymediasoupClient, Untyped
from tests.e2e.voice_stream import StreamError
from tests.e2e.waiting import more_packets, until_true
from tests.server.running import running, until
from tests.server.test_media import person

ADA, BOB, MALLORY = 1, 2, 3
ELSEWHERE = ChannelId(1, 3)
PATIENCE = 40.0
"""Seconds: the server's own are ten."""


def eightfold(packet: bytes, number: int) -> list[bytes]:
    """400 packets a second of 50, each with a number of its own."""
    return [numbered(packet, 8 * number + place) for place in range(8)]


def long(packet: bytes, number: int) -> list[bytes]:
    """Some 400 kbit/s: ten times what a browser makes for a voice."""
    return [packet + bytes(800)]


def numbered(packet: bytes, number: int) -> bytes:
    return packet[:2] + (number & 0xFFFF).to_bytes(2) + packet[4:]


def flood(client: PymediasoupClient, spread: Callable[[bytes, int], list[bytes]]) -> None:
    """Has a client send more than it has to say. RTCP stays as it is."""
    assert client._sending is not None
    (sender,) = client._sending.handler.pc.getSenders()
    transport: Untyped = sender.transport
    send, sent = transport._send_rtp, 0

    async def more(packet: bytes) -> None:
        nonlocal sent
        is_rtcp = 64 <= packet[1] & 0x7F < 96
        sent += not is_rtcp
        for each in [packet] if is_rtcp else spread(packet, sent):
            await send(each)

    transport._send_rtp = more


class Missed:
    """How many packets of one stream did not come, by their sequence numbers."""

    def __init__(self, listener: PymediasoupClient, user: int) -> None:
        ear = listener.ears[user]
        (encoding,) = ear.consumer.rtpParameters.encodings
        assert listener._receiving is not None
        transceiver = listener._receiving.handler._mapMidTransceiver[ear.consumer.localId]
        router = transceiver.receiver.transport._rtp_router
        route = router.route_rtp
        self.seen: set[int] = set()
        self.first: int | None = None

        def noted(packet: Untyped) -> Untyped:
            if packet.ssrc == encoding.ssrc:
                self.first = packet.sequence_number if self.first is None else self.first
                self.seen.add((packet.sequence_number - self.first) & 0xFFFF)
            return route(packet)

        router.route_rtp = noted

    @property
    def share(self) -> float:
        """Of all up to the latest one; reordering by less than half the numbers is none."""
        ahead = {place for place in self.seen if place < 0x8000}
        return 1 - len(ahead) / (max(ahead) + 1)


def capped(voice: VoiceServer) -> int:
    """Packets that were dropped because there were too many."""
    return voice.engine.dump().dropped.get("rtp-flood", 0)


@pytest.mark.parametrize("spread", [eightfold, long])
async def test_t19_a_flood_is_capped_and_ended_and_a_pair_elsewhere_loses_nothing(
    spread: Callable[[bytes, int], list[bytes]],
) -> None:
    async with running() as (voice, base), person(base, ADA) as ada, person(base, BOB) as bob:
        await more_packets(ada, BOB, 5)
        missed = [Missed(ada, BOB), Missed(bob, ADA)]
        mallory = await PymediasoupClient(MALLORY, 850).join(base.replace("http", "ws", 1), 3, guild=1)
        await until(lambda: ELSEWHERE in voice.channels)
        flood(mallory, spread)
        await until(lambda: capped(voice) >= 50, PATIENCE)
        assert mallory.ended is None, "a short one is only capped"
        await until_true(lambda: mallory.ended is not None, PATIENCE)
        assert isinstance(mallory.ended, StreamError)
        assert mallory.ended.identifier == "hrpc.resource-exhausted"
        await more_packets(ada, BOB, 20)
        await more_packets(bob, ADA, 20)
        assert max(each.share for each in missed) < 0.005
        assert (ada.ended, bob.ended) == (None, None)
        assert list(voice.channels) == [ChannelId(1, 2)]
        await mallory.leave()
    await until(lambda: voice.streams == 0)
