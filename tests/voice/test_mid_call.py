"""Permissions that change in mid-call, and moderators: at once, told to those who care, undone without a join."""

from __future__ import annotations

import pytest

from hocket.errors import HocketError, Kicked, PermissionDenied, ResourceExhausted
from hocket.policy import ChannelId, Permissions
from hocket.proto import extension
from hocket.voice.events import Speaking
from tests.voice import shapes
from tests.voice.people import House, Person
from tests.voice.test_extension import states

HERE, THERE = ChannelId(1, 2), ChannelId(1, 3)
MODERATOR = Permissions(moderate=True)


def flowing(house: House) -> list[tuple[int, int]]:
    """The listener's transport and the speaker's producer of each consumer through which something goes."""
    return [
        (consumer.transport, consumer.producer)
        for consumer in house.media.consumers.values()
        if not consumer.paused and not house.media.producers[consumer.producer].paused
    ]


def resume_all(*people: Person) -> None:
    for person in people:
        person.say(*[shapes.resume(id) for id in person.consumers().values()])


def join(house: House, user_id: int, permissions: Permissions, *, speaks: bool = True, hocket: int = 1) -> Person:
    person = house.person(user_id, f"user {user_id}", permissions=permissions)
    person.say(shapes.initialize(hocket=hocket), shapes.prepare(), shapes.join(speaks=speaks))
    return person


def test_who_may_speak_no_longer_is_not_forwarded_and_goes_on_when_it_may_again() -> None:
    house = House()
    ada, bob = house.join(1, hocket=1), house.join(2, hocket=1)
    resume_all(ada, bob)
    states(bob)
    house.directory.set_permissions(1, HERE, Permissions(speak=False))
    assert [producer for _, producer in flowing(house)] == [bob.seat._member.sending.producer]  # type: ignore[union-attr]
    assert states(bob) == [extension.Event.Participant(user_id=1, name="user 1", muted=True, may_speak=False)]
    house.directory.set_permissions(1, HERE, Permissions())
    assert len(flowing(house)) == 2
    assert states(bob) == [extension.Event.Participant(user_id=1, name="user 1", may_speak=True)]
    assert (ada.error, bob.error) == (None, None)


def test_who_may_not_speak_is_not_unmuted_by_its_own_switch() -> None:
    house = House()
    ada, bob = house.join(1, hocket=1), house.join(2)
    resume_all(bob)
    house.directory.set_permissions(1, HERE, Permissions(speak=False))
    ada.say(shapes.set_muted(True), shapes.set_muted(False))
    house.directory.set_muted(1, HERE, True)
    house.directory.set_muted(1, HERE, False)
    assert flowing(house) == []


def test_who_loses_its_voice_while_it_speaks_is_told_of_as_silent() -> None:
    house = House()
    ada = house.join(1)
    house.media.producers[ada.seat._member.sending.producer].speaking(True)  # type: ignore[union-attr]
    house.directory.set_permissions(1, HERE, Permissions(speak=False))
    assert [event.speaking for event in house.told if isinstance(event, Speaking)] == [True, False]


def test_who_may_listen_no_longer_is_sent_nothing_and_hears_on_when_it_may_again() -> None:
    house = House()
    ada, bob = house.join(1), house.join(2, hocket=1)
    resume_all(ada, bob)
    states(bob)
    house.directory.set_permissions(2, HERE, Permissions(listen=False))
    assert [producer for _, producer in flowing(house)] == [bob.seat._member.sending.producer]  # type: ignore[union-attr]
    assert states(bob)[-1].may_not_listen
    house.directory.set_permissions(2, HERE, Permissions())
    assert len(flowing(house)) == 2
    assert not states(bob)[-1].may_not_listen


