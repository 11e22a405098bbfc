"""What can be set: the limits that every server has, and the options of `hocket serve`. Plain values, no I/O.

The command line, `HOCKET_…` and a TOML file fill `ServeOptions` (see `hocket.cli`); an app gives `Limits` to its
`VoiceServer`. `config-sample.toml` shows every option with its default; a test keeps it complete.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, get_args

OneChannel = Literal["replace", "reject", "allow"]
"""What happens to a user who joins a second channel: the older stream ends, the newer one is refused, or both stay."""

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LogLevel = Literal["debug", "info", "warning", "error"]

Ptime = Literal["auto", 20, 40, 60]
"""Milliseconds of sound that a packet had best hold; `auto` is by how many are in the channel."""

HarmonyOutage = Literal["end", "keep"]
"""What becomes of those who are in a call when their homeserver cannot be asked whether they may stay."""

PING_INTERVAL = 10.0
PING_TIMEOUT = 10.0
"""Seconds between WebSocket pings, and for the answer to one: a client that vanishes is noticed within 20 s, well
within the 30 s that consent (RFC 7675 §5.1) gives its media."""


SILENCE_DBOV = -60
"""Quieter is silence, in dBov (RFC 6464): below a whisper, and above what is left of most rooms behind a browser's
noise suppression."""

ACTIVE_SPEAKERS_LIMIT = 64
"""The most places for speakers that a channel can have."""

_WORKERS_LIMIT = 64
_GATHER_MS_LIMIT = 3

_DRAIN_SECONDS_LIMIT = 86_400

_NODE = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
"""The name of a permission of Harmony's."""

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\sA-Z]+")


class ConfigError(Exception):
    """What was asked for cannot be; the message is a sentence that says what to change."""


class StartError(Exception):
    """The server cannot start here and now; the message is a sentence for the operator."""


def installed_version() -> str:
    """Hocket's version, as installed."""
    try:
        return version("hocket")
    except PackageNotFoundError:
        return "from source"


def check_origins(origins: Collection[str]) -> None:
    """Refuses what no browser sends as `Origin` (RFC 6454 §6.2): it would let nobody in, without a word.

    Raises:
        ConfigError: one has no scheme or host, or more than those and a port.
    """
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"Allowed origin {origin}: must be scheme and host in lower case and nothing else, such as "
                "https://example.org or https://example.org:8443."
            )


def read_networks(entries: Collection[str], name: str = "trusted_proxies") -> tuple[IpNetwork, ...]:
    """IP addresses and networks such as `127.0.0.1`, `10.0.0.0/8` or `fd00::/8`.

    Raises:
        ConfigError: one is neither, or is everybody.
    """
    networks = []
    for entry in entries:
        try:
            network = ipaddress.ip_network(entry.strip("[]"))
        except ValueError:
            raise ConfigError(
                f"{name} {entry}: must be an IP address, or a network such as 10.0.0.0/8 with no bits behind its mask."
            ) from None
        if network.prefixlen == 0:
            raise ConfigError(f"{name} {entry}: this is everybody; name the addresses from which your proxy connects.")
        networks.append(network)
    return tuple(networks)


def check_active_speakers(limit: int, name: str = "active_speakers") -> None:
    """Refuses a number of speakers that no channel has places for.

    Raises:
        ConfigError: it is below 0 or above 64.
    """
    if not 0 <= limit <= ACTIVE_SPEAKERS_LIMIT:
        raise ConfigError(f"{name} {limit}: must be 0 to {ACTIVE_SPEAKERS_LIMIT}.")


def check_ptime(ptime: object) -> None:
    """Refuses what is no length of packets that clients can be asked for.

    Raises:
        ConfigError: it is none of `Ptime`.
    """
    if ptime not in get_args(Ptime):
        raise ConfigError(f"ptime {ptime!r}: must be 20, 40, 60 or 'auto'.")


