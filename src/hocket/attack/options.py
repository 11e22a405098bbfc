"""What can be asked of `hocket attack`. Plain values, no I/O."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from hocket.config import ConfigError
from hocket.load.options import websocket_url

PACKETS_PER_SECOND = range(10, 5_001)
"""A flood that shows whether something is held for each packet, and that fills nobody's line."""

CONNECTIONS = range(1, 201)
"""TCP connections at once: fewer than a server lets in from one address, whose other people then still fit."""

_SECONDS = (1.0, 60.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackOptions:
    """The options of `hocket attack`."""

    url: str | None = None
    """The same as URL. Default: a `hocket serve` of its own on free ports, with the limits that every server has."""

    only: tuple[str, ...] = ()
    """Name of an attack to run alone; may be given again. Default: all, which --list shows."""

    list: bool = False
    """Show all attacks and what they do, and run none."""

    seconds: float = 5.0
    """How long each attack lasts, 1 to 60. The shorter, the less a lost packet of the two people says."""

    packets_per_second: int = 2_000
    """Datagrams, or requests, that a flood sends a second, 10 to 5000."""

    connections: int = 32
    """TCP connections that an attack holds at once, 1 to 200."""

    json: bool = False
    """Print the report as JSON instead of the table."""

    pid: int | None = None
    """Process of the server, when it runs on this machine: its memory, descriptors and threads are watched too."""

    serve: Annotated[str, Parameter(allow_leading_hyphen=True)] = ""
    """Options of the `hocket serve` that it starts, in quotes, such as "--workers 2". Not with --url."""

    token_prefix: str = "9"
    """What each token begins with; a number of six digits follows. Open authentication takes it for the user's id."""

    guild: int = 0
    """Guild of the channels."""

    first_channel: int = 910_001
    """Id of the channel in which the two people talk; the attackers join the next one."""

    yes: bool = False
    """The server is mine: do not ask. Needed where nobody can be asked, for a server that is not on this machine."""

    def __post_init__(self) -> None:
        """Checks every range.

        Raises:
            ConfigError: a number is out of its range, or the URL is none that can be spoken to.
        """
        if not _SECONDS[0] <= self.seconds <= _SECONDS[1]:
            raise ConfigError(f"--seconds {self.seconds}: must be {_SECONDS[0]:g} to {_SECONDS[1]:g}.")
        for name, allowed in (("packets_per_second", PACKETS_PER_SECOND), ("connections", CONNECTIONS)):
            if getattr(self, name) not in allowed:
                option = name.replace("_", "-")
                raise ConfigError(f"--{option} {getattr(self, name)}: must be {allowed[0]} to {allowed[-1]}.")
        for name in ("guild", "first_channel"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least 0.")
        if self.url is not None:
            websocket_url(self.url)
        try:
            shlex.split(self.serve)
        except ValueError as error:
            raise ConfigError(f"--serve {self.serve}: {error}.") from None

    def check_server(self) -> None:
        """Checks what belongs to one server, once it is known which.

        Raises:
            ConfigError: an option is for a server of the tool's own and there is none, or the other way round.
        """
        if self.url is not None:
            if self.serve:
                raise ConfigError("--serve: these are options of the server that is started without --url.")
        elif self.pid is not None:
            raise ConfigError("--pid: the server that is started without --url is watched anyway.")

    @property
    def serve_words(self) -> Sequence[str]:
        """`serve`, split as a shell does."""
        return shlex.split(self.serve)

    def token(self, number: int) -> str:
        """The token of one of us, counted from 1."""
        return f"{self.token_prefix}{number:06d}"


def is_here(url: str) -> bool:
    """Whether a server is on this machine as its URL says: only then nobody else can be meant."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