def test_whoever_joins_while_somebody_may_not_listen_is_told_once_it_may() -> None:
    house = House()
    house.join(1)
    bob = house.join(2, hocket=1)
    house.directory.set_permissions(2, HERE, Permissions(listen=False))
    house.join(3)
    house.join(4, speaks=False)
    house.join(5)
    assert bob.words() == ["joined[1]", "participant", "participant"]
    house.directory.set_permissions(2, HERE, Permissions())
    assert bob.words() == ["+3", "participant", "+5", "participant", "participant"]
    resume_all(bob)
    assert len([1 for listener, _ in flowing(house) if listener == bob.seat._member.transport]) == 3


def test_what_is_resumed_while_listening_is_not_allowed_flows_from_then_on() -> None:
    house = House()
    house.join(1)
    bob = house.join(2)
    house.directory.set_permissions(2, HERE, Permissions(listen=False))
    resume_all(bob)
    assert flowing(house) == []
    house.directory.set_permissions(2, HERE, Permissions())
    assert len(flowing(house)) == 1


def test_undeafening_gives_nothing_to_somebody_who_may_not_listen() -> None:
    house = House()
    house.join(1)
    bob = house.join(2, hocket=1)
    resume_all(bob)
    house.directory.set_permissions(2, HERE, Permissions(listen=False))
    bob.say(shapes.set_deafened(True), shapes.set_deafened(False))
    assert flowing(house) == []
    bob.say(shapes.set_deafened(True))
    house.directory.set_permissions(2, HERE, Permissions())
    assert flowing(house) == []
    bob.say(shapes.set_deafened(False))
    assert len(flowing(house)) == 1


def test_who_may_not_be_here_any_longer_is_ended_and_refused_until_it_may() -> None:
    house = House()
    ada, bob = house.join(1), house.join(2)
    bob.read()
    house.directory.set_permissions(1, HERE, Permissions(join=False))
    assert isinstance(ada.error, PermissionDenied)
    assert bob.words() == ["-1"]
    assert isinstance(house.join(1).error, PermissionDenied)
    assert house.join(1, channel=3).error is None
    house.directory.set_permissions(1, HERE, None)
    assert house.join(1).error is None


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("change", ["join", "speak", "kick"])
def test_what_is_taken_between_initialize_and_join_is_not_had_at_the_join(step: int, change: str) -> None:
    house = House()
    person = house.person(1)
    person.say(*[shapes.initialize(), shapes.prepare()][:step])
    if change == "kick":
        house.directory.kick(1, HERE, "Out.")
    else:
        house.directory.set_permissions(1, HERE, Permissions(**{change: False}))
    assert person.error is None
    person.say(*[shapes.prepare(), shapes.join()][step - 1 :])
    assert isinstance(person.error, Kicked if change == "kick" else PermissionDenied)
    assert house.media.empty


def test_a_change_holds_in_every_later_stay_whatever_authorize_says_and_until_it_is_taken_back() -> None:
    house = House()
    house.directory.set_permissions(1, HERE, Permissions(speak=False))
    assert isinstance(join(house, 1, Permissions()).error, PermissionDenied)
    ada = join(house, 1, Permissions(), speaks=False)
    assert ada.seat._member.permissions == Permissions(speak=False)
    house.directory.set_permissions(1, HERE, None)
    assert ada.seat._member.permissions == Permissions()
    assert join(house, 1, Permissions()).error is None


def test_none_gives_back_what_authorize_had_said() -> None:
    house = House()
    bob = join(house, 2, Permissions(listen=False))
    house.join(1)
    house.directory.set_permissions(2, HERE, Permissions())
    assert bob.consumers().keys() == {1}
    house.directory.set_permissions(2, HERE, None)
    resume_all(bob)
    assert flowing(house) == []


def test_permissions_of_one_channel_are_not_those_of_another() -> None:
    house = House(one_channel="allow")
    here, there = house.join(1, channel=2), house.join(1, channel=3)
    house.directory.set_permissions(1, THERE, Permissions(speak=False))
    paused = [house.media.producers[each.seat._member.sending.producer].paused for each in (here, there)]  # type: ignore[union-attr]
    assert paused == [False, True]


