"""People at one table: each with a session, a seat and an outbox, on one directory and one recorder. No event loop."""

from __future__ import annotations

from hocket.auth import User
from hocket.config import Limits, OneChannel
from hocket.errors import HocketError
from hocket.policy import HowManySpeak, Permissions, PtimeOf, everybody_speaks, ptime_by_size
from hocket.proto import hrpc, voice
from hocket.voice.directory import Directory
from hocket.voice.events import Event
from hocket.voice.outbox import Outbox
from hocket.voice.pace import TokenBucket
from hocket.voice.seat import Seat
from hocket.voice.session import Initialize, Session
from tests.voice import shapes
from tests.voice.recorder import Recorder

Response = voice.StreamMessageResponse


class House:
    """A server without sockets."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        one_channel: OneChannel = "replace",
        active_speakers: HowManySpeak = everybody_speaks,
        ptime: PtimeOf = ptime_by_size,
    ) -> None:
        self.media = Recorder()
        self.limits = limits or Limits()
        self.told: list[Event] = []
        self.directory = Directory(
            self.media,
            limits=self.limits,
            one_channel=one_channel,
            tell_app=self.told.append,
            active_speakers=active_speakers,
            ptime=ptime,
        )

    def person(self, user_id: int, name: str = "", *, permissions: Permissions | None = None) -> Person:
        return Person(self, User(user_id, name), permissions or Permissions())

    def join(self, user_id: int, *, speaks: bool = True, hocket: int = 0, channel: int = 2) -> Person:
        """Somebody who has joined, with JoinedChannel still unread."""
        person = self.person(user_id, f"user {user_id}")
        person.say(shapes.initialize(channel=channel, hocket=hocket), shapes.prepare())
        person.read()
        person.say(shapes.join(speaks=speaks))
        return person


class Person:
    """One stream of a user."""

    def __init__(self, house: House, user: User, permissions: Permissions) -> None:
        self.house = house
        self.user = user
        self.permissions = permissions
        self.error: HocketError | None = None
        self.now = 0.0
        self.outbox = Outbox(house.limits.outbox, lambda: None)
        self.seat = Seat(user, directory=house.directory, media=house.media, outbox=self.outbox, end=self.end)
        pace = TokenBucket(rate=house.limits.requests_per_second, burst=house.limits.request_burst, now=0.0)
        bytes_ = TokenBucket(rate=house.limits.request_bytes_per_second, burst=house.limits.request_byte_burst, now=0.0)
        self.session = Session(0.0, step_seconds=house.limits.step_seconds, pace=pace, bytes=bytes_)
        self.heard: list[Response] = []

    def say(self, *requests: voice.StreamMessageRequest) -> None:
        """Sends requests, as far as the stream lives."""
        for request in requests:
            if self.error is not None:
                return
            try:
                self.session.weigh(request.ByteSize(), self.now)
                command = self.session.receive(request, self.now)
                if isinstance(command, Initialize):
                    self.seat.initialize(command, self.permissions)
                elif command is not None:
                    self.seat.carry_out(command)
                self.session.answered(self.now)
            except HocketError as error:
                self.end(error)

    def end(self, error: HocketError | None) -> None:
        if self.error is None:
            self.error = error
            self.session.end()
            self.seat.leave()

    def leave(self) -> None:
        """The stream's end, as a closed tab makes it."""
        self.session.end()
        self.seat.leave()

    def read(self) -> list[Response]:
        """What came since the last time."""
        news = []
        while (frame := self.outbox.take()) is not None:
            assert frame[0] == 0, hrpc.Error.FromString(frame[1:])
            news.append(Response.FromString(frame[1:]))
        self.heard.extend(news)
        return news

    def words(self) -> list[str]:
        """What came since the last time, in short: `joined[1, 2]`, `+3`, `-3`, or the event's name."""
        return [in_short(response) for response in self.read()]

    def consumers(self) -> dict[int, str]:
        """The consumer ids that this client was told of, by user id, the newest of each."""
        self.read()
        told: dict[int, str] = {}
        for response in self.heard:
            for options in (*response.joined_channel.other_users, response.user_joined.data):
                if options.consumer_id:
                    told[options.user_id] = options.consumer_id
        return told


def in_short(response: Response) -> str:
    match response.WhichOneof("message"):
        case "joined_channel":
            return f"joined{[options.user_id for options in response.joined_channel.other_users]}"
        case "user_joined":
            return f"+{response.user_joined.data.user_id}"
        case "user_left":
            return f"-{response.user_left.user_id}"
        case "hocket":
            return str(response.hocket.WhichOneof("event"))
        case other:
            return str(other)
