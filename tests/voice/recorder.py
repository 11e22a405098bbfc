"""A `Media` that writes down what it is asked for, and lets a test say what happens to a transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hocket.ortc.negotiate import Consumer, Producer
from hocket.ortc.parameters import DtlsParameters, IceParameters
from hocket.voice.media import Gone, Transport, TransportWatch

NO_DTLS = DtlsParameters(fingerprints=())


@dataclass
class RecordedConsumer:
    transport: int
    producer: int
    parameters: Consumer
    paused: bool = True


@dataclass
class RecordedProducer:
    transport: int
    parameters: Producer
    speaking: Callable[[bool], None]
    paused: bool = False


@dataclass
class Recorder:
    """What the engine would hold. `full`: the next `consume` raises it."""

    routers: set[int] = field(default_factory=set)
    limits: dict[int, int] = field(default_factory=dict)
    transports: dict[int, TransportWatch] = field(default_factory=dict)
    router_of: dict[int, int] = field(default_factory=dict)
    connected: dict[int, DtlsParameters] = field(default_factory=dict)
    producers: dict[int, RecordedProducer] = field(default_factory=dict)
    consumers: dict[int, RecordedConsumer] = field(default_factory=dict)
    restarts: list[int] = field(default_factory=list)
    full: Exception | None = None
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def empty(self) -> bool:
        return not (self.routers or self.transports or self.producers or self.consumers)

    def lose(self, transport: int, reason: str) -> None:
        """The transport ends by itself, as the core does it: what is on it goes, then its watch hears of it."""
        watch = self.transports[transport]
        self.close_transport(transport)
        watch.closed(reason)

    def create_router(self) -> int:
        router = next(self._ids)
        self.routers.add(router)
        return router

    def set_active_speakers(self, router: int, limit: int) -> None:
        _known(router, self.routers)
        self.limits[router] = limit

    def close_router(self, router: int) -> None:
        self.routers.remove(router)
        self.limits.pop(router, None)
        for transport in [id for id, on in self.router_of.items() if on == router]:
            self.close_transport(transport)

    def create_transport(self, router: int, watch: TransportWatch) -> Transport:
        _known(router, self.routers)
        id = next(self._ids)
        self.transports[id] = watch
        self.router_of[id] = router
        return Transport(id, IceParameters(username_fragment=f"u{id}", password=f"p{id}"), (), NO_DTLS)

    def connect_transport(self, transport: int, dtls: DtlsParameters) -> None:
        _known(transport, self.transports)
        self.connected[transport] = dtls

    def restart_ice(self, transport: int) -> IceParameters:
        _known(transport, self.transports)
        self.restarts.append(transport)
        return IceParameters(username_fragment=f"u{transport}b", password=f"p{transport}b")

    def close_transport(self, transport: int) -> None:
        self.transports.pop(transport, None)
        self.router_of.pop(transport, None)
        for producer in [id for id, made in self.producers.items() if made.transport == transport]:
            self.close_producer(producer)
        for consumer in [id for id, made in self.consumers.items() if made.transport == transport]:
            del self.consumers[consumer]

    def produce(self, transport: int, producer: Producer, *, cname: str, speaking: Callable[[bool], None]) -> int:
        _known(transport, self.transports)
        id = next(self._ids)
        self.producers[id] = RecordedProducer(transport, producer, speaking)
        return id

    def pause_producer(self, producer: int) -> None:
        _known(producer, self.producers)
        self.producers[producer].paused = True

    def resume_producer(self, producer: int) -> None:
        _known(producer, self.producers)
        self.producers[producer].paused = False

    def close_producer(self, producer: int) -> None:
        self.producers.pop(producer, None)
        for consumer in [id for id, made in self.consumers.items() if made.producer == producer]:
            del self.consumers[consumer]

    def consume(self, transport: int, producer: int, consumer: Consumer) -> int:
        if self.full is not None:
            raise self.full
        _known(transport, self.transports)
        _known(producer, self.producers)
        id = next(self._ids)
        self.consumers[id] = RecordedConsumer(transport, producer, consumer)
        return id

    def pause_consumer(self, consumer: int) -> None:
        _known(consumer, self.consumers)
        self.consumers[consumer].paused = True

    def resume_consumer(self, consumer: int) -> None:
        _known(consumer, self.consumers)
        self.consumers[consumer].paused = False


def _known(id: int, ids: object) -> None:
    assert isinstance(ids, set | dict)
    if id not in ids:
        raise Gone
