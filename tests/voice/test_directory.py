"""Which channels there are, and how they are made."""

from __future__ import annotations

import pytest

from hocket.policy import ChannelId
from tests.voice.people import House


def test_a_channel_is_made_with_as_many_active_speakers_as_the_app_says_and_asked_anew_when_it_is_made_again() -> None:
    answers = iter([3, 0, 5])
    asked: list[ChannelId] = []

    def how_many(channel: ChannelId) -> int:
        asked.append(channel)
        return next(answers)

    house = House(active_speakers=how_many)
    ada, bob, eve = house.join(1, channel=7), house.join(2, channel=7), house.join(3, channel=8)
    assert list(house.media.limits.values()) == [3], "of a channel in which all are heard nothing is said"
    for person in (ada, bob, eve):
        person.leave()
    house.join(1, channel=7)
    assert list(house.media.limits.values()) == [5]
    assert asked == [ChannelId(1, 7), ChannelId(1, 8), ChannelId(1, 7)]


def test_an_app_that_cannot_say_how_many_speak_leaves_no_channel_behind() -> None:
    def how_many(channel: ChannelId) -> int:
        raise LookupError(channel)

    house = House(active_speakers=how_many)
    with pytest.raises(LookupError), house.directory.hold(ChannelId(1, 7)):
        pass
    assert house.media.empty
    assert not house.directory.channels
