"""The media core's counters of a live call, as Python reads them: each is what it says, and none stands for another."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import numpy as np
from aiortc.rtp import RTCP_RTPFB_NACK, RtcpReceiverInfo, RtcpRrPacket, RtcpRtpfbPacket

from hocket.media.engine import MediaEngine
from hocket.policy import ChannelId
from hocket.server import VoiceServer
from tests.e2e.nat import Address, Nat
from tests.e2e.pymediasoup_client import PymediasoupClient, Untyped
from tests.e2e.waiting import more_packets, until, until_true
from tests.server.running import running

ADA, BOB = 1, 2
TONE = 440
LOST = 3


class LossyNat(Nat):
    """Loses as many RTP packets of clients as `to_lose` says."""

    to_lose = 0

    async def outward(self, data: bytes, client: Address) -> None:
        is_rtp = 128 <= data[0] < 192 and not 192 <= data[1] < 224  # RFC 7983 and RFC 5761
        if is_rtp and self.to_lose:
            self.to_lose -= 1
        else:
            await super().outward(data, client)

    def junk(self) -> None:
        """Sends the server what looks like RTP, from every client's address."""
        for outer in self._outer.values():
            outer.sendto(b"\x80\x6f" + bytes(60))


class Call:
    """Ada speaks, through a NAT that can lose packets; Bob listens, and resumes her when he is told to."""

    def __init__(self, server: VoiceServer, nat: LossyNat, ada: PymediasoupClient, bob: PymediasoupClient) -> None:
        members = server._here.channels[ChannelId(1, 2)].members
        sending = members[ADA].sending
        assert sending is not None
        assert ada._sending is not None
        assert bob._receiving is not None
        self.server = server
        self.nat = nat
        self.ada = ada
        self.bob = bob
        self.producer = sending.producer
        self.consumer = members[BOB].heard[ADA]
        self.sender = int(ada._sending.id)
        self.receiver = int(bob._receiving.id)

    @property
    def engine(self) -> MediaEngine:
        return self.server.engine

    @property
    def microphone(self) -> Untyped:
        (sender,) = [each for each in self.ada._sending.handler.pc.getSenders() if each.track]  # type: ignore[union-attr]
        return sender.track

    async def say(self, packet: RtcpRrPacket | RtcpRtpfbPacket) -> None:
        """Sends RTCP of Bob's."""
        assert self.bob._receiving is not None
        transceiver = self.bob._receiving.handler._mapMidTransceiver[self.bob.ears[ADA].consumer.localId]
        await transceiver.receiver.transport._send_rtp(bytes(packet))

    @property
    def ssrc(self) -> int:
        ssrc: int = self.bob.ears[ADA].consumer.rtpParameters.encodings[0].ssrc
        return ssrc


@contextlib.asynccontextmanager
async def calling() -> AsyncIterator[Call]:
    async with running() as (server, base), LossyNat() as nat:
        people = [PymediasoupClient(ADA, TONE, nat=nat), PymediasoupClient(BOB, resumes=False)]
        try:
            for person in people:
                await person.join(base.replace("http", "ws", 1), 2, guild=1)
            yield Call(server, nat, *people)
        finally:
            for person in people:
                await person.leave()


