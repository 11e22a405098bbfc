"""When a run stops to wait: for first packets, and for the last one."""

from __future__ import annotations

from hocket.load.settled import Quiet, Settled


class Streams:
    """Streams that begin, and a clock."""

    def __init__(self) -> None:
        self.begun = 0
        self.now = 100.0

    def settled(self, awaited: int) -> Settled:
        return Settled(awaited, lambda: self.begun, lambda: self.now)


def test_it_is_over_as_soon_as_everyone_who_talks_is_heard() -> None:
    streams = Streams()
    settled = streams.settled(6)
    assert not settled()
    streams.begun = 5
    assert not settled()
    streams.begun = 6
    assert settled()


def test_where_nobody_talks_nobody_is_waited_for() -> None:
    assert Streams().settled(0)()


def test_whom_the_server_holds_back_is_not_waited_for_long() -> None:
    streams = Streams()
    settled = streams.settled(6)
    streams.begun = 3
    assert not settled()
    streams.now += 1.9
    assert not settled()
    streams.begun = 4  # another one: the wait begins anew
    assert not settled()
    streams.now += 1.9
    assert not settled()
    streams.now += 0.2
    assert settled()


def test_when_nothing_has_begun_it_goes_on_waiting() -> None:
    streams = Streams()
    settled = streams.settled(6)
    streams.now += 10
    assert not settled()


def test_it_is_quiet_when_no_packet_has_come_for_a_while() -> None:
    streams = Streams()
    quiet = Quiet(lambda: streams.begun, lambda: streams.now)
    assert not quiet()
    streams.now += 0.25
    streams.begun += 1  # a late one: the wait begins anew
    assert not quiet()
    streams.now += 0.25
    assert not quiet()
    streams.now += 0.1
    assert quiet()
