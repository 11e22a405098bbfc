"""`Media`, carried out by the media engine: options and errors translated, nothing decided."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hocket.errors import ResourceExhausted, Unavailable
from hocket.media.engine import (
    ConsumerOptions,
    EngineClosed,
    Event,
    MediaEngine,
    MediaError,
    Overloaded,
    ProducerOptions,
    ProducerSpeaking,
    TransportClosed,
    UnknownId,
)
from hocket.media.engine import Quality as EngineQuality
from hocket.ortc.negotiate import Consumer, Producer
from hocket.ortc.parameters import DtlsFingerprint, DtlsParameters, IceParameters
from hocket.voice.media import Gone, Quality, Transport, TransportWatch

_RETRY = 5
"""Seconds after which a client may ask for what the engine had no room for."""


_TOLD: Final = (UnknownId, Overloaded, EngineClosed)


class EngineMedia:
    """The engine as `hocket.voice.media.Media` says."""

    def __init__(self, engine: MediaEngine) -> None:
        """Works while the engine runs."""
        self._engine = engine
        self._dtls: DtlsParameters | None = None

    def create_router(self) -> int:
        """One channel's media."""
        try:
            return self._engine.create_router()
        except _TOLD as error:
            raise _translated(error) from None

    def set_active_speakers(self, router: int, limit: int) -> None:
        """Lets only so many be heard there at a time."""
        try:
            self._engine.set_active_speakers(router, limit)
        except _TOLD as error:
            raise _translated(error) from None

    def close_router(self, router: int) -> None:
        """Closes it with all that is on it."""
        with suppress(MediaError):
            self._engine.close_router(router)

    def create_transport(self, router: int, watch: TransportWatch) -> Transport:
        """One client's way in or out."""
        try:
            info = self._engine.create_transport(router)
            self._engine.watch(info.id, _transport_watcher(watch))
            ice = IceParameters(username_fragment=info.username_fragment, password=info.password)
            return Transport(info.id, ice, self._engine.candidates, self._certificate())
        except _TOLD as error:
            raise _translated(error) from None

    def connect_transport(self, transport: int, dtls: DtlsParameters) -> None:
        """Tells which certificate the client must show."""
        fingerprints = [(fingerprint.algorithm, fingerprint.value) for fingerprint in dtls.fingerprints]
        try:
            self._engine.connect_transport(transport, role=dtls.role, fingerprints=fingerprints)
        except _TOLD as error:
            raise _translated(error) from None

    def restart_ice(self, transport: int) -> IceParameters:
        """New credentials."""
        try:
            username_fragment, password = self._engine.restart_ice(transport)
            return IceParameters(username_fragment=username_fragment, password=password)
        except _TOLD as error:
            raise _translated(error) from None

    def close_transport(self, transport: int) -> None:
        """Closes it with its producers and consumers."""
        with suppress(MediaError):
            self._engine.close_transport(transport)

    def produce(self, transport: int, producer: Producer, *, cname: str, speaking: Callable[[bool], None]) -> int:
        """Lets the client send one stream."""
        options = ProducerOptions(
            ssrc=producer.ssrc,
            mid=producer.mid,
            opus_payload_type=producer.opus_payload_type,
            red_payload_type=producer.red_payload_type,
            mid_extension=producer.extensions.mid,
            audio_level_extension=producer.extensions.audio_level,
            abs_send_time_extension=producer.extensions.abs_send_time,
            nack=producer.nack,
            cname=cname,
        )
        try:
            id = self._engine.produce(transport, options)
            self._engine.watch(id, _producer_watcher(speaking))
            return id
        except _TOLD as error:
            raise _translated(error) from None

    def pause_producer(self, producer: int) -> None:
        """Nothing of it goes through."""
        try:
            self._engine.pause_producer(producer)
        except _TOLD as error:
            raise _translated(error) from None

    def resume_producer(self, producer: int) -> None:
        """Undoes `pause_producer`."""
        try:
            self._engine.resume_producer(producer)
        except _TOLD as error:
            raise _translated(error) from None

    def close_producer(self, producer: int) -> None:
        """Closes it and every consumer of it."""
        with suppress(MediaError):
            self._engine.close_producer(producer)

    def consume(self, transport: int, producer: int, consumer: Consumer) -> int:
        """Lets the client get one producer's stream, paused at first."""
        options = ConsumerOptions(
            ssrc=consumer.ssrc,
            mid=consumer.mid,
            opus_payload_type=consumer.opus_payload_type,
            red_payload_type=consumer.red_payload_type,
            mid_extension=consumer.extensions.mid,
            audio_level_extension=consumer.extensions.audio_level,
            abs_send_time_extension=consumer.extensions.abs_send_time,
            nack=consumer.nack,
        )
        try:
            return self._engine.consume(transport, producer, options)
        except _TOLD as error:
            raise _translated(error) from None

    def pause_consumer(self, consumer: int) -> None:
        """Sends it nothing."""
        try:
            self._engine.pause_consumer(consumer)
        except _TOLD as error:
            raise _translated(error) from None

    def resume_consumer(self, consumer: int) -> None:
        """Lets it flow."""
        try:
            self._engine.resume_consumer(consumer)
        except _TOLD as error:
            raise _translated(error) from None

    def _certificate(self) -> DtlsParameters:
        """Our side of DTLS, the same for every transport. `auto`: the client chooses (ORTC)."""
        if self._dtls is None:
            fingerprints = tuple(
                DtlsFingerprint(algorithm=name, value=value) for name, value in self._engine.fingerprints
            )
            self._dtls = DtlsParameters(role="auto", fingerprints=fingerprints)
        return self._dtls


def _translated(error: MediaError) -> Exception:
    """One of the engine's errors as a channel knows it. InvalidOption passes: negotiation should have found it."""
    if isinstance(error, UnknownId):
        return Gone("it ended by itself")
    if isinstance(error, Overloaded):
        return ResourceExhausted("The media server has no room right now.", retry_after=_RETRY)
    return Unavailable("The media server is stopping.", retry_after=_RETRY)


def _transport_watcher(watch: TransportWatch) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        match event:
            case TransportClosed(reason=reason):
                watch.closed(reason)
            case EngineQuality(loss=loss, rtt_ms=rtt_ms, jitter_ms=jitter_ms):
                watch.quality(Quality(loss, rtt_ms or 0.0, jitter_ms))
            case _:
                pass

    return hear


def _producer_watcher(speaking: Callable[[bool], None]) -> Callable[[Event], None]:
    def hear(event: Event) -> None:
        if isinstance(event, ProducerSpeaking):
            speaking(event.speaking)

    return hear