async def test_a_transport_counts_what_comes_in_and_what_goes_out() -> None:
    async with calling() as call:
        await call.bob.resume(ADA)
        await more_packets(call.bob, ADA, 50)
        call.nat.junk()
        sender = await until(
            lambda: call.engine.transport_stats(call.sender), lambda stats: "srtp-authentication" in stats.dropped
        )
        receiver = await call.engine.transport_stats(call.receiver)
        assert sender.packets_received > max(50, 2 * sender.packets_sent)
        assert receiver.packets_sent > max(50, 2 * receiver.packets_received)
        assert sender.bytes_received > sender.bytes_sent
        assert receiver.bytes_sent > receiver.bytes_received
        for packets, size in (
            (sender.packets_received, sender.bytes_received),
            (sender.packets_sent, sender.bytes_sent),
            (receiver.packets_sent, receiver.bytes_sent),
            (receiver.packets_received, receiver.bytes_received),
        ):
            assert 20 * packets < size < 1_300 * packets
        assert sender.dropped["srtp-authentication"] == 1
        assert "srtp-authentication" not in receiver.dropped
        assert sender.selected_address in {f"127.0.0.1:{port}" for port in call.nat.mappings}
        assert receiver.selected_address is not None
        assert receiver.selected_address not in {f"127.0.0.1:{port}" for port in call.nat.mappings}
        assert (sender.dtls_state, receiver.dtls_state) == ("connected", "connected")
        assert all((stats.srtp_profile or "").startswith("SRTP_") for stats in (sender, receiver))
        assert all(stats.rtt_ms is None or 0 <= stats.rtt_ms < 1_000 for stats in (sender, receiver))


async def test_a_producer_counts_what_came_what_was_lost_and_what_was_silence() -> None:
    async with calling() as call:
        await call.bob.resume(ADA)
        await more_packets(call.bob, ADA, 20)
        call.nat.to_lose = LOST
        await until_true(lambda: call.nat.to_lose == 0)
        await more_packets(call.bob, ADA, 20)
        tone = call.microphone._second
        call.microphone._second = np.zeros_like(tone)
        quiet = await until(
            lambda: call.engine.producer_stats(call.producer),
            lambda stats: stats.withheld > 2 * LOST and not stats.speaking,
        )
        assert quiet.level is not None
        assert quiet.level < -90
        call.microphone._second = tone
        loud = await until(lambda: call.engine.producer_stats(call.producer), lambda stats: stats.speaking)
        assert loud.level is not None
        assert -60 < loud.level < 0
        assert (loud.lost, loud.nacks_sent, loud.paused) == (LOST, 0, False)
        assert loud.packets > loud.withheld + 40
        assert 3 * loud.packets < loud.bytes < 1_300 * loud.packets
        assert 0 <= loud.jitter_ms < 1_000
        await call.server.mute(ADA)
        muted = await until(lambda: call.engine.producer_stats(call.producer), lambda stats: stats.paused)
        assert not muted.speaking


async def test_a_consumer_counts_what_was_sent_and_what_its_receiver_reports() -> None:
    async with calling() as call:
        before = await call.engine.consumer_stats(call.consumer)
        assert (before.paused, before.packets, before.bytes) == (True, 0, 0)
        await call.bob.resume(ADA)
        await more_packets(call.bob, ADA, 50)
        # Bob's client negotiates no NACK, so whatever it asks for again is refused.
        await call.say(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=call.ssrc, lost=[1, 2, 3]))
        await until(lambda: call.engine.consumer_stats(call.consumer), lambda stats: stats.refused == 3)
        report = RtcpReceiverInfo(
            ssrc=call.ssrc, fraction_lost=64, packets_lost=1, highest_sequence=1, jitter=480, lsr=0, dlsr=0
        )

        async def reported() -> tuple[float, float]:
            await call.say(RtcpRrPacket(ssrc=1, reports=[report]))  # again: the client's own come in between
            stats = await call.engine.consumer_stats(call.consumer)
            return stats.loss, stats.jitter_ms

        await until(reported, lambda seen: seen == (0.25, 10.0))
        await call.server.mute(ADA)
        ear = call.bob.ears[ADA]
        stats = await until(
            lambda: call.engine.consumer_stats(call.consumer), lambda stats: stats.packets == ear.packets
        )
        assert stats.packets >= 50
        assert 3 * stats.packets < stats.bytes < 1_300 * stats.packets
        assert (stats.retransmitted, stats.refused, stats.paused) == (0, 3, False)
        assert stats.rtt_ms is None or 0 <= stats.rtt_ms < 1_000
