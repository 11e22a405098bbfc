"""Why a stream ends when its media connection does: the core's reasons as errors. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hocket.errors import FingerprintMismatch, HocketError, ResourceExhausted, TransportFailed, Unavailable

WORKER_FAILED: Final = "worker-failed"

_WORKER_RETRY = 1
"""Seconds: the new media thread is there already."""

_FLOOD_RETRY = 10
"""Seconds."""

_SENTENCES: Final[Mapping[str, str]] = {
    "consent-expired": "Nothing was heard from this client's media connection for too long.",
    "handshake-timeout": "The media connection was begun, but its DTLS handshake was not finished in time.",
    "handshake-failed": "The DTLS handshake of the media connection failed.",
    "peer-closed": "The client closed its media connection.",
}


def failure(reason: str) -> HocketError:
    """The error that ends a stream whose transport ended by itself.

    Args:
        reason: the media core's word; an unknown one is passed on.
    """
    if reason == "fingerprint-mismatch":
        return FingerprintMismatch()
    if reason == "flood":
        return ResourceExhausted("More came from this microphone than one may send.", retry_after=_FLOOD_RETRY)
    if reason == WORKER_FAILED:
        return Unavailable("A part of the server failed and was replaced: join again.", retry_after=_WORKER_RETRY)
    return TransportFailed(reason, _SENTENCES.get(reason))
