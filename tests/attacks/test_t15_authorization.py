"""T15: whoever is heard is allowed to be, and whoever is allowed to be is heard, after each step of anybody.

A state machine plays {member, stranger, banned, may not speak, may not listen, moderator} with two streams each in
two channels: every request at every state, permissions that change, kicks, mutes, leaves. A model that knows the rules
alone says whom each stream hears; the recorder says what the engine was told to forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hocket.errors import HocketError
from hocket.policy import ChannelId, Permissions
from hocket.voice.session import State
from tests.voice import shapes
from tests.voice.people import House, Person

KINDS = {
    "member": Permissions(),
    "stranger": Permissions(join=False),
    "banned": Permissions(),
    "may not speak": Permissions(speak=False),
    "may not listen": Permissions(listen=False),
    "moderator": Permissions(moderate=True),
}
CHANNELS = (ChannelId(1, 2), ChannelId(1, 3))
STREAMS = (0, 1)

OF_MEMBERS = ("resume", "mute", "unmute", "deafen", "undeafen", "mute user", "unmute user", "kick user")

NEXT = {
    ("initialize", State.OPENED): State.INITIALIZED,
    ("prepare", State.INITIALIZED): State.PREPARED,
    ("join", State.PREPARED): State.JOINED,
    ("listen", State.PREPARED): State.JOINED,
    **{(request, State.JOINED): State.JOINED for request in OF_MEMBERS},
}
REQUESTS = sorted({request for request, _ in NEXT})

PEOPLE = 3

users = st.integers(1, PEOPLE)
channels = st.sampled_from([CHANNELS[0], CHANNELS[0], CHANNELS[0], CHANNELS[1]])
places = st.sampled_from([*CHANNELS, None])


@dataclass(eq=False)
class Stream:
    """What the model knows of one stream. `told`: of whom its client was told; `resumed`: whose sound it asked for."""

    person: Person
    channel: ChannelId
    state: State = State.OPENED
    speaks: bool = False
    muted: bool = False
    deafened: bool = False
    told: set[Stream] = field(default_factory=set)
    resumed: set[Stream] = field(default_factory=set)

    @property
    def user(self) -> int:
        return self.person.user.id


class Authorization(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House(one_channel="allow")
        self.streams: dict[tuple[int, int], Stream] = {}
        self.kicked: set[tuple[int, ChannelId | None]] = set()
        self.silenced: set[tuple[int, ChannelId | None]] = set()
        self.changed: dict[tuple[int, ChannelId], Permissions] = {}
        self.kinds: list[str] = []

    # --- what may be done, by the rules alone -------------------------------------------------------------------------

    def may(self, user: int, channel: ChannelId) -> Permissions:
        return self.changed.get((user, channel), KINDS[self.kinds[user - 1]])

    def is_out(self, user: int, channel: ChannelId) -> bool:
        return bool({(user, channel), (user, None)} & self.kicked) or not self.may(user, channel).join

    def present(self, channel: ChannelId) -> Iterator[Stream]:
        return (each for each in self.streams.values() if each.state is State.JOINED and each.channel == channel)

    def sounds(self, stream: Stream) -> bool:
        by_others = bool({(stream.user, stream.channel), (stream.user, None)} & self.silenced)
        return stream.speaks and self.may(stream.user, stream.channel).speak and not stream.muted and not by_others

    def hears(self, stream: Stream) -> set[int]:
        if not self.may(stream.user, stream.channel).listen or stream.deafened:
            return set()
        return {other.user for other in stream.resumed if self.sounds(other)}

    def tell(self, listener: Stream) -> None:
        if self.may(listener.user, listener.channel).listen:
            listener.told |= {
                other for other in self.present(listener.channel) if other.speaks and other is not listener
            }

    def gone(self, stream: Stream) -> None:
        stream.state = State.ENDED
        for other in self.streams.values():
            other.told.discard(stream)
            other.resumed.discard(stream)

    def put_out(self, user: int) -> None:
        for stream in list(self.streams.values()):
            if stream.user == user and stream.state is State.JOINED and self.is_out(user, stream.channel):
                self.gone(stream)

    # --- what people do -----------------------------------------------------------------------------------------------

    @initialize(kinds=st.lists(st.sampled_from([*sorted(KINDS), "member", "member"]), min_size=PEOPLE, max_size=PEOPLE))
    def begin(self, kinds: list[str]) -> None:
        """Everybody tries to come in: a channel in which somebody is heard is where the rest becomes interesting."""
        self.kinds = kinds
        for user, kind in enumerate(kinds, 1):
            if kind == "banned":
                self.kick(user, None)
        for user, kind in enumerate(kinds, 1):
            self.come_in(user, 0, CHANNELS[0], kind != "may not speak")
        for user in range(1, PEOPLE + 1):
            self.say(user, 0, "resume", user)

    @rule(user=users, number=st.sampled_from(STREAMS), channel=channels)
    def open(self, user: int, number: int, channel: ChannelId) -> None:
        former = self.streams.pop((user, number), None)
        if former is not None:
            former.person.leave()
            self.gone(former)
        person = self.house.person(user, permissions=KINDS[self.kinds[user - 1]])
        self.streams[user, number] = Stream(person, channel)

    @rule(user=users, number=st.sampled_from(STREAMS), channel=channels, speaks=st.booleans())
    def come_in(self, user: int, number: int, channel: ChannelId, speaks: bool) -> None:
        """The usual way, from wherever the stream is: without it few would get far."""
        stream = self.streams.get((user, number))
        if stream is None or stream.state is State.ENDED:
            self.open(user, number, channel)
        for state, request in (
            (State.OPENED, "initialize"),
            (State.INITIALIZED, "prepare"),
            (State.PREPARED, "join" if speaks else "listen"),
            (State.JOINED, "resume"),
        ):
            if self.streams[user, number].state is state:
                self.say(user, number, request, user)

    @rule(user=users, channel=channels)
    def forgive(self, user: int, channel: ChannelId) -> None:
        """Everything is taken back and the user comes: or half of the people would soon be out for good."""
        self.allow(user, None)
        self.mute(user, None, False)
        self.set_permissions(user, channel, Permissions(moderate=True))
        self.come_in(user, 0, channel, True)
        self.resume_all()

    @rule()
    def resume_all(self) -> None:
        for (user, number), stream in self.streams.items():
            if stream.state is State.JOINED:
                self.say(user, number, "resume", user)

    @rule(user=users, number=st.sampled_from(STREAMS), request=st.sampled_from(sorted(OF_MEMBERS)), other=users)
    def say_as_member(self, user: int, number: int, request: str, other: int) -> None:
        if (user, number) in self.streams and self.streams[user, number].state is State.JOINED:
            self.say(user, number, request, other)

    @rule(user=users, number=st.sampled_from(STREAMS), request=st.sampled_from(REQUESTS), other=users)
    def say(self, user: int, number: int, request: str, other: int) -> None:
        stream = self.streams.get((user, number))
        if stream is None or stream.state is State.ENDED:
            return
        stream.person.say(self.spell(stream, request, other))
        state = NEXT.get((request, stream.state))
        if state is None or not self.is_allowed(stream, request):
            self.gone(stream)
        else:
            stream.state = state
            self.note(stream, request, other)

    @rule(user=users, number=st.sampled_from(STREAMS))
    def leave(self, user: int, number: int) -> None:
        stream = self.streams.get((user, number))
        if stream is not None:
            stream.person.leave()
            self.gone(stream)

    # --- what the app does --------------------------------------------------------------------------------------------

    @rule(
        user=users, channel=channels, right=st.sampled_from(["listen", "listen", "speak", "speak", "join", "moderate"])
    )
    def change_one(self, user: int, channel: ChannelId, right: str) -> None:
        may = self.may(user, channel)
        self.set_permissions(user, channel, replace(may, **{right: not getattr(may, right)}))

    @rule(user=users, channel=channels, change=st.none() | st.just(Permissions()))
    def set_permissions(self, user: int, channel: ChannelId, change: Permissions | None) -> None:
        self.house.directory.set_permissions(user, channel, change)
        if change is None:
            self.changed.pop((user, channel), None)
        else:
            self.changed[user, channel] = change
        self.put_out(user)
        for stream in self.present(channel):
            if stream.user == user:
                self.tell(stream)

    @rule(user=users, place=places)
    def kick(self, user: int, place: ChannelId | None) -> None:
        self.house.directory.kick(user, place, None)
        self.kicked.add((user, place))
        self.put_out(user)

    @rule(user=users, place=places)
    def allow(self, user: int, place: ChannelId | None) -> None:
        self.house.directory.moderation.allow(user, place)
        self.kicked = {entry for entry in self.kicked if entry[0] != user or place not in (None, entry[1])}

    @rule(user=users, place=places, muted=st.booleans())
    def mute(self, user: int, place: ChannelId | None, muted: bool) -> None:
        self.house.directory.set_muted(user, place, muted)
        self.silence(user, place, muted)

    # --- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_set_of_people_heard_equals_the_set_allowed(self) -> None:
        joined = {key: stream for key, stream in self.streams.items() if stream.state is State.JOINED}
        assert self.sounding() == {key: self.hears(stream) for key, stream in joined.items()}

    @invariant()
    def everybody_is_told_of_exactly_those_whom_it_may_hear(self) -> None:
        for stream in self.streams.values():
            if stream.state is State.JOINED:
                assert set(stream.person.seat._member.heard) == {other.user for other in stream.told}

    @invariant()
    def every_stream_is_where_the_model_has_it_and_errors_are_ours(self) -> None:
        for stream in self.streams.values():
            assert (stream.person.session.state is State.ENDED) == (stream.state is State.ENDED)
            assert stream.person.error is None or isinstance(stream.person.error, HocketError)

    def teardown(self) -> None:
        for stream in self.streams.values():
            stream.person.leave()
        assert self.house.media.empty

    def sounding(self) -> dict[tuple[int, int], set[int]]:
        """Whose packets reach which stream, by what the engine was told: consumers and producers that both flow."""
        owners = {
            id: key
            for key, stream in self.streams.items()
            for id in stream.person.seat.dump()["transports"]  # type: ignore[attr-defined]
        }
        heard: dict[tuple[int, int], set[int]] = {
            key: set() for key, stream in self.streams.items() if stream.state is State.JOINED
        }
        for consumer in self.house.media.consumers.values():
            producer = self.house.media.producers[consumer.producer]
            if not consumer.paused and not producer.paused:
                heard[owners[consumer.transport]].add(owners[producer.transport][0])
        return heard

    def spell(self, stream: Stream, request: str, other: int) -> shapes.Request:
        match request:
            case "initialize":
                return shapes.initialize(channel=stream.channel.channel, hocket=1)
            case "prepare":
                return shapes.prepare()
            case "join" | "listen":
                return shapes.join(speaks=request == "join")
            case "resume":
                told = stream.person.consumers().values()
                for consumer in list(told)[:-1]:
                    stream.person.say(shapes.resume(consumer))
                return shapes.resume(list(told)[-1]) if told else shapes.unknown_extension()
            case "mute" | "unmute":
                return shapes.set_muted(request == "mute")
            case "deafen" | "undeafen":
                return shapes.set_deafened(request == "deafen")
            case "kick user":
                return shapes.kick_user(other)
            case _:
                return shapes.mute_user(other, request == "mute user")

    def is_allowed(self, stream: Stream, request: str) -> bool:
        may = self.may(stream.user, stream.channel)
        match request:
            case "initialize" | "listen":
                return not self.is_out(stream.user, stream.channel)
            case "join":
                return not self.is_out(stream.user, stream.channel) and may.speak
            case "mute user" | "unmute user" | "kick user":
                return may.moderate
            case _:
                return True

    def note(self, stream: Stream, request: str, other: int) -> None:
        is_here = any(each.user == other for each in self.present(stream.channel))
        match request:
            case "join" | "listen":
                self.note_join(stream, speaks=request == "join")
            case "resume":
                stream.resumed = set(stream.told)
            case "mute" | "unmute":
                stream.muted = request == "mute"
            case "deafen" | "undeafen":
                stream.deafened = request == "deafen"
            case "mute user" | "unmute user" if is_here:
                self.silence(other, stream.channel, request == "mute user")
            case "kick user" if is_here:
                self.kicked.add((other, stream.channel))
                self.put_out(other)

    def note_join(self, stream: Stream, *, speaks: bool) -> None:
        for former in list(self.present(stream.channel)):
            if former.user == stream.user and former is not stream:
                self.gone(former)
        stream.speaks = speaks
        for each in list(self.present(stream.channel)):
            self.tell(each)

    def silence(self, user: int, place: ChannelId | None, muted: bool) -> None:
        if muted:
            self.silenced.add((user, place))
        else:
            self.silenced = {entry for entry in self.silenced if entry[0] != user or place not in (None, entry[1])}


Authorization.TestCase.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)
TestT15TheSetOfPeopleHeardEqualsTheSetAllowed = Authorization.TestCase
