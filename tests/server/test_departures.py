"""What a ready way to authenticate may do beside answering: place people, put them out, and be open while it serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from types import TracebackType

import pytest

from hocket.auth import Credentials, User
from hocket.errors import PermissionDenied
from hocket.policy import ChannelId, Lost, Permissions, allow_everything
from hocket.voice import departures
from tests.server.running import running, until
from tests.server.wire import Client

Present = Callable[[], Collection[tuple[User, ChannelId]]]


class Ready:
    """Users 1 to 9 by their tokens; the guilds of users from 5 on are others than those of the same number."""

    def __init__(self) -> None:
        self.entered = 0
        self.out: asyncio.Queue[Lost] = asyncio.Queue()
        self.fails = 0
        self.asked: Present | None = None

    async def __aenter__(self) -> Ready:
        self.entered += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.entered -= 1

    async def __call__(self, credentials: Credentials) -> User:
        return User(int(credentials.token or 0))

    async def authorize(self, user: User, channel: ChannelId) -> Permissions:
        return Permissions()

    def place(self, user: User, channel: ChannelId) -> ChannelId:
        return channel if user.id < 5 else ChannelId(channel.guild + 1_000, channel.channel)

    async def lost(self, present: Present) -> AsyncGenerator[Lost, None]:
        self.asked = present
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a bug")
        while True:
            yield await self.out.get()


async def test_it_is_open_as_long_as_the_server_is() -> None:
    ready = Ready()
    async with running(authenticate=ready) as (voice, base):
        assert ready.entered == 1
        async with await Client.open(base, "1") as ada:
            assert (await ada.join())[-1] == "joined[]"
        await until(lambda: voice.streams == 0)
    assert ready.entered == 0
    assert not [task for task in asyncio.all_tasks() if "put_out" in repr(task)]


async def test_people_whose_channel_is_another_one_do_not_meet() -> None:
    async with (
        running(authenticate=Ready()) as (voice, base),
        await Client.open(base, "1") as ada,
        await Client.open(base, "5") as bob,
        await Client.open(base, "6") as cy,
    ):
        assert (await ada.join())[-1] == "joined[]"
        assert (await bob.join())[-1] == "joined[]"
        assert (await cy.join())[-1] == "joined[5]"
        assert sorted(voice.channels) == [ChannelId(1, 2), ChannelId(1_001, 2)]


async def test_whoever_may_not_stay_is_told_and_gone() -> None:
    ready = Ready()
    async with (
        running(authenticate=ready) as (voice, base),
        await Client.open(base, "1") as ada,
        await Client.open(base, "2") as bob,
    ):
        await ada.join()
        await bob.join()
        await ada.words(1)
        assert ready.asked is not None
        assert sorted((user.id, channel) for user, channel in ready.asked()) == [
            (1, ChannelId(1, 2)),
            (2, ChannelId(1, 2)),
        ]
        ready.out.put_nowait(Lost(2, ChannelId(1, 2), PermissionDenied("You left the guild.")))
        error = await bob.end()
        assert error is not None
        assert (error.identifier, error.sentence) == ("hocket.permission-denied", "You left the guild.")
        assert await ada.words(1) == ["-2"]
        assert voice.streams == 1


async def test_a_failure_is_logged_and_it_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(departures, "_AGAIN_SECONDS", 0.01)
    ready = Ready()
    ready.fails = 1
    async with running(authenticate=ready) as (_, base), await Client.open(base, "1") as ada:
        await ada.join()
        ready.out.put_nowait(Lost(1, ChannelId(1, 2), PermissionDenied()))
        assert await ada.end() is not None
    assert "permissions could not be looked at again" in caplog.text


async def test_an_authorize_of_the_apps_own_is_not_overruled() -> None:
    ready = Ready()
    async with (
        running(authenticate=ready, authorize=allow_everything) as (_, base),
        await Client.open(base, "1") as ada,
    ):
        await ada.join()
    assert ready.asked is None
