"""A bare `protocol.voice.v1` client: hRPC frames over a WebSocket, without any media."""

from __future__ import annotations

import asyncio
import time
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from hocket.proto import hrpc, voice

PATH = "/protocol.voice.v1.VoiceService/StreamMessage"
ANSWER_SECONDS = 10.0

Request = voice.StreamMessageRequest
Response = voice.StreamMessageResponse


class StreamError(Exception):
    """The server ended the stream with an error frame."""

    def __init__(self, identifier: str, sentence: str) -> None:
        super().__init__(f"{identifier}: {sentence}")
        self.identifier = identifier
        self.sentence = sentence


class StreamClosed(Exception):
    """The WebSocket closed without an error frame."""


class VoiceStream:
    """One StreamMessage stream.

    Attributes:
        socket: the WebSocket under it.
        waited: seconds spent waiting for answers, the opening of the WebSocket included.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.waited = 0.0

    @classmethod
    async def open(cls, url: str, token: str) -> Self:
        """Opens a stream.

        Args:
            url: where the service is mounted, `ws://host:port` and a prefix, if any.
            token: the session token; goes into the Authorization header.
        """
        began = time.perf_counter()
        socket = await connect(
            url.rstrip("/") + PATH,
            subprotocols=[Subprotocol("hrpc1")],
            additional_headers={"Authorization": token},
            proxy=None,
            compression=None,
            open_timeout=ANSWER_SECONDS,
        )
        assert socket.subprotocol == "hrpc1"
        stream = cls(socket)
        stream.waited = time.perf_counter() - began
        return stream

    async def send(self, request: Request) -> None:
        """Sends one request."""
        await self.socket.send(request.SerializeToString())

    async def receive(self) -> Response:
        """Waits for the next response.

        Raises:
            StreamError: the server ended the stream with an error.
            StreamClosed: it ended without one.
        """
        try:
            frame = await self.socket.recv(decode=False)
        except ConnectionClosed as closed:
            raise StreamClosed(str(closed)) from closed
        if frame[0] == 1:
            error = hrpc.Error.FromString(frame[1:])
            raise StreamError(error.identifier, error.human_message)
        assert frame[0] == 0, f"opcode {frame[0]}"
        return Response.FromString(frame[1:])

    async def expect(self, kind: str) -> Response:
        """Waits for the next response, which must be of this kind, such as `joined_channel`."""
        began = time.perf_counter()
        async with asyncio.timeout(ANSWER_SECONDS):
            response = await self.receive()
        self.waited += time.perf_counter() - began
        assert response.WhichOneof("message") == kind, f"{kind} expected, not {response}"
        return response

    async def initialize(self, guild: int, channel: int, extension: int = 0) -> str:
        """Initialize: gives the router's capabilities, as JSON."""
        await self.send(Request(initialize=Request.Initialize(guild_id=guild, channel_id=channel, hocket=extension)))
        return (await self.expect("initialized")).initialized.rtp_capabilities

    async def prepare(self, capabilities: str) -> Response.PreparedForJoinChannel:
        """PrepareForJoinChannel: gives the two transports' options."""
        await self.send(Request(prepare_for_join_channel=Request.PrepareForJoinChannel(rtp_capabilities=capabilities)))
        return (await self.expect("prepared_for_join_channel")).prepared_for_join_channel

    async def join(self, rtp: str, producer_dtls: str, consumer_dtls: str) -> list[voice.UserConsumerOptions]:
        """JoinChannel: gives those who are there."""
        await self.send(
            Request(
                join_channel=Request.JoinChannel(
                    rtp_paramaters=rtp,
                    producer_dtls_paramaters=producer_dtls,
                    consumer_dtls_paramaters=consumer_dtls,
                )
            )
        )
        return list((await self.expect("joined_channel")).joined_channel.other_users)

    async def resume(self, consumer: str) -> None:
        """ResumeConsumer; it has no answer."""
        await self.send(Request(resume_consumer=Request.ResumeConsumer(consumer_id=consumer)))

    async def close(self) -> None:
        """Ends the stream as a client does that leaves."""
        await self.socket.close()

    def kill(self) -> None:
        """Ends the TCP connection without a word, as a killed process does."""
        self.socket.transport.abort()
