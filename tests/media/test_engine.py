"""The media engine on an event loop: life, events, futures, nothing left behind."""

import asyncio
import gc
import resource
from collections.abc import Callable

import pytest
import uvloop

from hocket.media.engine import (
    WORKER_FAILED,
    ConsumerOptions,
    EngineClosed,
    Event,
    MediaEngine,
    ProducerOptions,
    ProducerSpeaking,
    Quality,
    TransportClosed,
    TransportConnected,
    UnknownId,
    WorkerFailed,
)

from .conftest import descriptors, threads, until

Make = Callable[..., MediaEngine]
OPUS = ProducerOptions(ssrc=1, opus_payload_type=111, cname="alice")
HEARD = ConsumerOptions(ssrc=2, mid="0", opus_payload_type=100)


async def test_candidates_carry_the_announced_addresses_and_the_port_in_use(loopback: Make) -> None:
    async with loopback(announce=["192.0.2.1", "2001:db8::1"]) as engine:
        assert [candidate.address for candidate in engine.candidates] == ["192.0.2.1", "2001:db8::1"]
        assert {candidate.port for candidate in engine.candidates} == {engine.port}


async def test_an_announced_address_that_is_none_leaves_nothing_running(loopback: Make) -> None:
    before = (descriptors(), threads())
    with pytest.raises(ValueError, match="nonsense"):
        await loopback(announce=["nonsense"]).__aenter__()
    assert (descriptors(), threads()) == before


async def test_the_certificate_is_told_by_strong_hashes_only(loopback: Make) -> None:
    async with loopback() as engine:
        algorithms = [algorithm for algorithm, _ in engine.fingerprints]
        assert algorithms == ["sha-256", "sha-384", "sha-512"]
        assert all(value == value.upper() and ":" in value for _, value in engine.fingerprints)


async def test_an_engine_runs_inside_its_block_and_nowhere_else(loopback: Make) -> None:
    engine = loopback()
    with pytest.raises(EngineClosed):
        engine.create_router()
    async with engine:
        engine.create_router()
        with pytest.raises(RuntimeError, match="once"):
            await engine.__aenter__()
    with pytest.raises(EngineClosed):
        engine.create_router()
    engine.close()


async def test_descriptors_and_threads_are_back_to_the_base_line_after_close(loopback: Make) -> None:
    async with loopback(workers=3):
        await until(lambda: len(threads()) == 3)
    gc.collect()  # what other tests left to it
    before = descriptors()
    for _ in range(20):
        async with loopback(workers=3) as engine:
            router = engine.create_router()
            engine.create_transport(router)
    await until(lambda: threads() == [])
    gc.collect()
    assert len(descriptors()) == len(before), descriptors() - before


async def test_an_option_that_is_refused_leaves_nothing_behind(loopback: Make) -> None:
    before = descriptors()
    async with loopback() as engine:
        for _ in range(10):
            with pytest.raises(OSError, match="in use"):
                async with loopback(port=engine.port):
                    pass
    gc.collect()
    assert len(descriptors()) == len(before)
    await until(lambda: threads() == [])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_answers_come_through_the_loop_s_reader(loopback: Make, run: Callable[..., None]) -> None:
    async def ask() -> None:
        async with loopback() as engine:
            transport = engine.create_transport(engine.create_router()).id
            producer = engine.produce(transport, OPUS)
            async with asyncio.timeout(5):
                answers = await asyncio.gather(*(engine.transport_stats(transport) for _ in range(300)))
                assert {answer.dtls_state for answer in answers} == {"new"}
                assert (await engine.producer_stats(producer)).packets == 0
                consumer = engine.consume(engine.create_transport(1).id, producer, HEARD)
                assert (await engine.consumer_stats(consumer)).paused

    run(ask())


async def test_statistics_of_what_is_unknown_are_an_error(loopback: Make) -> None:
    async with loopback() as engine:
        for ask in (engine.transport_stats, engine.producer_stats, engine.consumer_stats):
            with pytest.raises(UnknownId):
                await ask(12345)


