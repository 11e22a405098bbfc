"""Asks one homeserver: its key, its channels, its users' permissions. The only module here that uses the network.

A homeserver is trusted with what it says of its users, and with nothing else: it may be slow, huge, broken, or somebody
else. So a call has a time and a size, follows no redirect, unpacks nothing, and goes to the configured URL alone.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError, Message

from hocket.auth.harmony.federation import WrongKey, read_key
from hocket.auth.harmony.permissions import voice_channels
from hocket.auth.harmony.servers import Homeserver
from hocket.errors import Unavailable
from hocket.hrpc.service import CONTENT_TYPE, VERSION
from hocket.proto import auth, chat

ANSWER_LIMIT = 1024 * 1024
"""Longest answer, in bytes: ten thousand channels with names."""

CALL_SECONDS = 5.0
"""Time for a call, from the name look-up to the last byte. Below the time that a join has for it."""

_AT_ONCE = 8
"""Calls to one homeserver at a time; more wait."""

_RETRY = 5
"""Seconds after which a client may come back when its homeserver could not be asked."""

_DENIALS = frozenset({400, 403, 404})
"""Statuses with which a homeserver says that there is no such thing, or not for us."""

_Answer = TypeVar("_Answer", bound=Message)

logger = logging.getLogger("hocket.auth")


class CannotAsk(Unavailable):
    """The homeserver cannot be asked now, or its answer makes no sense."""


class Denied(Exception):
    """The homeserver does not tell us: there is no such guild, or this server's account is not in it."""


def http_client() -> httpx.AsyncClient:
    """A client for all homeservers. Settings of the environment (proxies, .netrc) do not hold for it."""
    return httpx.AsyncClient(
        follow_redirects=False,
        trust_env=False,
        timeout=CALL_SECONDS,
        limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
    )


class HomeserverClient:
    """Asks a homeserver over HTTP."""

    def __init__(self, homeserver: Homeserver, http: httpx.AsyncClient) -> None:
        """Asks with a client that somebody else closes."""
        self._homeserver = homeserver
        self._http = http
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._failing = False

    async def key(self) -> Ed25519PublicKey:
        """Its public key.

        Raises:
            CannotAsk: it does not say, or not one that can be trusted.
        """
        try:
            answer = await self._call("auth.v1.AuthService/Key", auth.KeyRequest(), auth.KeyResponse, token=False)
            return read_key(answer.key)
        except (Denied, WrongKey) as error:
            raise self._failed(f"no key: {error}") from None

    async def voice_channels(self, guild: int) -> frozenset[int]:
        """The voice channels of a guild.

        Raises:
            CannotAsk: it does not say.
            Denied: it has no such guild, or not for us.
        """
        asked = chat.GetGuildChannelsRequest(guild_id=guild)
        return voice_channels(
            await self._call("chat.v1.ChatService/GetGuildChannels", asked, chat.GetGuildChannelsResponse)
        )

    async def has_permission(self, guild: int, channel: int, node: str, user: int) -> bool:
        """Whether a user of it has a permission in a channel.

        Raises:
            CannotAsk: it does not say.
            Denied: it has no such guild, or not for us.
        """
        asked = chat.QueryHasPermissionRequest(guild_id=guild, channel_id=channel, check_for=node, **{"as": user})
        answer = await self._call("chat.v1.ChatService/QueryHasPermission", asked, chat.QueryHasPermissionResponse)
        return answer.ok

    async def _call(self, method: str, asked: Message, kind: type[_Answer], *, token: bool = True) -> _Answer:
        headers = {"content-type": CONTENT_TYPE, "hrpc-version": VERSION, "accept-encoding": "identity"}
        if token:
            headers["authorization"] = self._homeserver.token
        url = f"{self._homeserver.url}/protocol.{method}"
        try:
            async with (
                self._slots,
                asyncio.timeout(CALL_SECONDS),
                self._http.stream("POST", url, content=asked.SerializeToString(), headers=headers) as response,
            ):
                body = await self._read(response)
            answer = kind.FromString(body)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, TimeoutError) as error:
            raise self._failed(type(error).__name__) from None
        except DecodeError:
            raise self._failed("its answer is no protobuf") from None
        self._works()
        return answer

    async def _read(self, response: httpx.Response) -> bytes:
        """The body of an answer that is one.

        Raises:
            CannotAsk, Denied: as the callers say.
        """
        if response.status_code in _DENIALS:
            raise Denied(f"status {response.status_code}")
        if response.status_code != 200:
            hint = ": it does not take this server's token" if response.status_code == 401 else ""
            raise self._failed(f"status {response.status_code}{hint}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._failed("its answer is compressed")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > ANSWER_LIMIT:
                raise self._failed("its answer is too long")
        return bytes(body)

    def _failed(self, why: str) -> CannotAsk:
        """The error for the client; the log hears of an outage once, not for every join."""
        if not self._failing:
            self._failing = True
            logger.warning("the homeserver %s cannot be asked: %s", self._homeserver.name, why)
        return CannotAsk("The homeserver cannot be asked right now.", retry_after=_RETRY)

    def _works(self) -> None:
        if self._failing:
            self._failing = False
            logger.info("the homeserver %s can be asked again", self._homeserver.name)