_LIMIT_RANGES: Mapping[str, tuple[int, int]] = {
    "transports": (2, 1_000_000),
    "producer_packets_per_second": (10, 10_000),
    "producer_bits_per_second": (16_000, 100_000_000),
    "request_byte_burst": (65_536, 2**30),
}
"""The media engine's own ranges, and what a browser needs to join."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bounds on what clients can make the server hold and do. Reaching one is an error with a time to come back."""

    streams: int = 5_000
    """Streams in all. One takes about 0.2 MB in a channel of ten."""

    streams_per_user: int = 16
    """Streams of one user: a few tabs, and those that a lost network has left behind."""

    streams_per_address: int = 256
    """Streams from one IP address: an office behind one address still fits."""

    joins_per_second: float = 200.0
    """Streams that are opened, in the long run: about as many joins as one core does."""

    join_burst: int = 2_000
    """Streams that are opened at once: everybody comes back together after a restart."""

    address_joins_per_second: float = 20.0
    """Streams that one IP address opens, in the long run."""

    address_join_burst: int = 512
    """Streams that one IP address opens at once: an office that comes back together, twice."""

    participants: int = 100
    """People in one channel, listeners included. Everyone hears everyone: work grows with the square."""

    channels: int = 2_500
    """Channels in all; each is there as long as somebody is in it, or on the way."""

    transports: int = 20_000
    """Media connections in all, at most 1,000,000; each stream on its way into a channel and in it has two."""

    producer_packets_per_second: int = 200
    """Packets of one microphone, 10 to 10,000; as many at once. More are not forwarded, and after ten seconds of that
    its stream ends. Opus in its shortest usual frames of 10 ms makes half as many."""

    producer_bits_per_second: int = 256_000
    """Bits of one microphone, 16,000 to 100,000,000; as many at once, and more fare alike. A browser makes some 40,000
    for a voice; music at 128,000 fits with a copy of everything (RFC 2198)."""

    step_seconds: float = 30.0
    """Time for each step up to JoinedChannel. A person may be reading a microphone prompt meanwhile."""

    authorize_seconds: float = 10.0
    """Time for the app's `authenticate` and for its `authorize`; then the client is told to come back."""

    requests_per_second: float = 50.0
    """Requests of one stream, in the long run."""

    request_burst: int = 300
    """Requests of one stream at once: a newcomer to a full channel resumes everyone."""

    request_bytes_per_second: float = 65_536.0
    """Bytes of one stream's requests, in the long run."""

    request_byte_burst: int = 1_048_576
    """Bytes of one stream's requests at once, at least 65,536: four of the longest requests that are read at all."""

    outbox: int = 1_024
    """Frames that wait for one client. A full outbox ends that client's stream: it does not read."""

    close_seconds: float = 1.0
    """Time for the last frames of a stream that ends."""

    def __post_init__(self) -> None:
        """Refuses what would serve nobody.

        Raises:
            ConfigError: a limit is not above 0 or out of its range, or the outbox cannot hold a newcomer's view of a
                full channel.
        """
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"The limit {name} must be above 0.")
        for name, (least, most) in _LIMIT_RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(f"The limit {name} must be {least:,} to {most:,}.")
        if self.outbox < 2 * self.participants + 8:
            raise ConfigError("The limit outbox must be at least twice the limit participants, and 8 more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class ServeOptions:
    """The options of `hocket serve`."""

    host: str = "127.0.0.1"
    """Address or name to listen on for the page and the WebSocket. 127.0.0.1: only this machine can open the page.
    `0.0.0.0` (or `::` for IPv6 too) serves every network that this machine is on."""

    port: int = 8080
    """TCP port of the page and the WebSocket, 0 to 65535; 0 takes a free one."""

    media_port: int | None = None
    """UDP port of all voice, IPv4 and IPv6; 0 takes a free one. Default: the same number as --port, so that a firewall
    needs one rule for one number."""

    announce: tuple[str, ...] = ()
    """IP addresses or host names at which clients reach the media port, in order of preference. Default: this
    machine's own addresses. Behind a NAT give the public address."""

    workers: int = 0
    """Media threads, 1 to 64; 0 is one a core."""

    pin_workers: Literal["auto", "off"] = "auto"
    """With a media thread for each core, each stays on its own as long as packets go to hundreds, so that nobody there
    waits for a thread behind another. `off` is better where another program keeps some of the cores busy."""

    gather_ms: float = 1.0
    """How long a busy media thread lets packets gather at most, 0 to 3 ms: several to one listener then leave together,
    which costs less. With little to do nothing waits. 0 is never."""

    silence_dbov: int | Literal["off"] = SILENCE_DBOV
    """Whoever is quieter is silent, -127 to 0 dBov, and silence is not forwarded: an open microphone that nobody speaks
    into costs nothing. So is steady noise a little above. `off` forwards whatever comes."""

    active_speakers: int = 0
    """How many are heard at a time in a channel, 0 to 64: the loudest, and who waits has a turn within seconds. A large
    channel then costs so many packets for each listener, however many speak. 0 is all."""

    ptime: Ptime = "auto"
    """How many milliseconds of sound clients are asked to put into a packet, 20, 40 or 60. A packet costs by its number
    and hardly by its length, and every word comes so much later. `auto`: 20; 40 in channels of 100 people or more; 60
    from 300 on."""

    auth: str | None = None
    """Who may come in. `open`: everybody who can reach the server, under the name and id that they give; this is the
    default on a loopback address, and must be said in so many words on any other. On a loopback address that is this
    machine alone, unless `open` is said and --announce names another address: a proxy's. `jwt`: whoever brings a JSON
    Web Token that is signed with the key of --jwt-key or --jwt-jwks. `harmony`: users of the Harmony homeservers that
    --homeserver names. `module:function`: your own async function, from Credentials to User, or an object that is one
    and has an `authorize` too."""

    jwt_key: Path | None = None
    """File with the key of --auth jwt: a secret of 32 bytes or more (HS256), or a public key in PEM (RSA for RS256,
    Ed25519 for EdDSA). `hocket token --new-key` makes one."""

    jwt_jwks: str | None = None
    """URL of a JSON Web Key Set with the keys of --auth jwt; https, or http on this machine."""

    jwt_issuer: str | None = None
    """Whose tokens --auth jwt takes (`iss`). Default: those of whoever has the key."""

    jwt_audience: str | None = None
    """What tokens for --auth jwt must be for (`aud`). Default: only those are taken that do not say."""

    homeserver: tuple[str, ...] = ()
    """Harmony homeservers whose users may come, such as https://chat.example.org:2289; or `id=URL` where the server id
    is not the URL's host and port. Their ids are ours if there is one; of several they are mapped."""

    server_id: str | None = None
    """The server id, a host name with or without a port, for which a homeserver must have signed a user's token."""

    harmony_token_file: tuple[Path, ...] = ()
    """Files with the session token that this server shows when it asks a homeserver, one for each --homeserver and in
    the same order. The account must be in the guilds and have `permissions.query` there."""

    harmony_state: Path | None = None
    """Folder in which this server keeps its own key, and the ids of several homeservers; made at the first start."""

    harmony_join: str = "messages.view"
    """Which of a channel's permissions lets a user in. Harmony has none of its own for voice."""

    harmony_listen: str = "messages.view"
    """Which of a channel's permissions lets a user hear the others."""

    harmony_speak: str = "messages.send"
    """Which of a channel's permissions lets a user be heard."""

    harmony_session_seconds: float = 3600.0
    """How long a login lasts after its last use, 60 to 86400 s; a call in progress is use. It ends after a day, and
    with the process."""

    harmony_recheck_seconds: float = 30.0
    """How often a homeserver is asked again whether those who are in a call may stay, 5 to 3600 s."""

    harmony_outage: HarmonyOutage = "end"
    """What becomes of those who are in a call when their homeserver cannot be asked twice in a row: `end` puts them
    out, `keep` lets them stay. Nobody new comes in either way."""

    harmony_plain_http: bool = False
    """Take a homeserver by http on another machine too: only where the network between is your own."""

    one_channel: OneChannel = "replace"
    """What happens when a user joins a second channel: `replace` ends the older stream, `reject` refuses the newer one,
    `allow` lets a user be in several."""

    allow_origin: tuple[str, ...] = ()
    """Web pages on other sites that may use this server, such as https://example.org."""

    tls_cert: Path | None = None
    """Certificate chain (PEM) for https. Browsers give the microphone only to https and to localhost. When the file
    changes, new connections get the new certificate."""

    tls_key: Path | None = None
    """Private key (PEM) of --tls-cert; not needed when the certificate's file holds it."""

    tls: Literal["self-signed"] | None = None
    """`self-signed`: https with a certificate that Hocket makes and renews, for a network at home: each browser warns
    once, and shows the fingerprint that stands in the first lines. Instead of --tls-cert."""

    tls_dir: Path | None = None
    """Folder in which the self-signed certificate and its key are kept. Default: $XDG_STATE_HOME/hocket, which is
    ~/.local/state/hocket if nobody says otherwise."""

    trusted_proxy: tuple[str, ...] = ()
    """IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, from which your reverse proxy connects. Of these alone
    X-Forwarded-For is believed, so that limits count people and not the proxy. It lets nobody in."""

    drain_seconds: float = 0.0
    """How long SIGTERM waits for people to leave by themselves, 0 to 86400 s; meanwhile nobody new comes in and /readyz
    says 503. Then they are told to come back, and the server ends. Ctrl-C waits for nobody."""

    log_level: LogLevel = "info"
    """The least important lines that are logged."""

    limits: Limits = field(default_factory=Limits)
    """Bounds on what clients can make the server hold and do."""

    def __post_init__(self) -> None:
        """Checks what needs no look at the machine.

        Raises:
            ConfigError: a port, the number of workers or of active speakers, the time to gather or to drain, the level
                of silence or a time of Harmony's is out of its range; an origin, a proxy's address or a permission is
                none; or options of `harmony` come without it.
        """
        for option, port in (("--port", self.port), ("--media-port", self.media_port)):
            if port is not None and not 0 <= port <= 65_535:
                raise ConfigError(f"{option} {port}: must be 0 to 65535.")
        check_origins(self.allow_origin)
        if not 0 <= self.workers <= _WORKERS_LIMIT:
            raise ConfigError(f"--workers {self.workers}: must be 0 to {_WORKERS_LIMIT}.")
        if not 0 <= self.gather_ms <= _GATHER_MS_LIMIT:
            raise ConfigError(f"--gather-ms {self.gather_ms}: must be 0 to {_GATHER_MS_LIMIT}.")
        if not 0 <= self.drain_seconds <= _DRAIN_SECONDS_LIMIT:
            raise ConfigError(f"--drain-seconds {self.drain_seconds}: must be 0 to {_DRAIN_SECONDS_LIMIT}.")
        read_networks(self.trusted_proxy, "--trusted-proxy")
        check_active_speakers(self.active_speakers, "--active-speakers")
        self._check_harmony()
        if self.silence_dbov != "off" and not -127 <= self.silence_dbov <= 0:
            raise ConfigError(f"--silence-dbov {self.silence_dbov}: must be -127 to 0, or off.")

    def _check_harmony(self) -> None:
        for option, seconds, least, most in (
            ("--harmony-session-seconds", self.harmony_session_seconds, 60, 86_400),
            ("--harmony-recheck-seconds", self.harmony_recheck_seconds, 5, 3_600),
        ):
            if not least <= seconds <= most:
                raise ConfigError(f"{option} {seconds}: must be {least} to {most}.")
        for option, node in (
            ("--harmony-join", self.harmony_join),
            ("--harmony-listen", self.harmony_listen),
            ("--harmony-speak", self.harmony_speak),
        ):
            if not _NODE.fullmatch(node):
                raise ConfigError(f"{option} {node}: must be the name of a permission, such as messages.view.")
        if self.auth != "harmony" and (self.homeserver or self.server_id or self.harmony_state):
            raise ConfigError("--homeserver, --server-id and --harmony-state need --auth harmony.")
