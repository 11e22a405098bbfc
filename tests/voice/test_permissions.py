"""T15: whoever is heard is allowed to be, and whoever is allowed to be is heard; checked against a model."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from hocket.policy import ChannelId, Permissions
from tests.voice import shapes
from tests.voice.people import House, Person

HERE = ChannelId(1, 2)

KINDS = {
    "member": Permissions(),
    "stranger": Permissions(join=False),
    "banned": Permissions(),
    "may not speak": Permissions(speak=False),
    "may not listen": Permissions(listen=False),
}

ACTIONS = ["join", "join as listener", "resume all", "leave", "skip to join", "kick", "allow", "mute", "unmute"]


@dataclass
class Model:
    """Who is in, and who of them sends, by the rules alone."""

    banned: set[int] = field(default_factory=set)
    present: dict[int, bool] = field(default_factory=dict)

    def hears(self, kinds: dict[int, str]) -> dict[int, set[int]]:
        speakers = {user_id for user_id, speaks in self.present.items() if speaks}
        return {user_id: speakers - {user_id} if KINDS[kinds[user_id]].listen else set() for user_id in self.present}


def enter(house: House, user_id: int, permissions: Permissions, speaks: bool) -> Person:
    person = house.person(user_id, permissions=permissions)
    person.say(shapes.initialize(), shapes.prepare(), shapes.join(speaks=speaks))
    return person


def sounding(house: House, present: dict[int, Person]) -> dict[int, set[int]]:
    """Whose packets reach whom, by what the engine was told: consumers that flow, of producers that flow."""
    transports = {id: user_id for user_id, person in present.items() for id in person.seat.dump()["transports"]}  # type: ignore[attr-defined]
    reached: dict[int, set[int]] = {user_id: set() for user_id in present}
    for consumer in house.media.consumers.values():
        producer = house.media.producers[consumer.producer]
        if not consumer.paused and not producer.paused:
            reached[transports[consumer.transport]].add(transports[producer.transport])
    return reached


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(ACTIONS)), max_size=40),
)
def test_t15_the_set_of_people_heard_equals_the_set_allowed(kinds: list[str], steps: list[tuple[int, str]]) -> None:
    house, model = House(), Model()
    who = {index + 1: kind for index, kind in enumerate(kinds)}
    present: dict[int, Person] = {}
    muted: set[int] = set()

    def kick(user_id: int) -> None:
        model.banned.add(user_id)
        house.directory.moderation.kick(user_id, HERE)
        model.present.pop(user_id, None)
        if user_id in present:
            present.pop(user_id).end(None)

    for user_id, kind in who.items():
        if kind == "banned":
            kick(user_id)
    for index, action in steps:
        user_id = index % len(who) + 1
        permissions = KINDS[who[user_id]]
        match action:
            case "join" | "join as listener":
                speaks = action == "join"
                person = enter(house, user_id, permissions, speaks)
                if permissions.join and user_id not in model.banned and (permissions.speak or not speaks):
                    assert person.error is None
                    present.pop(user_id, None)
                    model.present.pop(user_id, None)
                    present[user_id], model.present[user_id] = person, speaks
                else:
                    assert person.error is not None
            case "skip to join":
                person = house.person(user_id, permissions=permissions)
                person.say(shapes.join())
                assert person.error is not None
            case "resume all":
                if user_id in present:
                    present[user_id].say(*[shapes.resume(id) for id in present[user_id].consumers().values()])
            case "leave":
                if user_id in present:
                    present.pop(user_id).leave()
                    del model.present[user_id]
            case "kick":
                kick(user_id)
            case "allow":
                model.banned.discard(user_id)
                house.directory.moderation.allow(user_id, None)
            case "mute" | "unmute":
                (muted.add if action == "mute" else muted.discard)(user_id)
                house.directory.set_muted(user_id, None, action == "mute")
    for person in present.values():
        person.say(*[shapes.resume(id) for id in person.consumers().values()])
        assert person.error is None
    allowed = {user_id: heard - muted for user_id, heard in model.hears(who).items()}
    assert sounding(house, present) == allowed
