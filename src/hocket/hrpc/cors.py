"""What a browser asks for before a page of another site may make a unary call, and read its answer. Pure.

A WebSocket needs none of it. A unary call is a POST whose content type no form can send, so the browser asks first
(the preflight of the Fetch standard, "CORS protocol"). Pages that the operator allows are answered, and nobody else:
then the browser keeps the call back. Cookies are never asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hocket.hrpc.service import Answer

_HEADERS = "authorization, content-type, hrpc-version"
"""What Harmony's web clients send with a call. `authorization` too: once they have a token they add it to all."""

_READABLE = "hrpc-version, retry-after"
"""What a page may read of an answer beside its body."""

_PREFLIGHT_SECONDS = 600
"""How long a browser may remember the answer."""


def cors_headers(origin: str | None, allowed: Collection[str]) -> tuple[tuple[str, str], ...]:
    """What an answer to a unary call needs so that the page at `origin` can read it."""
    vary = (("vary", "origin"),) if allowed else ()
    if origin is None or origin not in allowed:
        return vary
    return (*vary, ("access-control-allow-origin", origin), ("access-control-expose-headers", _READABLE))


def preflight(verb: str, headers: Mapping[str, str], allowed: Collection[str]) -> Answer | None:
    """The answer to a browser that asks whether a page may make a unary call; None for any other request.

    Args:
        verb: the HTTP method.
        headers: names in lower case.
        allowed: origins whose pages may.
    """
    origin = headers.get("origin")
    asked = headers.get("access-control-request-method", "")
    if verb.upper() != "OPTIONS" or asked.upper() != "POST" or origin is None or origin not in allowed:
        return None
    return Answer(
        204,
        (
            ("vary", "origin"),
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", "POST"),
            ("access-control-allow-headers", _HEADERS),
            ("access-control-max-age", str(_PREFLIGHT_SECONDS)),
        ),
        b"",
    )
