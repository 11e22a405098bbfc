"""The least client that a media worker listens to: connectivity checks by an independent STUN implementation."""

import asyncio
import os
import socket
from types import TracebackType
from typing import Self

from aioice import stun

from hocket.media.engine import TransportInfo


class StunClient:
    """Sends authenticated checks for one transport to the engine on 127.0.0.1; closes with its `with` block."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send_check(self, username_fragment: str, password: str) -> None:
        """Send one check without waiting for the answer."""
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{username_fragment}:test"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = int.from_bytes(os.urandom(8))
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(password.encode())
        self._socket.sendto(bytes(request), self._server)

    async def check(self, info: TransportInfo) -> stun.Message:
        """Send one check and give the answer, whose integrity was verified."""
        self.send_check(info.username_fragment, info.password)
        async with asyncio.timeout(5):
            answer = await asyncio.get_running_loop().sock_recv(self._socket, 2_048)
        message = stun.parse_message(answer)
        assert message.check_message_integrity(info.password.encode()), "the answer is not signed"
        return message
