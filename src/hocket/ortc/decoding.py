"""JSON text from strangers, decoded into typed values or refused with one InvalidParameters (T12).

The limits come before the parser: bytes first, then nesting, so that no text makes it recurse or work for long. Then
msgspec checks every member that we know, and a second look finds members that appear twice: parsers differ in which one
they take, and what one part of a system checks must be what another part uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import TypeVar

import msgspec

from hocket.errors import InvalidParameters

SIZE_LIMIT = 64 * 1024
"""Longest text, in bytes of UTF-8. Chromium's whole native capabilities, video and all, take about 12 KiB."""

DEPTH_LIMIT = 32
"""Deepest nesting of arrays and objects. The shapes need 4; the rest is room for members that we do not know."""

T = TypeVar("T")

# The closing quote is optional and the loop gives nothing back: any text, also a malformed one, takes one pass.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PLACE = re.compile(r" - at `\$(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`\Z")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def decode(text: str, decoder: msgspec.json.Decoder[T], where: str) -> T:
    """Decodes one JSON string of a request.

    Args:
        text: what the client sent; any text at all.
        decoder: what it must be.
        where: the wire's name of the field, which begins the path of an error.

    Raises:
        InvalidParameters: it is too long, too deep, no JSON, has a member twice, or a member that we use is wrong.
    """
    data = _encoded(text, where)
    _check_depth(data, where)
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise _explained(str(error), where) from None
    except msgspec.DecodeError:
        raise InvalidParameters(where, "is not valid JSON") from None
    _check_repeated(text, where)
    return value


def _encoded(text: str, where: str) -> bytes:
    """The text as UTF-8, if it is text and short enough."""
    if len(text) > SIZE_LIMIT:
        raise InvalidParameters(where, f"is longer than {SIZE_LIMIT} bytes")
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidParameters(where, "has a lone surrogate, which is no character") from None
    if len(data) > SIZE_LIMIT:
        raise InvalidParameters(where, f"is longer than {SIZE_LIMIT} bytes")
    return data


def _check_depth(data: bytes, where: str) -> None:
    """Refuses nesting beyond DEPTH_LIMIT by counting brackets outside strings. Whether they match, the parser sees."""
    if data.count(b"[") + data.count(b"{") <= DEPTH_LIMIT:
        return  # however they stand
    brackets = _STRING.sub(b"", data).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets), initial=0)) > DEPTH_LIMIT:
        raise InvalidParameters(where, f"is nested deeper than {DEPTH_LIMIT} levels")


def _explained(message: str, where: str) -> InvalidParameters:
    """Turns msgspec's message, which ends with the place as a JSON path, into our error."""
    place = _PLACE.search(message)
    path = where + (place.group(1) if place else "")
    problem = message[: place.start()] if place else message
    missing = _MISSING.match(problem)
    if missing:
        return InvalidParameters(f"{path}.{missing.group(1)}", "is missing")
    return InvalidParameters(path, problem[:1].lower() + problem[1:])


class _Repeated:
    """Stands in the parsed tree for an object that has a member twice."""

    def __init__(self, key: str) -> None:
        self.key = key


class _Twice(Exception):
    """Some member appears twice in its object."""


def _repeated(pairs: list[tuple[str, object]]) -> _Repeated | None:
    """The first member that appears twice."""
    if len(dict(pairs)) == len(pairs):
        return None
    seen: set[str] = set()
    return _Repeated(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


def _look(pairs: list[tuple[str, object]]) -> None:
    if _repeated(pairs) is not None:
        raise _Twice


def _build(pairs: list[tuple[str, object]]) -> object:
    return _repeated(pairs) or dict(pairs)


# Numbers were checked already, and converting a long one takes time that grows with the square of its length.
_LOOK = json.JSONDecoder(object_pairs_hook=_look, parse_int=len, parse_float=len)
_TREE = json.JSONDecoder(object_pairs_hook=_build, parse_int=len, parse_float=len)


def _check_repeated(text: str, where: str) -> None:
    """Refuses a member that appears twice in its object, wherever it is; only then it matters where."""
    try:
        _LOOK.decode(text)
    except _Twice:
        raise InvalidParameters(next(_places(_TREE.decode(text), where)), "appears twice") from None
    except ValueError:
        raise InvalidParameters(where, "is not valid JSON") from None


def _places(tree: object, path: str) -> Iterator[str]:
    """The paths of all members that appear twice in `tree`, except those inside an object that is refused itself."""
    if isinstance(tree, _Repeated):
        yield path + step(tree.key)
    elif isinstance(tree, dict):
        for key, member in tree.items():
            yield from _places(member, path + step(key))
    elif isinstance(tree, list):
        for index, element in enumerate(tree):
            yield from _places(element, f"{path}[{index}]")


def step(key: str) -> str:
    """A member's name as it is written in a path."""
    return f".{key}" if _PLAIN_KEY.match(key) else f"[{json.dumps(key)}]"
