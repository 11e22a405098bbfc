"""The native module by itself: arguments, values, errors."""

import errno
import select
import socket
from collections.abc import Callable

import pytest

from hocket.media.engine import (
    ConsumerOptions,
    Engine,
    EngineClosed,
    InvalidOption,
    MediaError,
    Overloaded,
    ProducerOptions,
    ProducerSpeaking,
    StatsReply,
    TransportClosed,
    UnknownId,
)

FINGERPRINT = ("sha-256", ":".join(["AB"] * 32))
OPUS = ProducerOptions(ssrc=1, opus_payload_type=111)
HEARD = ConsumerOptions(ssrc=2, mid="0", opus_payload_type=100)


def make(**options: object) -> Engine:
    return Engine(**({"addresses": ["127.0.0.1"], "workers": 2} | options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"port": -1}, "port"),
        ({"port": 65_536}, "port"),
        ({"workers": 65}, "workers"),
        ({"workers": -1}, "workers"),
        ({"gather_us": 3_001}, "gather_us"),
        ({"gather_us": -1}, "gather_us"),
        ({"silence_dbov": 1}, "silence_dbov"),
        ({"silence_dbov": -128}, "silence_dbov"),
        ({"silence_dbov": -129}, "silence_dbov"),
        ({"addresses": []}, "addresses"),
        ({"addresses": ["localhost"]}, "localhost"),
        ({"addresses": ["127.0.0.1", "127.0.0.2"]}, "addresses"),
        ({"consent_ms": 0}, "consent_ms"),
        ({"handshake_ms": -5}, "handshake_ms"),
        ({"max_transports": 0}, "max_transports"),
    ],
)
def test_an_option_out_of_its_range_is_named(options: dict[str, object], word: str) -> None:
    with pytest.raises(InvalidOption, match=word):
        make(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"opus_payload_type": 111},
        {"mid": "0", "opus_payload_type": 111},
        {"ssrc": 1},
        {"ssrc": 2**32, "opus_payload_type": 111},
        {"ssrc": -1, "opus_payload_type": 111},
        {"ssrc": 1, "opus_payload_type": 128},
        {"ssrc": 1, "opus_payload_type": 111, "red_payload_type": 111},
        {"ssrc": 1, "opus_payload_type": 111, "mid_extension": 15},
        {"ssrc": 1, "opus_payload_type": 111, "mid_extension": 3, "audio_level_extension": 3},
        {"ssrc": 1, "opus_payload_type": 111, "mid": "x" * 17},
        {"ssrc": 1, "opus_payload_type": 111, "cname": "x" * 256},
    ],
)
def test_producer_options_that_no_packet_could_fit_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        ProducerOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{"ssrc": -1}, {"mid": ""}, {"opus_payload_type": 200}, {"mid_extension": 0}])
def test_consumer_options_that_cannot_be_written_are_refused(options: dict[str, object]) -> None:
    valid: dict[str, object] = {"ssrc": 1, "mid": "0", "opus_payload_type": 111}
    with pytest.raises(InvalidOption):
        ConsumerOptions(**(valid | options))  # type: ignore[arg-type]


def test_options_and_events_are_values() -> None:
    assert ProducerOptions(ssrc=1, opus_payload_type=111) == OPUS
    assert ProducerOptions(ssrc=2, opus_payload_type=111) != OPUS
    assert TransportClosed(transport=1, reason="x") == TransportClosed(transport=1, reason="x")
    with pytest.raises(AttributeError):
        OPUS.ssrc = 2  # type: ignore[misc]
    speaking = ProducerSpeaking(producer=3, speaking=True, level=-30)
    assert (speaking.producer, speaking.speaking, speaking.level) == (3, True, -30)
    assert "-30" in repr(speaking)


def test_no_repr_shows_a_password() -> None:
    engine = make()
    info = engine.create_transport(engine.create_router())
    assert info.password not in repr(info)
    assert len(info.password) >= 22, "RFC 8445 §5.3 wants 128 random bits"
    assert len(info.username_fragment) >= 4
    engine.close()


def test_every_id_names_one_thing_only() -> None:
    engine = make()
    router = engine.create_router()
    speaker, listener = engine.create_transport(router).id, engine.create_transport(router).id
    producer = engine.produce(speaker, OPUS)
    consumer = engine.consume(listener, producer, HEARD)
    assert len({router, speaker, listener, producer, consumer}) == 5
    for call in (engine.close_transport, engine.close_producer, engine.pause_consumer, engine.request_producer_stats):
        with pytest.raises(UnknownId):
            call(router)
    engine.close()


def test_what_is_closed_takes_what_hangs_on_it_along() -> None:
    engine = make()
    router = engine.create_router()
    speaker, listener = engine.create_transport(router).id, engine.create_transport(router).id
    producer = engine.produce(speaker, OPUS)
    consumer = engine.consume(listener, producer, HEARD)
    engine.close_transport(speaker)
    for call, id in ((engine.resume_producer, producer), (engine.resume_consumer, consumer)):
        with pytest.raises(UnknownId):
            call(id)
    engine.close_router(router)
    dump = engine.dump()
    assert (dump.routers, dump.transports, dump.producers, dump.consumers) == (0, 0, 0, 0)
    engine.close()


