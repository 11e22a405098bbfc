"""What can be asked of `hocket bench`. Plain values, no I/O."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from cyclopts import Parameter

from hocket.config import ConfigError

PAYLOAD_BYTES = range(12, 1_201)
"""From the stamp that a delay is read from to what a datagram carries."""

SMALL_CHANNEL = 50
"""People of a channel in which no server need wish for longer packets."""

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_THREADS = range(1, 17)
_JOINS = range(1, 257)


class BenchError(Exception):
    """The run cannot go on, or found nothing to measure; the message is a sentence that says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchOptions:
    """The options of `hocket bench`."""

    url: str | None = None
    """Server to load, such as ws://127.0.0.1:8080 or https://voice.example.org/prefix. Default: a `hocket serve` of its
    own on free ports, whose CPU time and memory are measured."""

    channels: int = 1
    """Channels."""

    participants: int = 10
    """People in each channel."""

    speakers: int | None = None
    """People of each channel who speak; the others are muted: their microphones are known and send nothing. Default:
    all who have one."""

    talking: int | None = None
    """Speakers of each channel who talk; the microphones of the others send a quiet room, at -80 dBov. Default: all."""

    listeners: int = 0
    """People of each channel who have no microphone at all, so that nobody has a consumer for them."""

    seconds: float = 10.0
    """How long it measures, once everybody is connected."""

    payload: int = 100
    """Bytes of Opus in 20 ms, 12 to 1200; 80 to 120 is what browsers send of speech. A packet holds 20 ms, or 40 or 60
    where the server wishes that, and so much more."""

    vary: int = 0
    """Bytes by which 20 ms may be longer or shorter, as with variable bit rate; 40 is much like speech."""

    json: bool = False
    """Print the result as JSON instead of the table."""

    pid: int | None = None
    """Process of the server, when it runs on this machine: its CPU time and memory are measured."""

    serve: Annotated[str, Parameter(allow_leading_hyphen=True)] = ""
    """Options of the `hocket serve` that it starts, in quotes, such as "--workers 2 --gather-ms 0". Not with --url."""

    token_prefix: str = "9"
    """What each token begins with; a number of six digits follows. Open authentication takes it for the user's id."""

    guild: int = 0
    """Guild of the channels."""

    first_channel: int = 900_001
    """Id of the first channel; the others follow."""

    joins: int = 8
    """Joins under way at once."""

    threads: int = 1
    """Media threads of the load client, 1 to 16; another one when it says that it was the limit."""

    sample: int = 16
    """Each so manieth packet of a stream is authenticated and decrypted, and its delay read; 1 is every one."""

    def __post_init__(self) -> None:
        """Checks every range.

        Raises:
            ConfigError: a number is out of its range, or the URL is none that can be spoken to.
        """
        for name, least in (("channels", 1), ("participants", 1), ("sample", 1), ("guild", 0), ("first_channel", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least {least}.")
        if not 0 <= self.listeners <= self.participants:
            raise ConfigError(f"--listeners {self.listeners}: must be 0 to {self.participants}, the participants.")
        if not 0 <= self.speaking <= self.microphones:
            raise ConfigError(f"--speakers {self.speakers}: must be 0 to {self.microphones}, those with a microphone.")
        if not 0 <= self.voices <= self.speaking:
            raise ConfigError(f"--talking {self.talking}: must be 0 to {self.speaking}, the speakers.")
        if not 0.1 <= self.seconds <= 86_400:
            raise ConfigError(f"--seconds {self.seconds}: must be 0.1 to 86400.")
        for name, allowed in (("payload", PAYLOAD_BYTES), ("threads", _THREADS), ("joins", _JOINS)):
            if getattr(self, name) not in allowed:
                raise ConfigError(f"--{name} {getattr(self, name)}: must be {allowed[0]} to {allowed[-1]}.")
        shortest, longest = PAYLOAD_BYTES[0], PAYLOAD_BYTES[-1]
        if not 0 <= self.vary <= min(self.payload - shortest, longest - self.payload):
            raise ConfigError(
                f"--vary {self.vary}: must leave the payload of {self.payload} bytes within {shortest} to {longest}."
            )
        self._check_server()

    def _check_server(self) -> None:
        if self.url is not None:
            websocket_url(self.url)
            if self.serve:
                raise ConfigError("--serve: these are options of the server that is started without --url.")
        elif self.pid is not None:
            raise ConfigError("--pid: the server that is started without --url is measured anyway.")
        try:
            shlex.split(self.serve)
        except ValueError as error:
            raise ConfigError(f"--serve {self.serve}: {error}.") from None

    @property
    def microphones(self) -> int:
        """People in each channel who have one."""
        return self.participants - self.listeners

    @property
    def speaking(self) -> int:
        """Speakers in each channel."""
        return self.microphones if self.speakers is None else self.speakers

    @property
    def voices(self) -> int:
        """Speakers in each channel who talk."""
        return self.speaking if self.talking is None else self.talking

    @property
    def serve_words(self) -> list[str]:
        """`serve`, split as a shell does."""
        return shlex.split(self.serve)

    @property
    def sound_ms(self) -> int:
        """Milliseconds of sound that each speaker sends while it is measured, in as few whole packets as hold them."""
        return round(self.seconds * 1_000)

    @property
    def extension(self) -> bool:
        """Whether those who speak ask for our extension, through which a server may wish for longer packets.

        They do in channels that are large enough for that. Our own client, the page, asks for it everywhere; but it is
        told of everybody's state then, at the server's cost, and smaller channels are to cost what they did before.
        Whoever is muted or only listens never asks for it here: it could not do what the server wishes.
        """
        return self.participants > SMALL_CHANNEL


def websocket_url(url: str) -> str:
    """Where the service is mounted, as a WebSocket URL without a slash at its end.

    Raises:
        ConfigError: no scheme that we speak, or no host.
    """
    try:
        parts = urlsplit(url)
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or parts.scheme not in _SCHEMES:
        raise ConfigError(f"--url {url}: must be ws://, wss://, http:// or https://, with a host.")
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, parts.path.rstrip("/"), "", ""))
