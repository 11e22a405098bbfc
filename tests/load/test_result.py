"""The arithmetic of a run, and the table that shows it."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from hocket.load import result, table
from hocket.load.crowd import LoadReport
from hocket.load.process import ProcessGone, Usage, usage
from hocket.load.result import Result


def latency(count: int = 0, **figures: float) -> object:
    values: dict[str, float | None] = {"p50_ms": None, "p99_ms": None, "p999_ms": None, "max_ms": None}
    return SimpleNamespace(count=count, **(values | figures))


def thread(**figures: float) -> object:
    values = {"wall_seconds": 10.0, "running_seconds": 1.0, "waiting_seconds": 0.0}
    values |= {"paused_seconds": 0.05, "socket_drops": 0, "unsent": 0}
    return SimpleNamespace(**(values | figures))


def report(**members: object) -> LoadReport:
    whole: dict[str, object] = {
        "connect": latency(4, p50_ms=5.0, p99_ms=6.0, p999_ms=6.0, max_ms=6.0),
        "first_packet": latency(),
        "delay": latency(9, p50_ms=0.25, p99_ms=0.5, p999_ms=0.75, max_ms=1.0),
        "slip": latency(9, p99_ms=1.0),
        "sent": {0: 100, 2: 90},
        "sent_by_ms": {20: 190},
        "expected": 380,
        "received": 378,
        "again": 1,
        "opened": 24,
        "unreadable": 0,
        "failures": [],
        "threads": [thread()],
    }
    return cast(LoadReport, SimpleNamespace(**(whole | members)))


def whole(given: LoadReport, **members: object) -> Result:
    cost = result.server_cost(
        7,
        idle=Usage(2.0, 1.0, 1.0, 10_000_000),
        connected=Usage(2.03, 1.02, 1.01, 10_500_000),
        before=Usage(4.0, 2.0, 2.0, 11_000_000, {1: 1.0, 2: 1.0, 3: 2.0}),
        after=Usage(4.4, 2.1, 2.3, 12_048_000, {1: 1.05, 3: 2.0, 2: 1.2, 4: 0.15}),
        received=378,
        participants=4,
    )
    values: dict[str, Any] = {
        "url": "ws://127.0.0.1:1",
        "channels": 2,
        "participants": 3,
        "speakers": 1,
        "talking": 1,
        "listeners": 0,
        "seconds": 2.0,
        "payload": 100,
        "vary": 0,
        "ptime_ms": {20: 190},
        "measured": True,
        "joined": 4,
        "failures": {"no-answer": 2},
        "joins_per_second": 50.0,
        "join_ms": result.times_of([3.0, 1.0, 2.0]),
        "connect_ms": result.times(given.connect),
        "first_packet_ms": result.times(given.first_packet),
        "delay_ms": result.times(given.delay),
        "packets": result.packets(given, 382),
        "client": result.client_state(given, 0.5, 5.25),
        "server": cost,
    }
    return Result(**(values | members))


def test_each_packet_is_offered_to_everyone_else_in_its_channel() -> None:
    assert result.offered([(0, 100), (0, 90), (1, 50)], {0: 3, 1: 5}) == 190 * 2 + 50 * 4
    assert result.offered([(0, 100)], {0: 1}) == 0


def test_lost_and_withheld_are_what_is_missing_at_each_step() -> None:
    account = result.packets(report(), 382)
    assert (account.sent, account.offered, account.expected, account.received) == (190, 382, 380, 378)
    assert (account.lost, account.withheld) == (2, 2)


def test_the_servers_cost_is_what_it_used_meanwhile() -> None:
    cost = whole(report()).server
    assert cost is not None
    assert (cost.user_seconds, cost.system_seconds) == (0.1, 0.3)
    assert cost.ns_per_packet == pytest.approx(0.4e9 / 378)
    assert cost.packets_per_cpu_second == pytest.approx(378 / 0.4)
    assert cost.thread_seconds == [0.2, 0.15, 0.05], "the busiest first, a new one whole, without one that did nothing"
    assert cost.memory_per_participant == 2_048_000 // 4
    assert cost.join_ms == pytest.approx(30 / 4)


def test_quantiles_of_few_values_are_values() -> None:
    times = result.times_of([5.0, 1.0, 3.0, 2.0, 4.0])
    assert (times.count, times.p50, times.p99, times.max) == (5, 3.0, 5.0, 5.0)
    assert result.times_of([]).p50 is None


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"threads": [thread(), thread(running_seconds=8.1)]}, "81% of a core"),
        ({"slip": latency(9, p99_ms=10.1)}, "10.1 ms late"),
        ({"threads": [thread(waiting_seconds=2.6)]}, "waited 26% of the time"),
        ({"threads": [thread(paused_seconds=0.2)]}, "2% of the time it sent nothing"),
        ({"threads": [thread(socket_drops=2), thread(socket_drops=1)]}, "lost 3 datagrams"),
        ({"threads": [thread(unsent=4)]}, "refused 4 datagrams"),
    ],
)
def test_a_client_that_is_the_limit_says_so(members: dict[str, object], word: str) -> None:
    (reason,) = result.client_state(report(**members), 0.5, None).limited_by
    assert word in reason
    assert "The client was the limit" in "\n".join(table.lines(whole(report(**members))))
    assert result.client_state(report(), 0.5, None).limited_by == []


def test_joins_by_a_client_that_was_busy_with_itself_tell_of_the_client() -> None:
    (reason,) = result.client_state(report(), 0.81, None).limited_by
    assert "81% of a core: join and first-packet times" in reason


def test_the_table_shows_the_figures_of_the_json() -> None:
    found = whole(report())
    text = "\n".join(table.lines(found))
    told = json.loads(result.to_json(found))
    packets, server = told["packets"], told["server"]
    assert f"{packets['sent']} sent, {packets['offered']} offered" in text
    assert f"{packets['expected']} expected, {packets['received']} received, {packets['lost']} lost" in text
    assert f"{server['ns_per_packet']:,.0f} ns" in text
    assert f"{server['user_seconds']:.2f} user" in text
    assert f"{server['join_ms']:.2f} ms a join, before that; the client's side of it took 5.25" in text
    assert "0.20 + 0.15 + 0.05 by thread" in text
    assert f"{told['delay_ms']['p99']:.2f}" in text
    assert "Joined    4 of 6" in text
    assert "2 times no-answer" in text
    assert "\x1b" not in text
    assert "\x1b" in "\n".join(table.lines(found, colours=True))


def test_open_microphones_at_which_nobody_talks_are_named() -> None:
    assert "3 speaking (1 talking)," in table.lines(whole(report(), speakers=3))[0]
    assert "1 speaking, 2 muted, 100 bytes" in table.lines(whole(report()))[0]
    assert "1 speaking, 2 listening only, 100" in table.lines(whole(report(), listeners=2))[0]


def test_how_much_sound_the_packets_held_is_told_and_counted_where_it_differs() -> None:
    assert "20 ms of sound in each" in "\n".join(table.lines(whole(report())))
    mixed = whole(report(), ptime_ms={60: 150, 20: 40})
    assert "40 of 20 ms, 150 of 60 ms" in "\n".join(table.lines(mixed))
    assert json.loads(result.to_json(mixed))["ptime_ms"] == {"20": 40, "60": 150}
    nothing_sent = table.lines(whole(report(), ptime_ms={}))
    assert len(nothing_sent) == len(table.lines(mixed)) - 1, "not even an empty line"


def test_a_run_that_ended_early_says_so() -> None:
    assert "Ended before the measurement" in "\n".join(table.lines(whole(report(), measured=False)))


def test_a_process_is_measured_or_named_as_gone() -> None:
    used = usage(1)
    assert used.memory > 0
    assert used.cpu == pytest.approx(used.user + used.system, abs=0.05)
    assert 1 in used.threads
    with pytest.raises(ProcessGone, match="4999999"):
        usage(4_999_999)


def test_cpu_time_is_told_finer_than_a_tick() -> None:
    before = usage(os.getpid()).cpu
    sum(range(10_000))  # a fraction of a millisecond
    assert usage(os.getpid()).cpu - before > 0