def test_nobody_is_heard_in_another_channel() -> None:
    engine = make()
    speaker = engine.create_transport(engine.create_router()).id
    stranger = engine.create_transport(engine.create_router()).id
    producer = engine.produce(speaker, OPUS)
    with pytest.raises(UnknownId, match="producer"):
        engine.consume(stranger, producer, HEARD)
    engine.close()


def test_a_limit_of_active_speakers_out_of_its_range_is_refused() -> None:
    engine = make()
    router = engine.create_router()
    for limit in (0, 1, 64):
        engine.set_active_speakers(router, limit)
    for limit in (-1, 65, 2**40):
        with pytest.raises(InvalidOption, match="active_speakers"):
            engine.set_active_speakers(router, limit)
    with pytest.raises(UnknownId, match="router"):
        engine.set_active_speakers(router + 1, 1)
    engine.close()


@pytest.mark.parametrize(
    "fingerprints", [[], [("sha-1", ":".join(["AB"] * 20))], [("sha-256", "AB:CD")], [FINGERPRINT] * 17]
)
def test_t3_a_fingerprint_list_that_proves_nothing_is_refused(fingerprints: list[tuple[str, str]]) -> None:
    engine = make()
    transport = engine.create_transport(engine.create_router()).id
    with pytest.raises(InvalidOption, match="fingerprint"):
        engine.connect_transport(transport, role="client", fingerprints=fingerprints)
    engine.close()


def test_an_unknown_dtls_role_is_refused() -> None:
    engine = make()
    transport = engine.create_transport(engine.create_router()).id
    with pytest.raises(InvalidOption, match="role"):
        engine.connect_transport(transport, role="both", fingerprints=[FINGERPRINT])
    for role in ("client", "server", "auto"):
        engine.connect_transport(transport, role=role, fingerprints=[FINGERPRINT])
    engine.close()


def test_an_ice_restart_gives_new_credentials() -> None:
    engine = make()
    info = engine.create_transport(engine.create_router())
    fragment, password = engine.restart_ice(info.id)
    assert fragment != info.username_fragment
    assert password != info.password
    engine.close()


def test_transports_in_all_are_bounded() -> None:
    engine = make(max_transports=3)
    router = engine.create_router()
    transports = [engine.create_transport(router).id for _ in range(3)]
    with pytest.raises(Overloaded, match="transports"):
        engine.create_transport(router)
    engine.close_transport(transports[0])
    engine.create_transport(router)
    engine.close()


def test_producers_of_one_transport_are_bounded() -> None:
    engine = make()
    transport = engine.create_transport(engine.create_router()).id
    for ssrc in range(16):
        engine.produce(transport, ProducerOptions(ssrc=ssrc, opus_payload_type=111))
    with pytest.raises(Overloaded, match="producers"):
        engine.produce(transport, OPUS)
    engine.close()


def test_commands_that_wait_for_a_client_are_bounded() -> None:
    engine = make()
    transport = engine.create_transport(engine.create_router()).id
    producer = engine.produce(transport, OPUS)
    with pytest.raises(Overloaded, match="waiting"):
        _repeat(engine.pause_producer, producer, times=100_000)
    engine.close_producer(producer)
    engine.close_transport(transport)
    engine.close()


def test_events_wait_behind_one_readable_descriptor_and_come_in_one_batch() -> None:
    engine = make()
    transport = engine.create_transport(engine.create_router()).id
    assert select.select([engine.fileno()], [], [], 0)[0] == []
    requests = [engine.request_transport_stats(transport) for _ in range(500)]
    assert select.select([engine.fileno()], [], [], 5)[0] == [engine.fileno()]
    events = engine.drain_events()
    assert [event.request for event in events if isinstance(event, StatsReply)] == requests
    assert select.select([engine.fileno()], [], [], 0)[0] == []
    assert engine.drain_events() == []
    engine.close()


def test_close_is_idempotent_and_releases_the_port() -> None:
    engine = make()
    port = engine.port
    engine.close()
    engine.close()
    with pytest.raises(EngineClosed):
        engine.create_router()
    assert engine.dump().threads == 0
    assert engine.drain_events() == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def test_a_port_in_use_is_an_os_error_with_its_number() -> None:
    engine = make()
    with pytest.raises(OSError, match="in use") as caught:
        make(port=engine.port)
    assert caught.value.errno == errno.EADDRINUSE
    engine.close()


def test_every_error_has_one_root() -> None:
    assert all(issubclass(error, MediaError) for error in (UnknownId, Overloaded, EngineClosed, InvalidOption))


def test_an_engine_that_is_dropped_closes_itself() -> None:
    engine = make()
    port = engine.port
    del engine
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def _repeat(call: Callable[[int], None], id: int, *, times: int) -> None:
    for _ in range(times):
        call(id)
