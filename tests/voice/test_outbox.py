"""Each participant has a bounded outbox; full means that it does not read."""

from __future__ import annotations

import sys

from hocket.voice.outbox import Outbox
from tests.voice import shapes
from tests.voice.people import House


def make(limit: int = 3) -> tuple[Outbox, list[bool]]:
    woken: list[bool] = []
    return Outbox(limit, lambda: woken.append(True)), woken


def drained(outbox: Outbox) -> list[bytes]:
    frames = []
    while (frame := outbox.take()) is not None:
        frames.append(frame)
    return frames


def test_frames_leave_in_the_order_in_which_they_came() -> None:
    outbox, woken = make()
    for frame in (b"a", b"b", b"c"):
        outbox.put(frame)
    assert drained(outbox) == [b"a", b"b", b"c"]
    assert len(woken) == 3


def test_a_full_outbox_overflows_and_keeps_nothing() -> None:
    outbox, _ = make(limit=2)
    for frame in (b"a", b"b", b"c", b"d"):
        outbox.put(frame)
    assert outbox.overflowed
    assert len(outbox) == 0


def test_the_last_frame_finds_room_even_after_an_overflow() -> None:
    outbox, _ = make(limit=1)
    outbox.put(b"a")
    outbox.put(b"b")
    outbox.close(b"error")
    assert drained(outbox) == [b"error"]
    assert outbox.finished


def test_the_last_frame_comes_after_all_that_wait() -> None:
    outbox, _ = make()
    outbox.put(b"a")
    outbox.close(b"error")
    outbox.put(b"late")
    outbox.close(b"second error")
    assert not outbox.finished
    assert drained(outbox) == [b"a", b"error"]


def test_what_a_flood_of_frames_took_is_given_back_once_they_have_left() -> None:
    outbox, _ = make(limit=2_000)
    few = sys.getsizeof(outbox._frames)
    for wave in (2_000, 5):
        for number in range(wave):
            outbox.put_latest(number, b"x")
        assert drained(outbox) == [b"x"] * wave
        assert sys.getsizeof(outbox._frames) < few + 1_000


def test_a_newer_state_takes_the_place_of_the_older_one_that_waits() -> None:
    outbox, _ = make(limit=3)
    outbox.put_latest("x", b"x1")
    outbox.put(b"a")
    outbox.put_latest("x", b"x2")
    outbox.put_latest("y", b"y1")
    outbox.put_latest("y", b"y2")
    assert not outbox.overflowed
    assert drained(outbox) == [b"x2", b"a", b"y2"]
    outbox.put_latest("x", b"x3")
    assert drained(outbox) == [b"x3"]


def test_a_state_can_be_forgotten() -> None:
    outbox, _ = make()
    outbox.put_latest("x", b"x1")
    outbox.forget("x")
    outbox.forget("never there")
    assert drained(outbox) == []


def test_a_participant_that_does_not_read_overflows_and_no_other_does() -> None:
    house = House()
    sleeper, reader = house.join(1), house.join(2)
    for _ in range(house.limits.outbox):
        house.join(3).leave()
        reader.read()
    assert sleeper.outbox.overflowed
    assert not reader.outbox.overflowed
    assert reader.error is None
    reader.say(shapes.resume(reader.consumers()[1]))
    assert reader.error is None
