"""hRPC's framing on a WebSocket, and what a client says when it opens one.

Client to server, a binary frame is one serialized request. Server to client, a byte says what follows it: a response or
an `hrpc.v1.Error`. A text frame is an error; the shell sees it before this module does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import DecodeError, Message

from hocket.errors import BadStreamingRequest, HocketError, Unauthenticated
from hocket.proto import voice

SUBPROTOCOL: Final = "hrpc1"

REQUEST_LIMIT = 256 * 1024
"""Longest request, in bytes: JoinChannel's three JSON texts of 64 KiB each, and room around them."""

TOKEN_LIMIT = 8 * 1024
"""Longest token, in characters. JWTs with many claims stay below 4 KiB."""

_BROWSERS_OWN = frozenset({"basic", "digest", "negotiate", "ntlm"})
"""Schemes of logins that a browser keeps and adds by itself, to whatever page's request (T14): they are no token."""

_RESPONSE = b"\x00"
_ERROR = b"\x01"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a client opened its stream.

    Attributes:
        token: who it says it is, verbatim; None when it gave none. A secret: it stays out of `repr`, logs and answers.
        subprotocol: what to echo, and nothing but this: the token is offered in the same header (T14).
    """

    token: str | None = field(repr=False)
    subprotocol: str = SUBPROTOCOL


def read_opening(offered: Sequence[str], authorization: str | None) -> Opening:
    """Reads what a client offered when it asked for the WebSocket.

    A browser cannot set headers, so it offers two subprotocols, `hrpc1` and its token. Others send `Authorization`,
    with or without the word `Bearer`; where both are given, the header counts.

    Args:
        offered: the subprotocols, in the client's order.
        authorization: the header's value, or None.

    Raises:
        BadStreamingRequest: it did not offer `hrpc1`.
        Unauthenticated: the token is too long to be one.
    """
    if SUBPROTOCOL not in offered:
        raise BadStreamingRequest(f"The WebSocket must offer the subprotocol {SUBPROTOCOL}.")
    token = read_authorization(authorization)
    return Opening(token or _checked(next((name for name in offered if name and name != SUBPROTOCOL), None)))


def read_authorization(authorization: str | None) -> str | None:
    """The token of an `Authorization` header; None for a login of the browser's own.

    Raises:
        Unauthenticated: the token is too long to be one.
    """
    if authorization is None:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    if rest and scheme.lower() in _BROWSERS_OWN:
        return None
    return _checked(rest.strip() if scheme.lower() == "bearer" else authorization.strip())


def decode_request(data: bytes) -> voice.StreamMessageRequest:
    """Reads one binary frame of a client.

    Returns:
        A request with exactly one of its kinds set. Fields that we do not know are skipped, as proto3 does.

    Raises:
        BadStreamingRequest: too long, no protobuf, a string that is no UTF-8, or no kind that we know.
    """
    if len(data) > REQUEST_LIMIT:
        raise BadStreamingRequest(f"The request is longer than {REQUEST_LIMIT} bytes.")
    try:
        request = voice.StreamMessageRequest.FromString(data)
    except DecodeError:
        raise BadStreamingRequest("The frame is not a StreamMessageRequest.") from None
    if request.WhichOneof("message") is None:
        raise BadStreamingRequest("The frame holds no request that this server knows.")
    return request


def encode_response(message: Message) -> bytes:
    """One response as a frame."""
    return _RESPONSE + message.SerializeToString()


def encode_error(error: HocketError) -> bytes:
    """An error as a frame; the last one of its stream."""
    return _ERROR + error.to_proto().SerializeToString()


def _checked(token: str | None) -> str | None:
    """The token, if it is short enough to be one; None for an empty one."""
    if token is not None and len(token) > TOKEN_LIMIT:
        raise Unauthenticated("The token is too long.")
    return token or None
