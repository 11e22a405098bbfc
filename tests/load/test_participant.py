"""What one of the crowd does when a server wishes for longer packets.

The server says what a test wants, and the crowd notes what it is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import cast

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from hocket.load.crowd import LoadClient
from hocket.load.options import BenchOptions
from hocket.load.participant import Participant, Seat, join
from hocket.load.stream import StreamError
from hocket.proto import extension, voice

Response = voice.StreamMessageResponse

TRANSPORT = voice.TransportOptions(
    id="1",
    ice_parameters=json.dumps({"usernameFragment": "u", "password": "p"}),
    dtls_parameters=json.dumps({"role": "auto", "fingerprints": []}),
    ice_candidates=[json.dumps({"ip": "127.0.0.1", "port": 5})],
)


class Crowd:
    """Notes how its people are to speak."""

    def __init__(self) -> None:
        self.fingerprints = [("sha-256", "AB")]
        self.told: list[tuple[str, int, int]] = []
        self._transports = 0

    def create_transport(self, **_: object) -> int:
        self._transports += 1
        return self._transports

    def hear(self, _transport: int, *, ssrcs: list[int]) -> None:
        assert not ssrcs

    def speak(self, transport: int, *, ptime_ms: int, **_: object) -> None:
        self.told.append(("speak", transport, ptime_ms))

    def set_ptime(self, transport: int, *, ms: int) -> None:
        self.told.append(("set_ptime", transport, ms))


def wish(ms: int) -> Response:
    return Response(hocket=extension.Event(ptime=extension.Event.Ptime(ms=ms)))


class Server:
    """Lets everybody in, and then tells its wishes."""

    def __init__(self, ptime: int | None, wishes: list[int]) -> None:
        self.initialized: list[voice.StreamMessageRequest.Initialize] = []
        opus: dict[str, object] = {"mimeType": "audio/opus", "preferredPayloadType": 100}
        if ptime is not None:
            opus["parameters"] = {"ptime": ptime}
        self._capabilities = json.dumps({"codecs": [opus]})
        self._wishes = wishes

    async def handle(self, client: ServerConnection) -> None:
        initialize = voice.StreamMessageRequest.FromString(await _next(client)).initialize
        self.initialized.append(initialize)
        await _say(client, Response(initialized=Response.Initialized(rtp_capabilities=self._capabilities)))
        if initialize.hocket:
            await _say(client, Response(hocket=extension.Event(welcome=extension.Event.Welcome(version=1))))
        await client.recv()
        prepared = Response.PreparedForJoinChannel(
            consumer_transport_options=TRANSPORT, producer_transport_options=TRANSPORT
        )
        await _say(client, Response(prepared_for_join_channel=prepared))
        await client.recv()
        await _say(client, Response(joined_channel=Response.JoinedChannel()))
        for ms in self._wishes:
            await _say(client, Response(hocket=extension.Event(quality=extension.Event.Quality())))
            await _say(client, wish(ms))
        await client.close()


async def _next(client: ServerConnection) -> bytes:
    frame = await client.recv()
    assert isinstance(frame, bytes)
    return frame


async def _say(client: ServerConnection, response: Response) -> None:
    await client.send(b"\0" + response.SerializeToString())


@contextlib.asynccontextmanager
async def listening(server: Server) -> AsyncIterator[str]:
    async with serve(server.handle, "127.0.0.1", 0, subprotocols=[Subprotocol("hrpc1")]) as running:
        yield f"ws://127.0.0.1:{next(iter(running.sockets)).getsockname()[1]}"


def seat(**members: object) -> Seat:
    values: dict[str, object] = {"number": 7, "place": 0, "guild": 1, "channel": 2, "token": "7", "speaks": True}
    values |= {"talks": True, "listens": False, "payload": 100, "vary": 0}
    return Seat(**(values | members))  # type: ignore[arg-type]


async def met(server: Server, someone: Seat) -> tuple[Participant, list[tuple[str, int, int]]]:
    """Who has been in the channel until the stream ended, and what the crowd was told meanwhile."""
    crowd = Crowd()
    async with listening(server) as url, asyncio.timeout(20):
        person = await join(url, cast(LoadClient, crowd), someone)
        with pytest.raises(StreamError):
            await person.listen()
    return person, crowd.told


@pytest.mark.parametrize(("said", "ms"), [(None, 20), (40, 40), (60, 60), (33, 20)])
async def test_it_begins_to_speak_with_the_packets_that_the_capabilities_wish_for(said: int | None, ms: int) -> None:
    _, told = await met(Server(said, []), seat())
    assert told == [("speak", 2, ms)]


@pytest.mark.parametrize("senseless", [0, 10, 33, 80, 4_000_000_000])
async def test_it_does_what_the_server_wishes_in_the_middle_of_a_call_if_it_makes_sense(senseless: int) -> None:
    _, told = await met(Server(40, [60, senseless, 20]), seat(extension=True))
    assert told == [("speak", 2, 40), ("set_ptime", 2, 60), ("set_ptime", 2, 20)]


async def test_whoever_does_not_speak_has_no_packets_to_make_longer() -> None:
    for silent in (seat(speaks=False), seat(speaks=False, listens=True)):
        _, told = await met(Server(40, [60]), silent)
        assert told == []


async def test_only_a_seat_that_says_so_asks_for_the_extension() -> None:
    server = Server(None, [])
    await met(server, seat())
    await met(server, seat(extension=True))
    assert [one.hocket for one in server.initialized] == [0, 1]


def test_those_who_speak_in_a_channel_of_more_than_50_ask_for_the_extension() -> None:
    assert not BenchOptions(participants=50).extension
    assert BenchOptions(participants=51).extension
