"""Channels by name, as every client of Hocket's maps them (web/src/voice/channel.ts)."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_NAME_LIMIT = 100
"""Longest name, in characters after normalising."""

_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""White space as JavaScript counts it."""

_SPACES = re.compile(f"[{_SPACE}]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_AROUND = re.compile(f"^[{_SPACE}]+|[{_SPACE}]+$")


def normalise(text: str) -> str:
    """The one spelling of a channel's name; empty if nothing is left of it."""
    whole = _SURROGATES.sub("\ufffd", text)
    name = _AROUND.sub("", unicodedata.normalize("NFKC", whole)).lower()
    return _SPACES.sub("-", name)[:_NAME_LIMIT]


def channel_id(text: str) -> int | None:
    """The id of a channel that is given by number or by name; None for an empty name or a number above uint64."""
    name = normalise(text)
    if re.fullmatch(r"[0-9]+", name):
        return int(name) if len(name) <= 20 and int(name) < 2**64 else None
    if not name:
        return None
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8]) & (2**63 - 1)
