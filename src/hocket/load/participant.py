"""One of the crowd: joins a channel, speaks or not, hears everyone who does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from hocket.load import shapes
from hocket.load.crowd import LoadClient
from hocket.load.stream import Request, Stream
from hocket.proto import voice

TALKING_DBOV = -30
"""The level of somebody who talks: ordinary speech (RFC 6464)."""

QUIET_DBOV = -80
"""The level of an open microphone in a quiet room: the noise floor that a server should not need to forward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Who somebody is to be.

    Attributes:
        number: among all, from 1; also the SSRC.
        place: the channel's number, from 0.
        speaks: whether it sends.
        talks: whether it says something then, or sends a quiet room.
        listens: whether it only listens, without a microphone.
        payload: bytes of 20 ms of sound.
        vary: by how many bytes 20 ms may be longer or shorter.
        extension: whether it asks for our extension (field 1000), through which a server may wish for longer packets in
            the middle of a call. A server without one skips that.
    """

    number: int
    place: int
    guild: int
    channel: int
    token: str
    speaks: bool
    talks: bool
    listens: bool
    payload: int
    vary: int
    extension: bool = False


@dataclass(slots=True)
class Participant:
    """Somebody in a channel.

    Attributes:
        receiving: the transport on which it hears.
        sending: the transport on which it could speak; None without a microphone.
        joined_ms: from opening the WebSocket to JoinedChannel.
        ptime_ms: how much sound each of its packets holds at first, if that is not too long for the core.
        ears: the SSRC of each speaker that it hears, by user id.
        ended: why its stream ended, if it has.
    """

    seat: Seat
    stream: Stream
    crowd: LoadClient
    receiving: int
    sending: int | None
    joined_ms: float
    ptime_ms: int = shapes.FRAME_MS
    ears: dict[int, int] = field(default_factory=dict)
    ended: str | None = None

    async def listen(self) -> None:
        """Follows the channel until the stream ends.

        Raises:
            StreamError: it has ended.
            ShapeError: the server's JSON is none.
        """
        while True:
            response = await self.stream.receive()
            kind = response.WhichOneof("message")
            if kind == "user_joined":
                await self.hear([response.user_joined.data])
            elif kind == "user_left":
                ssrc = self.ears.pop(response.user_left.user_id, None)
                if ssrc is not None:
                    self.crowd.unhear(self.receiving, ssrc=ssrc)
            elif kind == "hocket" and response.hocket.WhichOneof("event") == "ptime":
                self.wish(response.hocket.ptime.ms)

    def wish(self, ptime_ms: int) -> None:
        """Lets its packets hold so much sound from soon on, if it speaks and they are not too long for the core."""
        if ptime_ms in shapes.PTIMES_MS and self.sending is not None and self.seat.speaks:
            self.crowd.set_ptime(self.sending, ms=ptime_ms)

    def speak(self) -> None:
        """Begins to speak, if the seat says so."""
        if self.sending is not None and self.seat.speaks:
            voice_ = shapes.sending(self.seat.number)
            self.crowd.speak(
                self.sending,
                ssrc=voice_.ssrc,
                payload_type=voice_.payload_type,
                payload=self.seat.payload,
                vary=self.seat.vary,
                ptime_ms=self.ptime_ms,
                level_extension=voice_.level_extension,
                level=TALKING_DBOV if self.seat.talks else QUIET_DBOV,
            )

    async def hear(self, others: Sequence[voice.UserConsumerOptions]) -> None:
        """Waits for their packets, and asks for them."""
        ssrcs = {other.user_id: shapes.read_ssrc(other.rtp_parameters) for other in others}
        self.ears |= ssrcs
        self.crowd.hear(self.receiving, ssrcs=list(ssrcs.values()))
        for other in others:
            await self.stream.send(Request(resume_consumer=Request.ResumeConsumer(consumer_id=other.consumer_id)))


async def join(url: str, crowd: LoadClient, seat: Seat) -> Participant:
    """Joins, and begins to speak if the seat says so.

    Raises:
        StreamError: the server refused, or does not answer.
        ShapeError: the server's JSON is none.
        MediaError: the server's addresses or fingerprints cannot be used.
    """
    began = time.perf_counter()
    stream = await Stream.open(url, seat.token)
    try:
        return await _join(stream, crowd, seat, began)
    except BaseException:
        await stream.close()
        raise


async def _join(stream: Stream, crowd: LoadClient, seat: Seat, began: float) -> Participant:
    asked = Request.Initialize(guild_id=seat.guild, channel_id=seat.channel, hocket=int(seat.extension))
    await stream.send(Request(initialize=asked))
    router = (await stream.expect("initialized")).initialized.rtp_capabilities
    capabilities = shapes.receiving(router)
    await stream.send(Request(prepare_for_join_channel=Request.PrepareForJoinChannel(rtp_capabilities=capabilities)))
    prepared = (await stream.expect("prepared_for_join_channel")).prepared_for_join_channel
    receiving = _connect(crowd, prepared.consumer_transport_options)
    sending = None if seat.listens else _connect(crowd, prepared.producer_transport_options)
    try:
        present = await _announce(stream, crowd, seat)
    except BaseException:
        for transport in (receiving, sending):
            if transport is not None:
                crowd.close_transport(transport)
        raise
    taken = (time.perf_counter() - began) * 1_000
    someone = Participant(seat, stream, crowd, receiving, sending, taken, shapes.read_ptime(router))
    await someone.hear(present)
    someone.speak()
    return someone


async def _announce(stream: Stream, crowd: LoadClient, seat: Seat) -> Sequence[voice.UserConsumerOptions]:
    """Says JoinChannel; gives those who are there."""
    ours = shapes.dtls_parameters(crowd.fingerprints)
    asked = Request.JoinChannel(consumer_dtls_paramaters=ours)
    if not seat.listens:
        asked.rtp_paramaters = shapes.sending(seat.number).rtp_parameters
        asked.producer_dtls_paramaters = ours
    await stream.send(Request(join_channel=asked))
    return (await stream.expect("joined_channel")).joined_channel.other_users


def _connect(crowd: LoadClient, options: voice.TransportOptions) -> int:
    remote = shapes.read_transport(options)
    return crowd.create_transport(
        username_fragment=remote.username_fragment,
        password=remote.password,
        addresses=remote.addresses,
        fingerprints=remote.fingerprints,
    )