async def test_a_cancelled_question_is_forgotten(loopback: Make) -> None:
    async with loopback() as engine:
        transport = engine.create_transport(engine.create_router()).id
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await engine.transport_stats(transport)
        assert (await engine.transport_stats(transport)).dtls_state == "new"
        assert engine._requests == {}


async def test_closing_answers_whoever_waits(loopback: Make) -> None:
    async with loopback() as engine:
        transport = engine.create_transport(engine.create_router()).id
        async with asyncio.TaskGroup() as group:
            question = group.create_task(_expect_closed(engine, transport))
            await asyncio.sleep(0)
            engine.close()
        assert question.result()


async def _expect_closed(engine: MediaEngine, transport: int) -> bool:
    with pytest.raises(EngineClosed):
        await engine.transport_stats(transport)
    return True


async def test_each_event_goes_to_the_watcher_of_its_object(loopback: Make) -> None:
    told: list[tuple[str, Event]] = []
    async with loopback(on_event=lambda event: told.append(("all", event))) as engine:
        for id, name in ((1, "transport"), (2, "producer"), (3, "other")):
            engine.watch(id, lambda event, name=name: told.append((name, event)))  # type: ignore[misc]
        events: list[tuple[str, Event]] = [
            ("transport", TransportConnected(transport=1)),
            ("producer", ProducerSpeaking(producer=2, speaking=True, level=-20)),
            ("transport", Quality(transport=1, loss=0.0, rtt_ms=None, jitter_ms=1.0)),
            ("transport", TransportClosed(transport=1, reason="peer-closed")),
        ]
        for _, event in events:
            engine._tell(event)
        engine._tell(TransportClosed(transport=1, reason="a second last word"))
    assert [entry for entry in told if entry[0] != "all"] == events
    assert len([entry for entry in told if entry[0] == "all"]) == 5


async def test_a_failed_media_thread_is_the_last_word_to_its_transports(loopback: Make) -> None:
    told: list[Event] = []
    async with loopback() as engine:
        for id in (1, 2, 3):
            engine.watch(id, told.append)
        engine._tell(WorkerFailed(worker=0, transports=[1, 3]))
    assert told == [TransportClosed(transport=id, reason=WORKER_FAILED) for id in (1, 3)]


async def test_a_watcher_that_raises_stops_nobody_else(loopback: Make) -> None:
    told: list[Event] = []
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(str(context["exception"])))

    def fail(event: Event) -> None:
        raise ValueError("a watcher's own mistake")

    async with loopback() as engine:
        engine.watch(1, fail)
        engine.watch(2, told.append)
        for id in (1, 2):
            engine._tell(TransportConnected(transport=id))
    assert reported == ["a watcher's own mistake"]
    assert told == [TransportConnected(transport=2)]


async def test_thousands_of_transports_made_and_closed_leave_nothing(loopback: Make) -> None:
    async with loopback(max_transports=100) as engine:
        await _come_and_go(engine, 500)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        await _come_and_go(engine, 4_000)
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
        assert growth < 8_192, "KiB; 4,000 transports that stayed would be tens of MB"
        await until(lambda: not any(core.announced for core in engine.dump().cores) and not any(engine.dump().commands))
        dump = engine.dump()
        assert (dump.routers, dump.transports, dump.producers, dump.consumers, dump.questions) == (0, 0, 0, 0, 0)
        assert (dump.events, dump.events_lost, dump.messages) == (0, 0, [0, 0])
        assert engine._watchers == {}


async def _come_and_go(engine: MediaEngine, times: int) -> None:
    for _ in range(times):
        router = engine.create_router()
        speaker, listener = await _patiently(engine, router), await _patiently(engine, router)
        producer = engine.produce(speaker, OPUS)
        engine.watch(speaker, lambda event: None)
        engine.watch(producer, lambda event: None)
        consumer = engine.consume(listener, producer, HEARD)
        engine.resume_consumer(consumer)
        engine.close_producer(producer)
        engine.close_transport(speaker)
        engine.close_router(router)


async def _patiently(engine: MediaEngine, router: int) -> int:
    """Make a transport, waiting while the workers catch up with what they were told before."""
    await until(lambda: max(engine.dump().commands) < 1_000)
    return engine.create_transport(router).id
