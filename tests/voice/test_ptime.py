"""How long packets are: by how many are in the channel, or as the app says; and who is told of it when."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hocket.config import Limits
from hocket.policy import ChannelId, Permissions
from hocket.voice.ptime import by_size
from tests.voice import shapes
from tests.voice.people import House, Person, Response

ROOMY = Limits(participants=200)


def sizes(people: Iterable[int]) -> list[int]:
    """What packets hold as a channel has so many people, one after the other."""
    now, seen = 20, []
    for many in people:
        now = by_size(many, now)
        seen.append(now)
    return seen


def in_capabilities(answer: Response) -> int | None:
    """What Initialized says."""
    opus = json.loads(answer.initialized.rtp_capabilities)["codecs"][0]
    told: int | None = opus["parameters"].get("ptime")
    return told


def told(person: Person) -> list[int]:
    """What the extension has told since the last look."""
    return [answer.hocket.ptime.ms for answer in person.read() if answer.hocket.HasField("ptime")]


def test_packets_grow_at_100_and_at_300_people_and_shrink_where_a_quarter_of_them_has_left() -> None:
    assert sizes([1, 99, 100, 99, 76, 75, 74, 99, 100]) == [20, 20, 40, 40, 40, 40, 20, 20, 40]
    assert sizes([299, 300, 299, 225, 224, 299, 300]) == [40, 60, 60, 60, 40, 40, 60]


def test_a_channel_that_fills_and_empties_at_once_is_right_at_once() -> None:
    assert sizes([1_000, 0, 1_000, 80]) == [60, 20, 60, 40]


def test_whoever_moves_about_a_step_changes_nothing() -> None:
    assert len(set(sizes([100, *([99, 100, 101] * 50)]))) == 1


def test_who_comes_to_a_large_channel_is_told_with_the_first_word() -> None:
    house = House(limits=ROOMY)
    first = house.person(1)
    first.say(shapes.initialize())
    assert in_capabilities(first.read()[0]) is None
    for number in range(2, 102):
        house.join(number, speaks=False)
    late = house.person(900)
    late.say(shapes.initialize())
    assert in_capabilities(late.read()[0]) == 40


def test_those_who_send_and_know_our_extension_are_told_once_when_a_channel_grows_and_when_it_shrinks() -> None:
    house = House(limits=ROOMY)
    speaker, listener, plain = house.join(1, hocket=1), house.join(2, speaks=False, hocket=1), house.join(3)
    for person in (speaker, listener, plain):
        person.read()
    crowd = [house.join(number, speaks=False) for number in range(4, 101)]
    assert told(speaker) == [40]
    assert (told(listener), told(plain)) == ([], [])
    for person in crowd[:30]:
        person.leave()
    assert told(speaker) == [20]
    assert told(listener) == []


def test_who_was_told_before_the_channel_grew_hears_of_it_right_after_joining() -> None:
    house = House(limits=ROOMY)
    slow = house.person(1)
    slow.say(shapes.initialize(hocket=1), shapes.prepare())
    assert in_capabilities(slow.read()[0]) is None
    for number in range(2, 102):
        house.join(number, speaks=False)
    slow.say(shapes.join())
    answers = slow.read()
    assert answers[0].HasField("joined_channel")
    assert [answer.hocket.ptime.ms for answer in answers if answer.hocket.HasField("ptime")] == [40]


def test_whose_own_join_makes_the_channel_large_is_told_too() -> None:
    house = House(limits=ROOMY)
    for number in range(1, 100):
        house.join(number, speaks=False)
    hundredth = house.join(100, hocket=1)
    assert told(hundredth) == [40]


def test_what_the_app_says_holds_whatever_the_size_until_it_leaves_it_to_the_size_again() -> None:
    house = House(limits=ROOMY, ptime=lambda channel: 60 if channel == ChannelId(1, 7) else 20)
    stage, room = house.join(1, channel=7, hocket=1), house.join(2, channel=8, hocket=1)
    assert (told(stage), told(room)) == ([], [])  # each was told with the first word
    for number in range(3, 103):
        house.join(number, speaks=False, channel=8)
    assert told(room) == []
    there = house.directory.channels[ChannelId(1, 8)]
    there.set_ptime("auto")
    assert told(room) == [40]
    there.set_ptime(40)
    assert told(room) == []
    there.set_ptime(20)
    there.set_ptime(60)
    assert told(room) == [60], "who has not read yet hears the last word alone"


def test_who_may_not_speak_at_the_moment_is_told_all_the_same() -> None:
    house = House(limits=ROOMY, ptime=lambda channel: 20)
    person = house.join(1, hocket=1)
    there = house.directory.channels[ChannelId(1, 2)]
    there.set_permissions(there.members[1], Permissions(speak=False))
    there.set_ptime(40)
    assert told(person) == [40]
