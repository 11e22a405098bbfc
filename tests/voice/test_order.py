"""WIRE.md, "What the reference leaves to us": the order of what a participant is told, and who is told at all."""

from __future__ import annotations

import random

import pytest

from hocket.config import Limits
from hocket.errors import JoinedElsewhere, ResourceExhausted, Unavailable
from hocket.policy import Permissions
from hocket.voice.events import Joined, Left
from tests.voice import shapes
from tests.voice.people import House, Person


def test_joined_channel_is_the_joiners_first_word_of_the_channel() -> None:
    house = House()
    house.join(1)
    assert house.join(2).words() == ["joined[1]"]


def test_other_users_are_listed_in_the_order_in_which_they_joined() -> None:
    house = House()
    for user_id in (5, 3, 9):
        house.join(user_id)
    assert house.join(1).words() == ["joined[5, 3, 9]"]


def test_a_user_who_was_listed_is_not_announced_again() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    assert second.words() == ["joined[1]"]
    assert second.words() == []


def test_later_joiners_are_announced_in_the_order_in_which_they_joined() -> None:
    house = House()
    first = house.join(1)
    for user_id in (4, 2, 3):
        house.join(user_id)
    assert first.words() == ["joined[]", "+4", "+2", "+3"]


def test_each_user_left_comes_after_that_users_user_joined() -> None:
    house = House()
    first = house.join(1)
    second = house.join(2)
    second.leave()
    house.join(2)
    assert first.words() == ["joined[]", "+2", "-2", "+2"]


def test_a_user_who_leaves_is_announced_as_left_to_all_other_users() -> None:
    house = House()
    people = [house.join(user_id) for user_id in (1, 2, 3)]
    for person in people:
        person.read()
    people[0].leave()
    assert [person.words() for person in people] == [[], ["-1"], ["-1"]]


def test_leaving_twice_is_announced_once() -> None:
    house = House()
    first, second = house.join(1), house.join(2)
    second.leave()
    second.leave()
    assert first.words() == ["joined[]", "+2", "-2"]


def test_nobody_hears_of_somebody_who_only_prepared() -> None:
    house = House()
    first = house.join(1)
    second = house.person(2)
    second.say(shapes.initialize(), shapes.prepare())
    second.leave()
    assert first.words() == ["joined[]"]


def test_channels_do_not_hear_of_each_other() -> None:
    house = House()
    first = house.join(1, channel=2)
    assert house.join(2, channel=3).words() == ["joined[]"]
    assert first.words() == ["joined[]"]


def test_the_same_channel_number_in_another_guild_is_another_channel() -> None:
    house = House()
    house.join(1)
    other = house.person(2)
    other.say(shapes.initialize(guild=9), shapes.prepare(), shapes.join())
    assert other.words()[-1] == "joined[]"


def test_requests_sent_ahead_are_answered_in_order() -> None:
    person = House().person(1)
    person.say(shapes.initialize(), shapes.prepare())
    assert person.words() == ["initialized", "prepared_for_join_channel"]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_holds_whatever_people_do(seed: int) -> None:
    house, chance = House(), random.Random(seed)
    present: dict[int, Person] = {}
    gone: list[Person] = []
    for _ in range(60):
        user_id = chance.randint(1, 6)
        if user_id in present and chance.random() < 0.5:
            gone.append(present.pop(user_id))
            gone[-1].leave()
        else:
            if user_id in present:
                gone.append(present[user_id])
            present[user_id] = house.join(user_id, speaks=chance.random() < 0.7, hocket=chance.randint(0, 1))
    for person in (*present.values(), *gone):
        check_order(person)
    for person in present.values():
        heard = set(person.seat._member.heard)
        assert heard == {other.user.id for other in present.values() if other.seat._member.sending} - {person.user.id}
        assert check_order(person) == heard
        person.leave()
    assert house.media.empty


def check_order(person: Person) -> set[int]:
    """Walks through all that somebody was told, and gives who is there at the end of it."""
    person.read()
    there: set[int] = set()
    joined = False
    for response in person.heard:
        kind = response.WhichOneof("message")
        if kind == "joined_channel":
            assert not joined
            joined = True
            there = {options.user_id for options in response.joined_channel.other_users}
            assert len(there) == len(response.joined_channel.other_users)
        elif kind == "user_joined":
            assert joined
            assert response.user_joined.data.user_id not in there
            there.add(response.user_joined.data.user_id)
        elif kind == "user_left":
            assert response.user_left.user_id in there
            there.remove(response.user_left.user_id)
        elif kind == "hocket" and response.hocket.WhichOneof("event") == "participant":
            assert response.hocket.participant.user_id in {*there, person.user.id}
    return there


def test_a_listener_gets_everyone_and_is_announced_to_nobody() -> None:
    house = House()
    speaker = house.join(1)
    listener = house.join(2, speaks=False)
    assert listener.words() == ["joined[1]"]
    house.join(3)
    assert listener.words() == ["+3"]
    listener.leave()
    assert speaker.words() == ["joined[]", "+3"]


def test_a_listener_is_not_listed_to_newcomers() -> None:
    house = House()
    house.join(1, speaks=False)
    assert house.join(2).words() == ["joined[]"]


def test_a_user_without_the_right_to_speak_can_only_join_as_a_listener() -> None:
    house = House()
    refused = house.person(1, permissions=Permissions(speak=False))
    refused.say(shapes.initialize(), shapes.prepare(), shapes.join())
    assert refused.error is not None
    assert refused.error.identifier == "hocket.permission-denied"
    assert "rtp_paramaters" in refused.error.sentence
    listener = house.person(1, permissions=Permissions(speak=False))
    listener.say(shapes.initialize(), shapes.prepare(), shapes.join(speaks=False))
    assert listener.words()[-1] == "joined[]"