def test_a_change_that_the_engine_has_no_room_for_ends_that_stream_and_is_no_error_of_the_app() -> None:
    house = House()
    ada, bob = house.join(1), join(house, 2, Permissions(listen=False))
    house.media.full = ResourceExhausted(retry_after=1)
    house.directory.set_permissions(2, HERE, Permissions())
    assert isinstance(bob.error, ResourceExhausted)
    assert ada.error is None


def test_the_same_permissions_again_are_told_to_nobody() -> None:
    house = House()
    ada = house.join(1, hocket=1)
    states(ada)
    house.directory.set_permissions(1, HERE, Permissions())
    assert states(ada) == []


def test_a_moderator_mutes_others_and_takes_that_back() -> None:
    house = House()
    ada, bob = join(house, 1, MODERATOR), house.join(2, hocket=1)
    resume_all(ada, bob)
    assert [state.may_moderate for state in states(ada)] == []
    states(bob)
    ada.say(shapes.mute_user(2))
    assert states(bob) == [extension.Event.Participant(user_id=2, name="user 2", muted=True, may_speak=False)]
    assert len(flowing(house)) == 1
    bob.say(shapes.set_muted(False))
    assert len(flowing(house)) == 1
    ada.say(shapes.mute_user(2, muted=False))
    assert len(flowing(house)) == 2


def test_a_moderator_is_shown_as_one() -> None:
    house = House()
    ada = join(house, 1, Permissions())
    states(ada)
    house.directory.set_permissions(1, HERE, MODERATOR)
    assert [state.may_moderate for state in states(ada)] == [True]


def test_a_moderator_kicks_and_the_user_stays_out_of_this_channel_until_allowed() -> None:
    house = House(one_channel="allow")
    ada, bob, elsewhere = join(house, 1, MODERATOR), house.join(2), house.join(2, channel=3)
    waiting = house.person(2)
    waiting.say(shapes.initialize(), shapes.prepare())
    ada.say(shapes.kick_user(2, "Be kind."))
    assert isinstance(bob.error, Kicked)
    assert bob.error.sentence == "Be kind."
    waiting.say(shapes.join())
    assert isinstance(waiting.error, Kicked)
    assert isinstance(house.join(2).error, Kicked)
    assert (ada.error, elsewhere.error) == (None, None)
    house.directory.moderation.allow(2, HERE)
    assert house.join(2).error is None


@pytest.mark.parametrize("request_", [shapes.mute_user(2), shapes.kick_user(2)])
def test_whoever_is_no_moderator_ends_its_own_stream_and_harms_nobody(request_: shapes.Request) -> None:
    house = House()
    ada, bob = house.join(1, hocket=1), house.join(2)
    resume_all(ada, bob)
    ada.say(request_)
    assert isinstance(ada.error, PermissionDenied)
    assert bob.error is None
    assert not house.media.producers[bob.seat._member.sending.producer].paused  # type: ignore[union-attr]


def test_who_is_no_moderator_any_more_moderates_no_more() -> None:
    house = House()
    ada, bob = join(house, 1, MODERATOR), house.join(2)
    house.directory.set_permissions(1, HERE, Permissions())
    ada.say(shapes.kick_user(2))
    assert isinstance(ada.error, PermissionDenied)
    assert bob.error is None


def test_a_moderator_can_note_nothing_of_people_who_are_not_here() -> None:
    house = House()
    ada = join(house, 1, MODERATOR)
    house.join(3, channel=3)
    for user_id in (0, 3, 9, 2**64 - 1):
        ada.say(shapes.kick_user(user_id), shapes.mute_user(user_id))
    assert ada.error is None
    moderation = house.directory.moderation
    assert (moderation._kicked, moderation._muted) == (set(), set())
    assert house.join(9).error is None


def test_a_moderator_who_kicks_itself_is_out() -> None:
    house = House()
    ada = join(house, 1, MODERATOR)
    ada.say(shapes.kick_user(1))
    error: HocketError | None = ada.error
    assert isinstance(error, Kicked)
    assert house.media.empty
