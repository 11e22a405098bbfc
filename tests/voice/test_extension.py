"""WIRE.md, "Our extension, invisible to others": field 1000, and nothing of it for those who did not ask."""

from __future__ import annotations

import json

import pytest

from hocket.errors import NotFound, OutOfOrder
from hocket.policy import ChannelId, Permissions
from hocket.proto import extension
from hocket.voice.events import Speaking
from hocket.voice.media import Quality
from tests.voice import shapes
from tests.voice.people import House, Person


def states(person: Person) -> list[extension.Event.Participant]:
    """The participants of whom somebody was told since the last time."""
    return [response.hocket.participant for response in person.read() if response.hocket.HasField("participant")]


def test_a_client_that_did_not_ask_is_sent_nothing_of_it() -> None:
    house = House()
    plain = house.join(1, hocket=0)
    talker = house.join(2, hocket=1)
    talker.say(shapes.set_muted(), shapes.set_deafened())
    for producer in house.media.producers.values():
        producer.speaking(True)
    for watch in list(house.media.transports.values()):
        watch.quality(Quality(0.1, 20.0, 3.0))
    house.directory.set_muted(2, None, True)
    assert plain.words() == ["joined[]", "+2"]


def test_a_client_that_did_not_ask_may_not_send_it() -> None:
    person = House().join(1, hocket=0)
    person.say(shapes.set_muted())
    assert isinstance(person.error, OutOfOrder)


@pytest.mark.parametrize(("asked", "given"), [(1, 1), (7, 1), (2**32 - 1, 1)])
def test_welcome_follows_initialized_with_the_lower_version(asked: int, given: int) -> None:
    person = House().person(5, "Ada")
    person.say(shapes.initialize(hocket=asked))
    first, second = person.read()
    assert first.HasField("initialized")
    assert second.hocket.welcome == extension.Event.Welcome(version=given, user_id=5, name="Ada")


def test_everybody_present_is_introduced_after_the_message_that_names_them() -> None:
    house = House()
    first = house.join(1, hocket=1)
    second = house.join(2, hocket=1)
    assert first.words() == ["joined[]", "participant", "+2", "participant"]
    assert [state.user_id for state in states(house.join(3, hocket=1))] == [1, 2, 3]
    assert second.words() == ["joined[1]", "participant", "participant", "+3", "participant"]


def test_a_participant_has_name_and_switches() -> None:
    person = House().join(4, hocket=1)
    assert states(person) == [extension.Event.Participant(user_id=4, name="user 4", may_speak=True)]


def test_a_listener_is_told_of_itself_and_nobody_else_is() -> None:
    house = House()
    speaker = house.join(1, hocket=1)
    speaker.read()
    listener = house.join(2, speaks=False, hocket=1)
    assert [state.user_id for state in states(listener)] == [1, 2]
    assert speaker.words() == []


def test_set_muted_pauses_the_producer_and_tells_the_others() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    for person in (first, second):
        person.read()
    first.say(shapes.set_muted(True))
    producers = {made.parameters.ssrc: made.paused for made in house.media.producers.values()}
    assert sorted(made.paused for made in house.media.producers.values()) == [False, True], producers
    assert [state.muted for state in states(second)] == [True]
    assert [state.muted for state in states(first)] == [True]
    first.say(shapes.set_muted(False))
    assert not any(made.paused for made in house.media.producers.values())
    assert [state.muted for state in states(second)] == [False]


def test_muting_twice_is_told_once() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    second.read()
    first.say(shapes.set_muted(), shapes.set_muted())
    assert len(states(second)) == 1
    first.say(shapes.set_muted())
    assert states(second) == []


def test_set_deafened_pauses_all_consumers_of_that_person_and_no_other() -> None:
    house = House()
    speaker, deaf, other = house.join(1), house.join(2, hocket=1), house.join(3)
    deaf.say(shapes.resume(deaf.consumers()[1]), shapes.resume(deaf.consumers()[3]))
    other.say(shapes.resume(other.consumers()[1]))
    deaf.say(shapes.set_deafened(True))
    flowing = [made.transport for made in house.media.consumers.values() if not made.paused]
    assert flowing == [house.media.consumers[other.seat._member.heard[1]].transport]
    deaf.say(shapes.set_deafened(False))
    assert [made.paused for made in house.media.consumers.values()].count(False) == 3
    assert speaker.error is None


def test_what_was_not_resumed_stays_silent_after_undeafening() -> None:
    house = House()
    house.join(1)
    deaf = house.join(2, hocket=1)
    deaf.say(shapes.set_deafened(True), shapes.set_deafened(False))
    assert all(made.paused for made in house.media.consumers.values())


def test_what_is_resumed_while_deafened_flows_from_undeafening_on() -> None:
    house = House()
    house.join(1)
    deaf = house.join(2, hocket=1)
    deaf.say(shapes.set_deafened(True), shapes.resume(deaf.consumers()[1]))
    assert all(made.paused for made in house.media.consumers.values())
    deaf.say(shapes.set_deafened(False))
    assert [made.paused for made in house.media.consumers.values()].count(False) == 1


