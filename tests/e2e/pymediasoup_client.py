"""A person whose client is pymediasoup on aiortc: an implementation that shares nothing with ours.

It is the DTLS server on its sending transport, and the DTLS client on its receiving one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack
from av import AudioFrame
from numpy.typing import NDArray
from pymediasoup import AiortcHandler, Device  # type: ignore[import-untyped]
from pymediasoup.consumer import Consumer  # type: ignore[import-untyped]
from pymediasoup.models.transport import DtlsParameters, IceCandidate, IceParameters  # type: ignore[import-untyped]
from pymediasoup.rtp_parameters import RtpCapabilities, RtpParameters  # type: ignore[import-untyped]
from pymediasoup.transport import Transport  # type: ignore[import-untyped]

from hocket.proto import voice

from .nat import Nat
from .tone import SAMPLE_RATE, name_tone, peaks, sine
from .voice_stream import StreamClosed, StreamError, VoiceStream

Untyped = Any
"""What pymediasoup gives, and aiortc's inside: neither has types."""

FRAME_SAMPLES = 960
"""20 ms."""

HEARD_SECONDS = 0.2
"""How much of the latest sound counts as what is heard now."""


class ToneTrack(AudioStreamTrack):
    """A microphone that plays one tone, in frames of 20 ms."""

    def __init__(self, frequency: int) -> None:
        super().__init__()
        self._second = sine(frequency, 1.0)
        self._sent = 0
        self._began = time.monotonic()

    async def recv(self) -> AudioFrame:
        """The next frame, when its time has come."""
        if self.readyState != "live":
            raise MediaStreamError
        due = self._began + self._sent / SAMPLE_RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        at = self._sent % SAMPLE_RATE
        frame = AudioFrame.from_ndarray(
            self._second[at : at + FRAME_SAMPLES].reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._sent
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._sent += FRAME_SAMPLES
        return frame


@dataclass
class Arrivals:
    """RTP packets of one SSRC that came over a transport."""

    packets: int = 0
    first_at: float | None = None
    """When the first one came, of `time.perf_counter`."""


class Ear:
    """Listens to one track, and keeps the latest sound."""

    def __init__(self, consumer: Consumer, arrivals: Arrivals) -> None:
        self.consumer = consumer
        self.arrivals = arrivals
        self._frames: deque[tuple[float, NDArray[np.float64]]] = deque(maxlen=50)
        self._task = asyncio.ensure_future(self._listen(consumer.track))

    @property
    def packets(self) -> int:
        """RTP packets that came for this track, also after nobody listens to it any more."""
        return self.arrivals.packets

    def sound(self) -> NDArray[np.float64]:
        """Mono samples of the last `HEARD_SECONDS`; fewer or none if it was quiet on the wire."""
        since = time.monotonic() - HEARD_SECONDS
        fresh = [samples for arrived, samples in self._frames if arrived >= since]
        return np.concatenate(fresh) if fresh else np.zeros(0)

    async def close(self) -> None:
        """Stops listening."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                samples = frame.to_ndarray().astype(np.float64) / 32768
                mono = samples.reshape(-1, len(frame.layout.channels)).mean(axis=1)
                self._frames.append((time.monotonic(), mono))


class PymediasoupClient:
    """One person in one channel.

    Attributes:
        user: the user id.
        others: whom the server says to be in the channel, in the order in which they came.
        history: `("joined" | "left", user id)` in the order of the stream; JoinedChannel's list counts as joined.
        ended: why the stream ended, or None.
    """

    def __init__(self, user: int, tone: int | None = None, *, resumes: bool = True, nat: Nat | None = None) -> None:
        """Does nothing yet.

        Args:
            user: the user id, a uint64.
            tone: what the microphone plays, in Hz; None joins as a listener.
            resumes: whether consumers are resumed as soon as they are there.
            nat: what all media goes through; None is the straight way.
        """
        self.user = user
        self.tone = tone
        self.resumes = resumes
        self._nat = nat
        self.others: dict[int, voice.UserConsumerOptions] = {}
        self.history: list[tuple[str, int]] = []
        self.ended: Exception | None = None
        self.ears: dict[int, Ear] = {}
        self._arrivals: defaultdict[int, Arrivals] = defaultdict(Arrivals)
        self.resumed_at: dict[int, float] = {}
        self.opened_at = 0.0
        self.joined_at = 0.0
        self._stream: VoiceStream | None = None
        self._sending: Transport | None = None
        self._receiving: Transport | None = None
        self._reader: asyncio.Task[None] | None = None
        self._producer_dtls = ""

    @property
    def stream(self) -> VoiceStream:
        """The open stream."""
        assert self._stream is not None, "join first"
        return self._stream

    async def join(self, url: str, channel: int, *, guild: int = 0) -> Self:
        """Steps 0 to 7 of the reference; afterwards the client follows the channel by itself."""
        device = Device(handlerFactory=AiortcHandler.createFactory())
        self.opened_at = time.perf_counter()
        self._stream = stream = await VoiceStream.open(url, str(self.user))
        router = await stream.initialize(guild, channel)
        await device.load(RtpCapabilities.model_validate_json(router))
        prepared = await stream.prepare(_json(device.recvRtpCapabilities))
        self._receiving = self._transport(device.createRecvTransport, prepared.consumer_transport_options)
        self._receiving.on("connect", _accept)
        consumer_dtls = _json(_own_dtls(self._receiving))
        rtp = await self._produce(device, prepared.producer_transport_options) if self.tone is not None else ""
        others = await stream.join(rtp, self._producer_dtls, consumer_dtls)
        self.joined_at = time.perf_counter()
        for other in others:
            await self._came(other)
        self._reader = asyncio.ensure_future(self._follow())
        return self

    async def resume(self, user: int) -> None:
        """Lets one user's sound flow."""
        self.resumed_at[user] = time.perf_counter()
        await self.stream.resume(self.others[user].consumer_id)

    async def leave(self) -> None:
        """Ends the stream, then the media: what a client does that leaves."""
        if self._stream is not None:
            await self._stream.close()
        await self._end()

    async def kill(self) -> None:
        """Ends the stream without a word, and the media."""
        self.stream.kill()
        await self._end()

    async def heard(self) -> dict[int, int]:
        """Who is heard now: user id → frequency in Hz. Only those who sound are in it."""
        named = {user: name_tone(peaks(ear.sound())) for user, ear in self.ears.items()}
        return {user: tone for user, tone in named.items() if tone is not None}

    async def packets(self) -> dict[int, int]:
        """RTP packets that have come from each user."""
        return {user: ear.packets for user, ear in self.ears.items()}

    async def _produce(self, device: Device, options: voice.TransportOptions) -> str:
        self._sending = self._transport(device.createSendTransport, options)
        rtp: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def connected(dtls: DtlsParameters) -> None:
            self._producer_dtls = _json(dtls)

        async def produced(kind: str, parameters: RtpParameters, app_data: object) -> str:
            rtp.set_result(_json(parameters))
            return "microphone"

        self._sending.on("connect", connected)
        self._sending.on("produce", produced)
        assert self.tone is not None
        await self._sending.produce(ToneTrack(self.tone))
        return await rtp

    def _transport(self, create: Callable[..., Transport], options: voice.TransportOptions) -> Transport:
        candidates = [IceCandidate.model_validate_json(candidate) for candidate in options.ice_candidates]
        if self._nat is not None:
            self._nat.lead_to((candidates[0].ip, candidates[0].port))
            candidates = [candidates[0].model_copy(update={"port": self._nat.port})]
        return create(
            id=options.id,
            iceParameters=IceParameters.model_validate_json(options.ice_parameters),
            iceCandidates=candidates,
            dtlsParameters=DtlsParameters.model_validate_json(options.dtls_parameters),
            sctpParameters=None,
            iceServers=[],  # the default asks a public STUN server
        )

    async def _follow(self) -> None:
        """Reads the stream until its end."""
        try:
            while True:
                response = await self.stream.receive()
                match response.WhichOneof("message"):
                    case "user_joined":
                        await self._came(response.user_joined.data)
                    case "user_left":
                        await self._went(response.user_left.user_id)
                    case other:
                        raise AssertionError(f"unexpected {other} after JoinedChannel")
        except (StreamError, StreamClosed, AssertionError) as error:
            self.ended = error

    async def _came(self, other: voice.UserConsumerOptions) -> None:
        user = other.user_id
        self.history.append(("joined", user))
        assert self._receiving is not None
        consumer = await self._receiving.consume(
            id=other.consumer_id,
            producerId=other.producer_id,
            kind="audio",
            rtpParameters=RtpParameters.model_validate_json(other.rtp_parameters),
        )
        (encoding,) = consumer.rtpParameters.encodings
        self._count_arrivals(consumer)
        self.ears[user] = Ear(consumer, self._arrivals[encoding.ssrc])
        self.others[user] = other
        if self.resumes:
            await self.resume(user)

    def _count_arrivals(self, consumer: Consumer) -> None:
        """Counts what comes over the receiving transport, whether anyone still listens to it or not."""
        assert self._receiving is not None
        router = self._receiving.handler._mapMidTransceiver[consumer.localId].receiver.transport._rtp_router
        if "route_rtp" in vars(router):
            return
        route: Callable[..., Untyped] = router.route_rtp

        def counted(packet: Untyped) -> Untyped:
            arrivals = self._arrivals[packet.ssrc]
            arrivals.packets += 1
            if arrivals.first_at is None:
                arrivals.first_at = time.perf_counter()
            return route(packet)

        router.route_rtp = counted

    async def _went(self, user: int) -> None:
        self.history.append(("left", user))
        del self.others[user]
        ear = self.ears.pop(user)
        await ear.close()
        with contextlib.suppress(InvalidStateError):  # the server's close_notify may have closed the transport
            await ear.consumer.close()

    async def _end(self) -> None:
        if self._reader is not None:
            await self._reader
        for ear in self.ears.values():
            await ear.close()
        for transport in (self._sending, self._receiving):
            if transport is not None:
                await transport.close()


def _json(model: Untyped) -> str:
    """A pydantic model of pymediasoup as JSON, without the members that are not set."""
    text: str = model.model_dump_json(exclude_none=True)
    return text


def _accept(dtls: DtlsParameters) -> None:
    """Our DTLS parameters travel in JoinChannel; there is nothing to do when the transport connects."""


def _own_dtls(transport: Transport) -> DtlsParameters:
    """The DTLS parameters of a receiving transport, before it connects: its certificate is there from the start."""
    certificates = transport.handler.pc._RTCPeerConnection__certificates
    fingerprints = [
        {"algorithm": print_.algorithm, "value": print_.value} for print_ in certificates[0].getFingerprints()
    ]
    return DtlsParameters.model_validate_json(json.dumps({"role": "client", "fingerprints": fingerprints}))
