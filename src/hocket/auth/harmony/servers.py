"""Which homeservers a voice server takes users of: their URLs, and the server ids by which Harmony calls them. Pure.

These URLs are the only ones that are ever asked for anything: what a client sends can choose among them, and no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from hocket.config import ConfigError
from hocket.policy import is_local_host

HARMONY_PORT = 2289
"""The port of a server id that names none."""

_DEFAULT_PORTS = {"https": 443, "http": 80}

_SERVER_ID = re.compile(r"[!-~]{1,255}")
"""Printable ASCII without spaces. A host name has at most 253 characters (RFC 1035 §2.3.4)."""


@dataclass(frozen=True, slots=True)
class Homeserver:
    """A homeserver whose users may come.

    Attributes:
        name: its server id as we write it down, in logs and in the table of ids; the same at every start.
        url: where its calls are, without a slash at the end.
        names: the server ids by which a client may call it, in lower case.
        token: what we show when we ask it. A secret, and for this homeserver alone.
    """

    name: str
    url: str
    names: frozenset[str]
    token: str = field(repr=False)


def read_homeserver(entry: str, token: str, *, plain_http: bool = False) -> Homeserver:
    """Reads `URL`, or `SERVER-ID=URL` where the id is not the URL's host and port.

    Args:
        entry: as the operator wrote it.
        token: what to show to this homeserver.
        plain_http: takes `http` for other hosts than this machine too: the network between is the operator's own.

    Raises:
        ConfigError: it is no such URL, or not https.
    """
    given, sign, url = entry.partition("=")
    if not sign or "://" in given:
        given, url = "", entry
    parts, port = _split(entry, url)
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    if parts.scheme == "http" and not (plain_http or is_local_host(host)):
        raise ConfigError(
            f"--homeserver {entry}: must be https, since a secret token travels there. For a homeserver on a network "
            "of your own, add --harmony-plain-http."
        )
    names = {f"{host}:{port}"}
    if port in (HARMONY_PORT, _DEFAULT_PORTS[parts.scheme]):
        names.add(host)
    if given:
        names = {check_server_id(given, f"--homeserver {entry}").lower()}
    address = f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}"
    return Homeserver(min(names, key=len), address, frozenset(names), token)


def by_name(homeservers: Sequence[Homeserver]) -> Mapping[str, Homeserver]:
    """The homeservers by each of their server ids.

    Raises:
        ConfigError: there is none, or two have the same.
    """
    if not homeservers:
        raise ConfigError("--auth harmony needs --homeserver: the URL of the homeserver whose users may come.")
    found: dict[str, Homeserver] = {}
    for homeserver in homeservers:
        for name in homeserver.names:
            if name in found:
                raise ConfigError(f"--homeserver: two of them have the server id {name}.")
            found[name] = homeserver
    return found


def check_server_id(server_id: str, option: str) -> str:
    """A server id, if it can be one.

    Raises:
        ConfigError: it is empty, too long, or has characters that no server id has.
    """
    if not _SERVER_ID.fullmatch(server_id) or "/" in server_id:
        raise ConfigError(f"{option}: a server id is a host name, with or without a port, such as voice.example.org.")
    return server_id


def check_token(token: str, option: str) -> str:
    """A token that fits into a header, without the line end of its file.

    Raises:
        ConfigError: it is empty, or more than one word.
    """
    token = token.strip()
    if not re.fullmatch(r"[!-~]{1,4096}", token):
        raise ConfigError(f"{option}: must hold one token and nothing else.")
    return token


def _split(entry: str, url: str) -> tuple[SplitResult, int]:
    """A URL's parts and its port.

    Raises:
        ConfigError: it is none of http or https, or holds what has no place in it.
    """
    wrong = ConfigError(
        f"--homeserver {entry}: must be a URL such as https://chat.example.org:2289, without login, query or fragment."
    )
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise wrong from None
    more = parts.username is not None or parts.query or parts.fragment
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or more or not url.isascii() or " " in url:
        raise wrong
    return parts, port