def test_speaking_is_told_to_all_and_to_the_app() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    first.read()
    second.read()
    (producer,) = (made for id, made in house.media.producers.items() if id == first.seat._member.sending.producer)  # type: ignore[union-attr]
    producer.speaking(True)
    assert [(state.user_id, state.speaking) for state in states(second)] == [(1, True)]
    assert [(state.user_id, state.speaking) for state in states(first)] == [(1, True)]
    assert house.told[-1] == Speaking(ChannelId(1, 2), first.user, True)


def test_nobody_who_is_muted_speaks() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    second.read()
    producer = house.media.producers[first.seat._member.sending.producer]  # type: ignore[union-attr]
    producer.speaking(True)
    first.say(shapes.set_muted())
    producer.speaking(True)
    assert states(second)[-1] == extension.Event.Participant(user_id=1, name="user 1", muted=True, may_speak=True)
    assert [event.speaking for event in house.told if isinstance(event, Speaking)] == [True, False]


def test_the_word_of_somebody_who_left_meanwhile_is_for_nobody() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    producer = house.media.producers[first.seat._member.sending.producer]  # type: ignore[union-attr]
    first.leave()
    second.read()
    producer.speaking(True)
    assert second.words() == []


def test_a_state_that_waits_is_replaced_by_the_newer_one() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    second.read()
    producer = house.media.producers[first.seat._member.sending.producer]  # type: ignore[union-attr]
    for _ in range(2_000):
        producer.speaking(True)
        producer.speaking(False)
    assert not second.outbox.overflowed
    assert [state.speaking for state in states(second)] == [False]


def test_a_state_that_waits_is_dropped_when_its_user_leaves() -> None:
    house = House()
    first = house.join(1, hocket=1)
    house.join(2, hocket=1).leave()
    house.join(2, hocket=1)
    assert first.words() == ["joined[]", "participant", "+2", "-2", "+2", "participant"]


def test_a_moderators_mute_is_not_undone_by_the_user() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    second.read()
    house.directory.set_muted(1, None, True)
    first.say(shapes.set_muted(True), shapes.set_muted(False))
    assert states(second)[-1] == extension.Event.Participant(user_id=1, name="user 1", muted=True, may_speak=False)
    assert house.media.producers[first.seat._member.sending.producer].paused  # type: ignore[union-attr]
    house.directory.set_muted(1, None, False)
    assert states(second)[-1] == extension.Event.Participant(user_id=1, name="user 1", may_speak=True)


def test_a_moderators_mute_holds_when_the_user_comes_back() -> None:
    house = House()
    house.join(1).leave()
    house.directory.set_muted(1, ChannelId(1, 2), True)
    again = house.join(1, hocket=1)
    assert again.error is None
    assert house.media.producers[again.seat._member.sending.producer].paused  # type: ignore[union-attr]
    assert states(again)[0].muted
    elsewhere = house.join(1, channel=3)
    assert not house.media.producers[elsewhere.seat._member.sending.producer].paused  # type: ignore[union-attr]


def test_somebody_who_may_not_speak_is_shown_so() -> None:
    house = House()
    listener = house.person(1, permissions=Permissions(speak=False))
    listener.say(shapes.initialize(hocket=1), shapes.prepare(), shapes.join(speaks=False))
    assert [state.may_speak for state in states(listener)] == [False]


def test_restart_ice_gives_new_parameters_for_a_transport_of_this_stream() -> None:
    house = House()
    person = house.join(1, hocket=1)
    person.read()
    transport = str(person.seat.dump()["transports"][0])  # type: ignore[index]
    person.say(shapes.restart_ice(transport))
    (answer,) = person.read()
    assert answer.hocket.ice_restarted.transport_id == transport
    assert json.loads(answer.hocket.ice_restarted.ice_parameters)["usernameFragment"] == f"u{transport}b"


def test_a_ping_is_answered_at_once_by_a_pong_with_its_number() -> None:
    person = House().join(1, hocket=1)
    person.read()
    person.say(shapes.ping(2**64 - 1))
    (answer,) = person.read()
    assert answer.hocket.pong.id == 2**64 - 1


def test_restart_ice_of_somebody_elses_transport_is_an_error() -> None:
    house = House()
    first, second = house.join(1, hocket=1), house.join(2, hocket=1)
    first.say(shapes.restart_ice(str(second.seat.dump()["transports"][0])))  # type: ignore[index]
    assert isinstance(first.error, NotFound)
    assert house.media.restarts == []


@pytest.mark.parametrize(
    "request_", [shapes.set_muted(), shapes.set_deafened(), shapes.restart_ice("1"), shapes.ping()]
)
def test_the_extensions_requests_come_after_joined_channel(request_: shapes.Request) -> None:
    person = House().person(1)
    person.say(shapes.initialize(hocket=1), shapes.prepare(), request_)
    assert isinstance(person.error, OutOfOrder)


def test_a_request_of_a_newer_extension_is_skipped() -> None:
    person = House().join(1, hocket=1)
    person.read()
    person.say(shapes.unknown_extension())
    assert person.error is None
    assert person.words() == []


def test_quality_tells_the_worse_of_the_two_transports() -> None:
    house = House()
    person = house.join(1, hocket=1)
    person.read()
    sending, receiving = house.media.transports.values()
    sending.quality(Quality(0.25, 10.0, 1.0))
    receiving.quality(Quality(0.0, 80.0, 2.0))
    (told,) = person.read()
    assert told.hocket.quality == extension.Event.Quality(loss=0.25, rtt_ms=80.0, jitter_ms=2.0)
