"""How fast requests and joins may come: buckets over a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.errors import ResourceExhausted
from hocket.voice.pace import TokenBucket, TokenBuckets
from hocket.voice.session import State
from tests.voice.people import House


def test_a_bucket_says_when_it_has_enough_again() -> None:
    bucket = TokenBucket(rate=2, burst=10, now=0.0)
    assert bucket.take(0.0, 10)
    assert not bucket.take(0.0)
    assert (bucket.wait(), bucket.wait(7), bucket.wait(1_000)) == (1, 4, 5)
    assert not bucket.take(3.0, 7)
    assert bucket.take(3.5, 7)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 20)), max_size=50))
def test_never_more_than_the_burst_and_the_rate_together(calls: list[tuple[float, int]]) -> None:
    bucket, now, taken = TokenBucket(rate=3, burst=20, now=0.0), 0.0, 0
    for later, amount in calls:
        now += later
        taken += amount if bucket.take(now, amount) else 0
        assert taken <= 20 + 3 * now + 1e-6


def test_each_name_has_a_bucket_of_its_own() -> None:
    buckets = TokenBuckets(rate=1, burst=2, most=10)
    assert [buckets.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert buckets.wait("a") == 1
    assert buckets.take("b", 0.0)
    assert buckets.take("a", 1.0)
    assert buckets.wait("nobody") == 1


def test_of_many_names_only_so_many_are_kept_and_the_busiest_stay() -> None:
    buckets = TokenBuckets(rate=0.001, burst=2, most=100)
    for number in range(10_000):
        buckets.take(number, 0.0)
        buckets.take("busy", 0.0)
        assert len(buckets) <= 100
    assert not buckets.take("busy", 0.0)


def test_whoever_has_been_quiet_is_forgotten() -> None:
    buckets = TokenBuckets(rate=1, burst=2, most=1_000)
    for number in range(500):
        buckets.take(number, 0.0)
    for _ in range(500):
        buckets.take("late", 100.0)
    assert len(buckets) == 1


def test_requests_are_weighed_before_they_are_read() -> None:
    house = House()
    person = house.person(1)
    person.session.weigh(house.limits.request_byte_burst, 0.0)
    with pytest.raises(ResourceExhausted) as caught:
        person.session.weigh(65_536, 0.5)
    assert caught.value.retry_after == 1
    assert person.session.state is State.ENDED
