"""`hocket token`, below the command line: signs a token and prints it."""

from __future__ import annotations

import datetime
import sys
from typing import Any
from urllib.parse import quote

import jwt

from hocket.auth import key_file, wall_clock
from hocket.auth.keys import SigningKey, read_signing_key
from hocket.token.channels import normalise
from hocket.token.options import TokenOptions


def run(options: TokenOptions) -> None:
    """Prints the token alone on stdout, so that it can be piped; on a terminal, what to do with it on stderr.

    Raises:
        ConfigError: there is no key that can sign, or none can be made.
    """
    file = options.jwt_key
    if options.new_key:
        key_file.create(file)
        _say(f"Made the key {file}. The server takes its tokens: hocket serve --auth jwt --jwt-key {file}")
    if options.user is None:
        return
    key = read_signing_key(key_file.read(file), f"The key file {file}")
    now = wall_clock()
    print(mint(options, key, now))
    end = datetime.datetime.fromtimestamp(now + options.seconds, datetime.UTC)
    _say(
        f"Signed with {key.algorithm}; it holds until {end:%Y-%m-%d %H:%M} UTC. The page takes it in its link, "
        f"https://…/{_fragment(options)}, with this token at the end. Whoever has the link is user {options.user}."
    )


def mint(options: TokenOptions, key: SigningKey, now: float) -> str:
    """A token; `now` is the wall clock, in seconds since 1970."""
    claims: dict[str, Any] = {"sub": str(options.user), "iat": int(now), "exp": int(now) + options.seconds}
    optional = {
        "name": options.name,
        "guild": [str(guild) for guild in options.guilds],
        "channel": [str(channel) for channel in options.channels],
        "permissions": list(options.permissions),
        "iss": options.jwt_issuer,
        "aud": options.jwt_audience,
    }
    claims.update({name: value for name, value in optional.items() if value})
    return jwt.encode(claims, key.material, algorithm=key.algorithm)


def _fragment(options: TokenOptions) -> str:
    """The end of the page's link, up to the token (web/README.md)."""
    if not options.channel:
        return "#token="
    guild = f"{options.guilds[0]}/" if options.guilds[0] else ""
    return f"#/{guild}{quote(normalise(options.channel[0]), safe='')}&token="


def _say(sentence: str) -> None:
    """Tells a person something, where there is one."""
    if sys.stderr.isatty():
        print(sentence, file=sys.stderr)
