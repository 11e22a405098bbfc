"""T17: out-of-order and repeated requests: every sequence up to length 5 ends in a defined state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from hocket.errors import HocketError
from hocket.policy import ChannelId, Permissions
from hocket.proto import voice
from hocket.voice.session import State
from tests.voice import shapes
from tests.voice.people import House, Person

LENGTH = 5

ALPHABET: dict[str, Callable[[Person], voice.StreamMessageRequest]] = {
    "initialize": lambda person: shapes.initialize(hocket=1),
    "initialize without extension": lambda person: shapes.initialize(),
    "prepare": lambda person: shapes.prepare(),
    "prepare badly": lambda person: shapes.prepare("[]"),
    "join": lambda person: shapes.join(),
    "join as listener": lambda person: shapes.join(speaks=False),
    "join badly": lambda person: shapes.join(rtp='{"codecs": []}'),
    "resume": lambda person: shapes.resume(person.consumers().get(7, "1")),
    "resume what never was": lambda person: shapes.resume("99"),
    "mute": lambda person: shapes.set_muted(),
    "deafen": lambda person: shapes.set_deafened(),
    "restart ICE": lambda person: shapes.restart_ice(str(max(person.house.media.transports, default=0))),
    "restart ICE of nothing": lambda person: shapes.restart_ice("nothing"),
    "unmute": lambda person: shapes.set_muted(False),
    "undeafen": lambda person: shapes.set_deafened(False),
    "ping": lambda person: shapes.ping(),
    "mute user 7": lambda person: shapes.mute_user(7),
    "kick user 7": lambda person: shapes.kick_user(7),
    "kick nobody": lambda person: shapes.kick_user(8),
    "kick oneself": lambda person: shapes.kick_user(1),
    "unknown extension": lambda person: shapes.unknown_extension(),
    "nothing": lambda person: voice.StreamMessageRequest(),
}

NEXT: dict[tuple[State, str], State] = {
    (State.OPENED, "initialize"): State.INITIALIZED,
    (State.INITIALIZED, "prepare_for_join_channel"): State.PREPARED,
    (State.PREPARED, "join_channel"): State.JOINED,
    (State.JOINED, "resume_consumer"): State.JOINED,
    (State.JOINED, "hocket"): State.JOINED,
}
"""The whole protocol, written down once more: any other request ends the stream."""


KINDS = {
    "member": Permissions(),
    "moderator": Permissions(moderate=True),
    "may not speak": Permissions(speak=False),
    "may not listen": Permissions(listen=False),
    "stranger": Permissions(join=False),
}


MISTAKES = {"hocket.out-of-order", "hrpc.http.bad-streaming-request"}
MISTAKES_INSIDE = {*MISTAKES, "hocket.invalid-parameters", "hocket.not-found"}
ENDS = {
    "member": {*MISTAKES_INSIDE, "hocket.permission-denied"},
    "moderator": {*MISTAKES_INSIDE, "hocket.kicked"},
    "may not speak": {*MISTAKES_INSIDE, "hocket.permission-denied"},
    "may not listen": {*MISTAKES_INSIDE, "hocket.permission-denied"},
    "stranger": {*MISTAKES, "hocket.permission-denied"},
}
"""How the sequences of each kind end, those that end."""


@dataclass
class Tally:
    sequences: int = 0
    ends: dict[str, int] = field(default_factory=dict)


def play(names: tuple[str, ...], permissions: Permissions = KINDS["member"]) -> tuple[House, Person]:
    """Plays one sequence from the start, in a channel where user 7 speaks already."""
    house = House()
    house.join(7)
    person = house.person(1, permissions=permissions)
    for name in names:
        person.say(ALPHABET[name](person))
    return house, person


def live_sequences(tally: Tally, permissions: Permissions) -> Iterator[tuple[str, ...]]:
    """Every sequence up to LENGTH, but what follows an end only once: an ended stream reads nothing more."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        names = waiting.pop()
        if len(names) == LENGTH:
            continue
        for name in ALPHABET:
            longer = (*names, name)
            yield longer
            _, person = play(longer, permissions)
            tally.sequences += 1
            if person.error is None:
                waiting.append(longer)
            else:
                tally.ends[person.error.identifier] = tally.ends.get(person.error.identifier, 0) + 1


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_t17_every_sequence_of_requests_ends_in_a_defined_state(kind: str) -> None:
    tally, permissions = Tally(), KINDS[kind]
    for names in live_sequences(tally, permissions):
        house, person = play(names, permissions)
        before = State.OPENED if len(names) == 1 else play(names[:-1], permissions)[1].session.state
        message = ALPHABET[names[-1]](person).WhichOneof("message") or ""
        left = house.directory.channels.get(ChannelId(1, 2))
        remains = left is not None and 7 in left.members
        assert remains or (permissions.moderate and "kick user 7" in names)
        if person.error is None:
            assert person.session.state is NEXT[before, message], names
        else:
            assert isinstance(person.error, HocketError)
            assert person.error.sentence
            assert person.session.state is State.ENDED
            assert len(house.media.transports) == 2 * remains, "only user 7 is left, unless it was kicked"
            assert house.directory.dump() == ({} if left is None else {"1/2": left.dump()})
        person.leave()
        assert len(house.media.consumers) == 0
    assert set(tally.ends) == ENDS[kind]
    assert tally.sequences > (300 if permissions.join else len(ALPHABET) - 1)


def test_t17_an_ended_stream_takes_nothing_more() -> None:
    for kind in ALPHABET:
        _, person = play(("join",))
        assert person.session.state is State.ENDED
        with pytest.raises(HocketError) as caught:
            person.session.receive(ALPHABET[kind](person), 0.0)
        assert caught.value.identifier in ("hocket.out-of-order", "hrpc.http.bad-streaming-request")
