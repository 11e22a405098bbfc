"""Everything that Hocket tells a client went wrong, as one tree.

HocketError
├── InvalidParameters     a member of a request is wrong; names its path
├── BadUnaryRequest       a unary request is not hRPC
├── BadStreamingRequest   a stream's opening or one of its frames is not hRPC
├── UnknownEndpoint       no such service
├── NotImplementedHere    the service is here, this method of it is not
├── NotFound              an id that names nothing on this stream
├── OutOfOrder            a request that the stream's state does not allow
├── TimedOut              the client took too long
├── TransportFailed       the media connection ended or could not be made; says why
│   └── FingerprintMismatch   the client's certificate is not the one that it announced
├── Unauthenticated       no token, or one that is not accepted
├── PermissionDenied      known, but not allowed
├── Kicked                removed from the channel
├── JoinedElsewhere       a newer stream of the same user took the place
├── ResourceExhausted     a limit was reached; says when to come back
├── Unavailable           the server stops or cannot serve now; says when to come back
└── InternalError         our own fault; tells the client nothing else

The client's mistakes are answered and counted; an InternalError is logged with its trace. An error ends its stream and
nothing else. Sentences hold no token, no key and no other user's data (T20).
"""

from __future__ import annotations

from typing import ClassVar

from hocket.proto import hrpc

SENTENCE_LIMIT = 500
"""Longest sentence that is sent, in characters: part of it may come from the client, who could make it very long."""


class HocketError(Exception):
    """An error with a name for programs, a status for HTTP and a sentence for people.

    Attributes:
        identifier: `hrpc.…` (reserved by hRPC) or `hocket.…`; the same for every error of a class.
        status: the HTTP status when the error answers a request that is no stream yet.
        sentence: what was wrong, and where; at most SENTENCE_LIMIT characters.
    """

    identifier: ClassVar[str] = "hocket.error"
    status: ClassVar[int] = 400
    default: ClassVar[str] = "The request failed."

    def __init__(self, sentence: str | None = None) -> None:
        self.sentence = _shortened(sentence if sentence is not None else self.default)
        super().__init__(self.sentence)

    @property
    def details(self) -> bytes:
        """More about the error, serialized as its class says; empty for most."""
        return b""

    def to_proto(self) -> hrpc.Error:
        """The error as the wire carries it."""
        return hrpc.Error(identifier=self.identifier, human_message=self.sentence, details=self.details)


class InvalidParameters(HocketError):
    """A member of a request is wrong.

    Attributes:
        path: where, from the wire's field name on: `rtp_paramaters.codecs[0].payloadType`.
        problem: what is wrong there, without the path.
    """

    identifier = "hocket.invalid-parameters"

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class BadUnaryRequest(HocketError):
    """A unary request whose method, content type or body is not what hRPC asks for."""

    identifier = "hrpc.http.bad-unary-request"
    default = "The request is not a unary hRPC request."


class BadStreamingRequest(HocketError):
    """A stream opened without the subprotocol, or a frame that is no request: text, or not the expected message."""

    identifier = "hrpc.http.bad-streaming-request"
    default = "The stream does not follow hRPC."


class UnknownEndpoint(HocketError):
    """No service has this path."""

    identifier = "hrpc.not-found"
    status = 404
    default = "There is no such service here."


class NotImplementedHere(HocketError):
    """A method that this server does not offer, of a service that it has."""

    identifier = "hrpc.not-implemented"
    status = 501
    default = "This server does not offer this method."


class NotFound(HocketError):
    """An id that never named anything on this stream: a consumer, a transport, a channel."""

    identifier = "hocket.not-found"
    status = 404
    default = "There is nothing with this id."


class OutOfOrder(HocketError):
    """A request that does not fit the state of its stream, such as JoinChannel before PrepareForJoinChannel."""

    identifier = "hocket.out-of-order"
    status = 409
    default = "This request does not fit the state of the stream."


class TimedOut(HocketError):
    """The client let a step of the handshake wait too long."""

    identifier = "hocket.timed-out"
    status = 408
    default = "The next request did not come in time."


class TransportFailed(HocketError):
    """The media connection ended or could not be made.

    Attributes:
        reason: the media core's word for it: `fingerprint-mismatch`, `handshake-timeout`, `consent-expired`, …
    """

    identifier = "hocket.transport-failed"
    status = 409

    def __init__(self, reason: str, sentence: str | None = None) -> None:
        self.reason = reason
        super().__init__(sentence if sentence is not None else f"The media connection ended: {reason}.")


class FingerprintMismatch(TransportFailed):
    """The client's DTLS certificate is not the one whose fingerprint it sent in JoinChannel (T3)."""

    identifier = "hocket.fingerprint-mismatch"
    default = "The certificate of the media connection is not the one that JoinChannel announced."

    def __init__(self) -> None:
        super().__init__("fingerprint-mismatch", self.default)


class Unauthenticated(HocketError):
    """No token, or one that is not accepted."""

    identifier = "hocket.unauthenticated"
    status = 401
    default = "A valid token is needed."


class PermissionDenied(HocketError):
    """The user is known and not allowed to do this."""

    identifier = "hocket.permission-denied"
    status = 403
    default = "You are not allowed to do this."


class Kicked(HocketError):
    """The user was removed from the channel."""

    identifier = "hocket.kicked"
    status = 403
    default = "You were removed from the channel."


class JoinedElsewhere(HocketError):
    """A newer stream of the same user took this one's place, or (policy `reject`) an older one keeps it."""

    identifier = "hocket.joined-elsewhere"
    status = 409
    default = "You joined from somewhere else."


class RetryableError(HocketError):
    """An error that goes away by itself.

    Attributes:
        retry_after: seconds to wait before trying again, 1 or more. Travels as an `hrpc.v1.RetryInfo` in the details.
    """

    def __init__(self, sentence: str | None = None, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = min(max(1, retry_after), 2**32 - 1)

    @property
    def details(self) -> bytes:
        """A serialized `hrpc.v1.RetryInfo`."""
        return hrpc.RetryInfo(retry_after=self.retry_after).SerializeToString()


class ResourceExhausted(RetryableError):
    """A limit was reached: streams, participants, message rate, queue length."""

    identifier = "hrpc.resource-exhausted"
    status = 429
    default = "There is no room for this right now."


class Unavailable(RetryableError):
    """The server stops, or a part of it just failed and comes back."""

    identifier = "hrpc.unavailable"
    status = 503
    default = "The server is not available right now."


class InternalError(HocketError):
    """Our own fault. What happened goes to the log, never to the client."""

    identifier = "hrpc.internal-server-error"
    status = 500
    default = "The server made a mistake."


def _shortened(sentence: str) -> str:
    """Cuts a sentence to SENTENCE_LIMIT and makes every character of it fit for the wire and for a log line."""
    kept = sentence if len(sentence) <= SENTENCE_LIMIT else sentence[: SENTENCE_LIMIT - 1] + "…"
    return "".join(c if c.isprintable() else "\ufffd" for c in kept)
