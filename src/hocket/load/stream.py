"""One StreamMessage stream, from the client's side: hRPC's framing on a WebSocket."""

from __future__ import annotations

import asyncio
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from hocket.proto import hrpc, voice

_PATH = "/protocol.voice.v1.VoiceService/StreamMessage"
_SUBPROTOCOL = Subprotocol("hrpc1")
_ERROR = 1
"""The opcode in front of an `hrpc.v1.Error`; 0 stands in front of a response."""

OPEN_SECONDS = 20.0
ANSWER_SECONDS = 30.0
"""How long a server under load may take."""

Request = voice.StreamMessageRequest
Response = voice.StreamMessageResponse


class StreamError(Exception):
    """The stream could not be opened, or has ended; the message says why.

    Attributes:
        reason: a word for programs: the server's error identifier, or one of ours.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(f"{reason}: {sentence}")
        self.reason = reason


class Stream:
    """See the module's documentation."""

    def __init__(self, socket: ClientConnection) -> None:
        """Over an open WebSocket."""
        self._socket = socket

    @classmethod
    async def open(cls, url: str, token: str) -> Self:
        """Opens a stream; `url` is where the service is mounted.

        Raises:
            StreamError: nobody is there, or the server refused.
        """
        try:
            socket = await connect(
                url + _PATH,
                subprotocols=[_SUBPROTOCOL],
                additional_headers={"Authorization": token},
                compression=None,
                proxy=None,
                open_timeout=OPEN_SECONDS,
                max_size=None,
            )
        except InvalidStatus as error:
            raise _refusal(error) from None
        except TimeoutError:
            raise StreamError("unreachable", f"no answer from {url} in {OPEN_SECONDS:.0f} s") from None
        except (OSError, InvalidHandshake, InvalidURI) as error:
            raise StreamError("unreachable", f"{url}: {error}") from None
        return cls(socket)

    async def send(self, request: Request) -> None:
        """Sends one request.

        Raises:
            StreamError: the stream has ended.
        """
        await self.send_bytes(request.SerializeToString())

    async def send_bytes(self, data: bytes) -> None:
        """Sends what stands for a request, right or wrong.

        Raises:
            StreamError: the stream has ended.
        """
        try:
            await self._socket.send(data)
        except ConnectionClosed:
            await self.receive()  # what the server said last, if it said anything

    async def receive(self) -> Response:
        """Waits for the next response.

        Raises:
            StreamError: the server sent an error, or the stream has ended.
        """
        try:
            frame = await self._socket.recv(decode=False)
        except ConnectionClosed as error:
            raise StreamError("closed", str(error)) from None
        if frame[:1] == bytes([_ERROR]):
            failure = hrpc.Error.FromString(frame[1:])
            raise StreamError(failure.identifier, failure.human_message)
        return Response.FromString(frame[1:])

    async def expect(self, kind: str) -> Response:
        """Waits for the next response, which must be of this kind, such as `joined_channel`.

        Events of our extension are skipped: they may come at any time.

        Raises:
            StreamError: it is not, or does not come.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await self.receive()
                while response.WhichOneof("message") == "hocket":
                    response = await self.receive()
        except TimeoutError:
            raise StreamError("no-answer", f"no {kind} in {ANSWER_SECONDS:.0f} s") from None
        if response.WhichOneof("message") != kind:
            raise StreamError("out-of-order", f"{response.WhichOneof('message')} came instead of {kind}")
        return response

    async def close(self) -> None:
        """Ends the stream as a client does that leaves."""
        await self._socket.close()


def _refusal(error: InvalidStatus) -> StreamError:
    """The server's own word for an answer that is no upgrade."""
    status, body = error.response.status_code, error.response.body or b""
    try:
        told = hrpc.Error.FromString(bytes(body))
    except Exception:  # another program's page: whatever protobuf makes of it
        told = hrpc.Error()
    if not told.identifier:
        return StreamError(f"http-{status}", "the server does not offer this service here")
    return StreamError(told.identifier, told.human_message)
