"""What counts as harm, and how it is told."""

from __future__ import annotations

from hocket.attack.report import (
    KEPT_BYTES,
    TAKEN_BYTES,
    Heard,
    Held,
    Outcome,
    Report,
    harm_to_others,
    harm_to_pair,
    harm_to_process,
    lost,
)
from hocket.attack.table import lines


def heard(lost: int, asked: int = 1_000) -> Heard:
    return Heard(asked=asked, sent=asked, received=asked - lost, lost=lost, p50=1.0, p99=2.0, max=3.0)


def held(memory: int = 50 * 2**20, descriptors: int = 20, threads: int = 3) -> Held:
    return Held(memory=memory, descriptors=descriptors, threads=threads)


def test_a_two_hundredth_of_the_packets_is_harm_and_less_is_not() -> None:
    assert harm_to_pair(heard(lost=4), []) == []
    assert harm_to_pair(heard(lost=5), []) == ["The two people lost 0.50% of their packets (5 of 1000)."]


def test_a_packet_of_somebody_else_is_harm() -> None:
    one = Heard(asked=100, sent=100, received=100, lost=0, foreign=1)
    assert harm_to_pair(one, []) == ["The two people got 1 packets that neither had sent."]


def test_whoever_has_to_come_again_is_harmed() -> None:
    assert harm_to_pair(heard(lost=0), ["no-answer"]) == ["One of the two people was cut off: no-answer."]


def test_what_the_client_itself_dropped_is_not_lost() -> None:
    assert lost(asked=100, received=90, own_drops=4) == 6
    assert lost(asked=100, received=99, own_drops=4) == 0


def test_what_a_process_keeps_is_harm() -> None:
    assert harm_to_process(held(), None, held(descriptors=24, threads=5, memory=50 * 2**20 + KEPT_BYTES)) == []
    assert len(harm_to_process(held(), None, held(descriptors=25))) == 1
    assert len(harm_to_process(held(), None, held(threads=6))) == 1
    assert len(harm_to_process(held(), None, held(memory=50 * 2**20 + KEPT_BYTES + 1))) == 1
    assert harm_to_process(held(), None, None) == ["The server's process has ended."]
    assert harm_to_process(None, None, None) == []


def test_what_a_process_takes_meanwhile_has_a_bound() -> None:
    assert harm_to_process(held(), held(memory=50 * 2**20 + TAKEN_BYTES), held()) == []
    assert len(harm_to_process(held(), held(memory=50 * 2**20 + TAKEN_BYTES + 1), held())) == 1


def test_more_bytes_back_than_out_is_harm_to_others() -> None:
    assert harm_to_others(100, 100) == []
    assert len(harm_to_others(100, 101)) == 1


def test_the_table_says_what_was_sent_what_was_lost_and_who_did_harm() -> None:
    outcome = Outcome(
        name="joins",
        classes="T19",
        sentence="People who join.",
        seconds=5,
        inputs=1_234,
        bytes_out=0,
        answers=0,
        bytes_back=0,
        notes=["1,234 joined."],
        heard=heard(lost=10),
        harm=["The two people lost 1.00% of their packets (10 of 1000)."],
        before=held(),
        peak=held(descriptors=30),
        after=held(),
    )
    told = lines(Report(url="ws://a", unattacked=heard(lost=0), attacks=[outcome], harmed=True))
    assert told[-1] == "Harmed by: joins."
    text = "\n".join(told)
    for part in ("HARMED", "1,234 sent in 5 s. 1,234 joined.", "10 of 1000 packets lost (1.00%)", "20 / 30 / 20 desc"):
        assert part in text
    assert "\x1b" not in text


def test_a_run_that_ended_before_the_first_attack_says_nothing_of_harm() -> None:
    told = lines(Report(url="ws://a", unattacked=heard(lost=0), attacks=[], harmed=False))
    assert told[-1] == "Ended before the first attack was over: nothing can be said."
