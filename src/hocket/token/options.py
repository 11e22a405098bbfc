"""What can be asked of `hocket token`. Plain values, no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hocket.config import ConfigError
from hocket.token.channels import channel_id

Permission = Literal["join", "listen", "speak", "moderate"]

_ID_LIMIT = 2**64
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_LONGEST = 3_650 * 86_400
"""Ten years, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenOptions:
    """The options of `hocket token`."""

    jwt_key: Path
    """File with the key to sign with: the secret that the server has too (HS256), or a private key in PEM (RSA for
    RS256, Ed25519 for EdDSA), whose public key the server has."""

    new_key: bool = False
    """Make the file first, with a new random secret that only you can read. A file that is there stays as it is."""

    user: int | None = None
    """User id of whoever the token is for, 1 to 2^64-1."""

    name: str = ""
    """Display name."""

    guild: tuple[int, ...] = ()
    """Guilds that the token is for. Default: every one, or with --channel the one of the page's own channels, 0."""

    channel: tuple[str, ...] = ()
    """Channels of those guilds that the token is for, by number; in guild 0 also by name, as in the page's links.
    Default: every one."""

    permissions: tuple[Permission, ...] = ()
    """What the token allows. Default: join listen speak."""

    expires: str = "1h"
    """How long it holds: a number with s, m, h or d, such as 90m. Calls that go on longer end then."""

    jwt_issuer: str | None = None
    """Who makes it (`iss`), where the server has --jwt-issuer."""

    jwt_audience: str | None = None
    """What it is for (`aud`), where the server has --jwt-audience."""

    def __post_init__(self) -> None:
        """Checks what needs no look at the machine.

        Raises:
            ConfigError: an option is missing, or out of its range.
        """
        if self.user is None and not self.new_key:
            raise ConfigError("--user is missing: the id of whoever the token is for, such as --user 5.")
        if self.user is not None and not 0 < self.user < _ID_LIMIT:
            raise ConfigError(f"--user {self.user}: must be 1 to 2^64-1.")
        for guild in self.guild:
            if not 0 <= guild < _ID_LIMIT:
                raise ConfigError(f"--guild {guild}: must be 0 to 2^64-1.")
        if self.permissions and "join" not in self.permissions:
            raise ConfigError("--permissions: without join nobody comes in; name it too.")
        self._check_channels()
        if not 0 < self.seconds <= _LONGEST:
            raise ConfigError(f"--expires {self.expires}: must be a number with s, m, h or d, up to 3650d.")

    def _check_channels(self) -> None:
        for channel in self.channel:
            if channel_id(channel) is None:
                raise ConfigError(f"--channel {channel}: must be 0 to 2^64-1, or a name.")
            if not channel.isdecimal() and self.guild not in ((), (0,)):
                raise ConfigError(f"--channel {channel}: channels have names in guild 0 alone; give a number.")

    @property
    def seconds(self) -> int:
        """How long the token holds; 0 where that is not said in the form that it must have."""
        found = _DURATION.fullmatch(self.expires)
        return 0 if found is None else int(found[1]) * _UNITS[found[2]]

    @property
    def guilds(self) -> tuple[int, ...]:
        """Guilds that the token is for; none is every one."""
        return (0,) if self.channel and not self.guild else self.guild

    @property
    def channels(self) -> tuple[int, ...]:
        """Ids of the channels that the token is for; none is every one."""
        return tuple(id for channel in self.channel if (id := channel_id(channel)) is not None)
