"""A small Harmony homeserver of the tests' own on a real socket: the three calls that a voice server makes, and faults.

Its users, guilds, permissions and key are plain attributes that a test changes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from hocket.auth.harmony import Homeserver, read_homeserver
from hocket.proto import auth, chat, harmonytypes
from tests.server.running import uvicorn_running

VOICE = 1
TEXT = 0
CATEGORY = 2

Fault = Callable[[], Awaitable[Response]]
"""What a call is answered with instead."""


@dataclass
class Chat:
    """A homeserver.

    Attributes:
        guilds: kinds of channels by id, of each guild.
        members: the nodes that each user has, by guild and user.
        token: the service token that it takes.
        faults: answers instead, by the method's name.
        asked: how often each method was called.
        headers: those of the last call of each method.
        questions: what was asked of permissions.
        base: its URL, once it runs.
    """

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    guilds: dict[int, dict[int, int]] = field(default_factory=lambda: {1: {2: VOICE, 3: TEXT, 4: CATEGORY, 5: VOICE}})
    members: dict[tuple[int, int], set[str]] = field(default_factory=dict)
    token: str = "service-secret"
    faults: dict[str, Fault] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: list[chat.QueryHasPermissionRequest] = field(default_factory=list)
    base: str = ""

    def admit(self, user: int, *nodes: str, guild: int = 1) -> None:
        """Makes somebody a member with these permissions; without any, with those that everybody has."""
        self.members[guild, user] = set(nodes or ("messages.view", "messages.send"))

    def sign(self, user_id: int, name: str = "Ada", server_id: str = "voice.example.org") -> harmonytypes.Token:
        """What it gives a user who wants to federate."""
        data = auth.TokenData(user_id=user_id, server_id=server_id, username=name).SerializeToString()
        return harmonytypes.Token(sig=self.key.sign(data), data=data)

    def known(self, name: str = "chat.example.org") -> Homeserver:
        """How a voice server knows it."""
        return read_homeserver(f"{name}={self.base}", self.token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        method = request.url.path.rpartition("/")[2]
        self.asked[method] += 1
        self.headers[method] = dict(request.headers)
        body = await request.body()
        if method in self.faults:
            answer = await self.faults[method]()
        elif request.method != "POST" or request.headers.get("content-type") != "application/hrpc":
            answer = Response(status_code=400)
        else:
            answer = self._answer(request.url.path, body, request.headers.get("authorization"))
        await answer(scope, receive, send)

    def _answer(self, path: str, body: bytes, token: str | None) -> Response:
        match path:
            case "/protocol.auth.v1.AuthService/Key":
                auth.KeyRequest.FromString(body)
                return hrpc(auth.KeyResponse(key=self.key.public_key().public_bytes_raw()).SerializeToString())
            case "/protocol.chat.v1.ChatService/GetGuildChannels" if token == self.token:
                return self._channels(chat.GetGuildChannelsRequest.FromString(body).guild_id)
            case "/protocol.chat.v1.ChatService/QueryHasPermission" if token == self.token:
                asked = chat.QueryHasPermissionRequest.FromString(body)
                self.questions.append(asked)
                nodes = self.members.get((asked.guild_id, getattr(asked, "as")), set())
                answer = chat.QueryHasPermissionResponse(ok=asked.check_for in nodes)
                return hrpc(answer.SerializeToString())
            case _:
                return Response(status_code=401)

    def _channels(self, guild: int) -> Response:
        if guild not in self.guilds:
            return Response(status_code=404)
        answer = chat.GetGuildChannelsResponse()
        for channel_id, kind in self.guilds[guild].items():
            channel = chat.Channel(channel_name="a channel")
            # Another kind than we know comes over the wire as its number.
            channel.MergeFromString(bytes([0x10, kind]))
            answer.channels.append(chat.ChannelWithId(channel_id=channel_id, channel=channel))
        return hrpc(answer.SerializeToString())


def hrpc(body: bytes) -> Response:
    return Response(body, media_type="application/hrpc")


def status(code: int) -> Fault:
    async def fault() -> Response:
        return Response(b"\x0a\x05wrong", status_code=code)

    return fault


async def garbage() -> Response:
    return hrpc(b"<!doctype html><p>You are offline.")


async def huge() -> Response:
    async def much() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(65_536)
            await asyncio.sleep(0)

    return StreamingResponse(much())


async def slow() -> Response:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"\x0a"
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


async def silent() -> Response:
    await asyncio.sleep(10)
    return Response()


async def compressed() -> Response:
    return Response(b"", headers={"content-encoding": "gzip"})


def elsewhere(url: str) -> Fault:
    async def fault() -> Response:
        return RedirectResponse(url, status_code=307)

    return fault


OUTAGES: dict[str, Fault] = {
    "500": status(500),
    "502": status(502),
    "401": status(401),
    "429": status(429),
    "204": status(204),
    "garbage": garbage,
    "huge": huge,
    "slow": slow,
    "silent": silent,
    "compressed": compressed,
    "redirect": elsewhere("/protocol.auth.v1.AuthService/Key"),
}


@contextlib.asynccontextmanager
async def chatting(home: Chat | None = None) -> AsyncIterator[Chat]:
    """A homeserver that runs."""
    home = home or Chat()
    config = uvicorn.Config(home, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    async with uvicorn_running(config) as base:
        home.base = base
        yield home
