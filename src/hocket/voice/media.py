"""What a channel needs of the media engine, as a Protocol: rules are tested against a recorder, run against the engine.

Every call returns at once. What comes back later comes through the callbacks, on the event loop, never from within a
call. Ids are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from hocket.ortc.negotiate import Consumer, Producer
from hocket.ortc.parameters import DtlsParameters, IceCandidate, IceParameters


class Gone(Exception):
    """The object ended by itself; the word of it is under way. Whoever asked carries on without it."""


@dataclass(frozen=True, slots=True)
class Transport:
    """A new transport, with what the client has to know. `ice` is secret and stays out of `repr` (T20)."""

    id: int
    ice: IceParameters = field(repr=False)
    candidates: tuple[IceCandidate, ...]
    dtls: DtlsParameters


@dataclass(frozen=True, slots=True)
class Quality:
    """How a client's transport does: loss 0 … 1, the others in ms; a round trip of 0 is not measured yet."""

    loss: float
    rtt_ms: float
    jitter_ms: float


@dataclass(frozen=True, slots=True)
class TransportWatch:
    """Who is told of a transport: that it ended by itself, with the core's reason for it; how it does."""

    closed: Callable[[str], None]
    quality: Callable[[Quality], None]


class Media(Protocol):
    """The engine, as seen from a channel.

    Every method may raise `hocket.errors.Unavailable` or `ResourceExhausted`, and those that name an object `Gone`;
    except for the closing ones, which raise nothing: leaving must not stop half-way.
    """

    def create_router(self) -> int:
        """One channel's media."""

    def set_active_speakers(self, router: int, limit: int) -> None:
        """Lets only so many be heard there at a time, the loudest in turns; 0 is all, as it is at first."""

    def close_router(self, router: int) -> None:
        """Closes it with all that is on it."""

    def create_transport(self, router: int, watch: TransportWatch) -> Transport:
        """One client's way in or out."""

    def connect_transport(self, transport: int, dtls: DtlsParameters) -> None:
        """Tells which certificate the client must show."""

    def restart_ice(self, transport: int) -> IceParameters:
        """New credentials."""

    def close_transport(self, transport: int) -> None:
        """Closes it with its producers and consumers; its watch hears nothing more."""

    def produce(self, transport: int, producer: Producer, *, cname: str, speaking: Callable[[bool], None]) -> int:
        """Lets the client send one stream, which listeners get under this canonical name (RFC 3550 §6.5.1)."""

    def pause_producer(self, producer: int) -> None:
        """Nothing of it goes through."""

    def resume_producer(self, producer: int) -> None:
        """Undoes `pause_producer`."""

    def close_producer(self, producer: int) -> None:
        """Closes it and every consumer of it."""

    def consume(self, transport: int, producer: int, consumer: Consumer) -> int:
        """Lets the client get one producer's stream, paused at first."""

    def pause_consumer(self, consumer: int) -> None:
        """Sends it nothing."""

    def resume_consumer(self, consumer: int) -> None:
        """Lets it flow."""