def test_a_user_without_the_right_to_listen_gets_nobody() -> None:
    house = House()
    house.join(1)
    deaf = house.person(2, permissions=Permissions(listen=False))
    deaf.say(shapes.initialize(), shapes.prepare(), shapes.join())
    house.join(3).leave()
    assert deaf.words() == ["initialized", "prepared_for_join_channel", "joined[]"]
    assert all(consumer.transport not in deaf.seat.dump()["transports"] for consumer in house.media.consumers.values())  # type: ignore[operator]


def test_a_user_without_the_right_to_join_is_refused_at_initialize() -> None:
    house = House()
    stranger = house.person(1, permissions=Permissions(join=False))
    stranger.say(shapes.initialize())
    assert stranger.error is not None
    assert stranger.error.identifier == "hocket.permission-denied"
    assert house.media.empty


def test_one_channel_a_user_the_newest_stream_wins() -> None:
    house = House()
    neighbour = house.join(7, channel=2)
    older = house.join(1, channel=2)
    house.join(1, channel=3)
    assert isinstance(older.error, JoinedElsewhere)
    assert older.error.identifier == "hocket.joined-elsewhere"
    assert neighbour.words() == ["joined[]", "+1", "-1"]


def test_the_policy_reject_keeps_the_older_stream() -> None:
    house = House(one_channel="reject")
    older = house.join(1, channel=2)
    newer = house.join(1, channel=3)
    assert older.error is None
    assert isinstance(newer.error, JoinedElsewhere)


def test_the_policy_allow_lets_a_user_be_in_several_channels() -> None:
    house = House(one_channel="allow")
    streams = [house.join(1, channel=channel) for channel in (2, 3, 4)]
    assert [stream.error for stream in streams] == [None, None, None]


@pytest.mark.parametrize("policy", ["replace", "reject", "allow"])
def test_a_second_stream_of_a_user_in_the_same_channel_always_replaces_the_first(policy: str) -> None:
    house = House(one_channel=policy)  # type: ignore[arg-type]
    neighbour = house.join(7)
    older = house.join(1)
    newer = house.join(1)
    assert isinstance(older.error, JoinedElsewhere)
    assert newer.words() == ["joined[7]"]
    assert neighbour.words() == ["joined[]", "+1", "-1", "+1"]
    assert len(house.media.producers) == 2


def test_a_replaced_stream_that_ends_later_takes_nothing_from_the_newer_one() -> None:
    house = House()
    neighbour = house.join(7)
    older, newer = house.join(1), house.join(1)
    neighbour.read()
    older.leave()
    assert neighbour.words() == []
    assert newer.error is None


def test_a_full_channel_refuses_with_a_time_to_come_back_and_keeps_its_own() -> None:
    house = House(limits=Limits(participants=2))
    house.join(1)
    house.join(2)
    third = house.join(3)
    assert isinstance(third.error, ResourceExhausted)
    assert third.error.retry_after > 0
    assert house.join(2).error is None, "who is here already may come anew"


def test_an_engine_without_room_undoes_the_join_for_everybody() -> None:
    house = House()
    first = house.join(1)
    house.media.full = ResourceExhausted(retry_after=1)
    second = house.join(2)
    assert isinstance(second.error, ResourceExhausted)
    assert first.words() == ["joined[]"]
    house.media.full = None
    assert house.join(2).words() == ["joined[1]"]


def test_a_speaker_whose_transport_has_just_gone_is_not_listed() -> None:
    house = House()
    speaker = house.join(1)
    for producer in list(house.media.producers):
        house.media.close_producer(producer)  # the word of it is under way
    newcomer = house.join(2)
    assert newcomer.words() == ["joined[]"]
    speaker.leave()
    assert newcomer.words() == [], "who was never told of a user is not told that it left"


def test_the_app_hears_one_left_for_every_joined() -> None:
    house = House()
    house.join(1)
    house.join(2, speaks=False).leave()
    house.join(1)
    kinds = [(type(event), event.user.id) for event in house.told]
    assert kinds == [(Joined, 1), (Joined, 2), (Left, 2), (Left, 1), (Joined, 1)]


def test_an_error_leaves_the_other_participants_untouched() -> None:
    house = House()
    first = house.join(1)
    clumsy = house.person(2)
    clumsy.say(shapes.initialize(), shapes.prepare(), shapes.join(rtp="{"))
    assert clumsy.error is not None
    assert first.words() == ["joined[]"]
    assert first.error is None


@pytest.mark.parametrize(
    ("reason", "identifier"),
    [
        ("fingerprint-mismatch", "hocket.fingerprint-mismatch"),
        ("consent-expired", "hocket.transport-failed"),
        ("handshake-timeout", "hocket.transport-failed"),
        ("peer-closed", "hocket.transport-failed"),
        ("something-new", "hocket.transport-failed"),
        ("worker-failed", "hrpc.unavailable"),
    ],
)
def test_a_transport_that_ends_by_itself_ends_its_stream_with_a_clear_error(reason: str, identifier: str) -> None:
    house = House()
    neighbour, victim = house.join(1), house.join(2)
    transport = next(id for id in victim.seat.dump()["transports"])  # type: ignore[attr-defined]
    house.media.lose(transport, reason)
    assert victim.error is not None
    assert victim.error.identifier == identifier
    assert isinstance(victim.error, Unavailable) == (reason == "worker-failed")
    assert neighbour.words() == ["joined[]", "+2", "-2"]
    neighbour.leave()
    assert house.media.empty
