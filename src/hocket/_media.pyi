"""The native media core: one UDP port, a thread a worker, commands down and events up.

Only `hocket.media.engine` imports this module, and `hocket.load.crowd` its load client. Every method returns at once:
it checks its arguments, pushes a command on a bounded queue and comes back. Ids are positive 64-bit integers from one
counter, so that no two objects of any kind share one; a load client counts its own.
"""

from collections.abc import Sequence
from typing import Self, final

__all__ = [
    "ConsumerOptions",
    "ConsumerStats",
    "CoreDump",
    "Engine",
    "EngineClosed",
    "EngineDump",
    "InvalidOption",
    "Latency",
    "LoadClient",
    "LoadProgress",
    "LoadReport",
    "LoadThread",
    "MediaError",
    "Overloaded",
    "ProducerOptions",
    "ProducerSpeaking",
    "ProducerStats",
    "Quality",
    "StatsReply",
    "TransportClosed",
    "TransportConnected",
    "TransportInfo",
    "TransportStats",
    "UnknownId",
    "WorkerFailed",
]

class MediaError(Exception):
    """The root of what this module raises on purpose."""

class UnknownId(MediaError):
    """No such router, transport, producer or consumer: it never was, or it is gone."""

class Overloaded(MediaError):
    """A bound was reached (transports in all, or a worker's command queue). Try again later; nothing was changed."""

class EngineClosed(MediaError):
    """`close` was called; the engine takes no more commands."""

class InvalidOption(MediaError):
    """An argument is out of its range; the sentence names it."""

@final
class ProducerOptions:
    """What one client sends: how its packets are recognised and what they carry."""

    def __new__(
        cls,
        *,
        ssrc: int | None = None,
        mid: str | None = None,
        opus_payload_type: int | None = None,
        red_payload_type: int | None = None,
        mid_extension: int | None = None,
        audio_level_extension: int | None = None,
        abs_send_time_extension: int | None = None,
        nack: bool = False,
        cname: str = "",
    ) -> Self:
        """Check and keep the options.

        Args:
            ssrc: RTP SSRC, 0 … 2^32-1. `None`: found by `mid`, then latched after the first authentic packet.
            mid: RFC 8843 media id, 1 … 16 bytes of ASCII. One of `ssrc` and `mid` is needed.
            opus_payload_type: RTP payload type of Opus, 0 … 127. One of the two payload types is needed.
            red_payload_type: RTP payload type of RED (RFC 2198) around Opus, 0 … 127.
            mid_extension: id of the `sdes:mid` header extension, 1 … 14 (RFC 8285); likewise the two others.
            audio_level_extension: id of `ssrc-audio-level` (RFC 6464). `None`: the producer never counts as speaking.
            abs_send_time_extension: id of `abs-send-time`.
            nack: lost packets are asked for again (RFC 4585).
            cname: canonical name under which its listeners get it (RFC 3550 §6.5.1), at most 255 bytes.

        Raises:
            InvalidOption: a value is out of its range.
        """

    @property
    def ssrc(self) -> int | None: ...
    @property
    def mid(self) -> str | None: ...
    @property
    def opus_payload_type(self) -> int | None: ...
    @property
    def red_payload_type(self) -> int | None: ...
    @property
    def mid_extension(self) -> int | None: ...
    @property
    def audio_level_extension(self) -> int | None: ...
    @property
    def abs_send_time_extension(self) -> int | None: ...
    @property
    def nack(self) -> bool: ...
    @property
    def cname(self) -> str: ...

@final
class ConsumerOptions:
    """How one producer's stream is written for one receiver."""

    def __new__(
        cls,
        *,
        ssrc: int,
        mid: str,
        opus_payload_type: int,
        red_payload_type: int | None = None,
        mid_extension: int | None = None,
        audio_level_extension: int | None = None,
        abs_send_time_extension: int | None = None,
        nack: bool = False,
    ) -> Self:
        """Check and keep the options; ranges as in `ProducerOptions`.

        Args:
            ssrc: the SSRC that the receiver sees; unique on its transport.
            mid: the media id that the receiver sees; unique on its transport.
            opus_payload_type: payload type of Opus towards this receiver.
            red_payload_type: payload type of RED towards this receiver. `None`: RED is unwrapped to Opus.
            mid_extension: extension id towards this receiver, or `None` to leave it out; likewise the two others.
            audio_level_extension: the producer's level is passed on under this id.
            abs_send_time_extension: written at the time of sending.
            nack: retransmissions that the receiver asks for are answered.

        Raises:
            InvalidOption: a value is out of its range.
        """

    @property
    def ssrc(self) -> int: ...
    @property
    def mid(self) -> str: ...
    @property
    def opus_payload_type(self) -> int: ...
    @property
    def red_payload_type(self) -> int | None: ...
    @property
    def mid_extension(self) -> int | None: ...
    @property
    def audio_level_extension(self) -> int | None: ...
    @property
    def abs_send_time_extension(self) -> int | None: ...
    @property
    def nack(self) -> bool: ...

@final
class TransportInfo:
    """A new transport: its id, and the ICE credentials that the client is told (RFC 8445 §5.3).

    Its repr hides the password.
    """

    @property
    def id(self) -> int: ...
    @property
    def username_fragment(self) -> str: ...
    @property
    def password(self) -> str: ...

@final
class TransportConnected:
    """ICE and DTLS are up and the fingerprint matches: media may flow. Told within 250 ms, as `Quality` is."""

    def __new__(cls, *, transport: int) -> Self: ...
    @property
    def transport(self) -> int: ...

@final
class TransportClosed:
    """A transport ended by itself; never emitted for one closed by `close_transport` or `close_router`.

    `reason`: `consent-expired`, `fingerprint-mismatch`, `handshake-timeout`, `handshake-failed`, `peer-closed`,
    `flood`, …. Its producers and consumers are gone with it.
    """

    def __new__(cls, *, transport: int, reason: str) -> Self: ...
    @property
    def transport(self) -> int: ...
    @property
    def reason(self) -> str: ...

@final
class ProducerSpeaking:
    """A producer began or ceased to speak. `level`: dBov, -127 (silence) … 0 (loudest), RFC 6464."""

    def __new__(cls, *, producer: int, speaking: bool, level: int) -> Self: ...
    @property
    def producer(self) -> int: ...
    @property
    def speaking(self) -> bool: ...
    @property
    def level(self) -> int: ...

@final
class Quality:
    """How well a client is connected, at most every two seconds: loss 0.0 … 1.0, round trip and jitter in ms.

    `rtt_ms` is `None` as long as it is not measured.
    """

    def __new__(cls, *, transport: int, loss: float, rtt_ms: float | None, jitter_ms: float) -> Self: ...
    @property
    def transport(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def rtt_ms(self) -> float | None: ...
    @property
    def jitter_ms(self) -> float: ...

@final
class StatsReply:
    """The answer to one `request_…_stats`. `stats` is `None` when the object went while the request was under way."""

    @property
    def request(self) -> int: ...
    @property
    def stats(self) -> TransportStats | ProducerStats | ConsumerStats | None: ...

@final
class WorkerFailed:
    """A media thread met a bug of ours and was replaced. These transports are gone with all that was on them."""

    def __new__(cls, *, worker: int, transports: Sequence[int]) -> Self: ...
    @property
    def worker(self) -> int: ...
    @property
    def transports(self) -> list[int]: ...

@final
class TransportStats:
    """Counters of one transport since its first valid check."""

    @property
    def packets_received(self) -> int: ...
    @property
    def bytes_received(self) -> int: ...
    @property
    def packets_sent(self) -> int: ...
    @property
    def bytes_sent(self) -> int: ...
    @property
    def dropped(self) -> dict[str, int]:
        """Packets from validated addresses that were dropped, by reason."""

    @property
    def selected_address(self) -> str | None:
        """`address:port` of the nominated pair, or `None` before ICE is up."""

    @property
    def dtls_state(self) -> str:
        """`new`, `connecting`, `awaiting-fingerprint` or `connected`."""

    @property
    def srtp_profile(self) -> str | None: ...
    @property
    def rtt_ms(self) -> float | None: ...

@final
class ProducerStats:
    """Counters of one producer since its creation."""

    @property
    def packets(self) -> int: ...
    @property
    def bytes(self) -> int:
        """Bytes of RTP payload."""

    @property
    def withheld(self) -> int:
        """Packets of these that were not forwarded, because they held silence."""

    @property
    def crowded_out(self) -> int:
        """Packets of these that were not forwarded, because others were the active speakers."""

    @property
    def lost(self) -> int:
        """Packets lost for good (RFC 3550 §6.4.1); negative when duplicates outnumber losses."""

    @property
    def jitter_ms(self) -> float: ...
    @property
    def nacks_sent(self) -> int: ...
    @property
    def level(self) -> int | None:
        """The last audio level in dBov, -127 … 0; `None` before the first."""

    @property
    def speaking(self) -> bool: ...
    @property
    def paused(self) -> bool: ...

@final
class ConsumerStats:
    """Counters of one consumer since its creation."""

    @property
    def packets(self) -> int: ...
    @property
    def bytes(self) -> int:
        """Bytes of RTP payload."""

    @property
    def retransmitted(self) -> int: ...
    @property
    def refused(self) -> int:
        """Packets that the receiver asked for again and did not get: too old, or over the limit."""

    @property
    def paused(self) -> bool: ...
    @property
    def loss(self) -> float:
        """Fraction lost, 0.0 … 1.0, of the receiver's last report."""

    @property
    def jitter_ms(self) -> float:
        """Jitter of the receiver's last report."""

    @property
    def rtt_ms(self) -> float | None: ...

@final
class CoreDump:
    """What one worker holds."""

    @property
    def announced(self) -> int:
        """User name fragments by which checks find transports, anyone's: one each, two after an ICE restart."""

    @property
    def transports(self) -> int:
        """Transports owned: a client's valid check came here first."""

    @property
    def producers(self) -> int: ...
    @property
    def consumers(self) -> int: ...
    @property
    def feeds(self) -> int:
        """Producers, anyone's, that have a consumer here."""

    @property
    def addresses(self) -> int:
        """Client addresses owned."""

    @property
    def foreign_addresses(self) -> int:
        """Client addresses that another worker owns."""

@final
class EngineDump:
    """What the engine holds right now: the base line that tests return to, and the source of gauges."""

    @property
    def routers(self) -> int: ...
    @property
    def transports(self) -> int: ...
    @property
    def producers(self) -> int: ...
    @property
    def consumers(self) -> int: ...
    @property
    def questions(self) -> int:
        """Requests for statistics that have no answer yet."""

    @property
    def threads(self) -> int:
        """Media threads alive."""

    @property
    def events(self) -> int:
        """Events waiting for `drain_events`."""

    @property
    def events_lost(self) -> int:
        """Events lost because nobody drained the queue for very long. News of one object replace each other before."""

    @property
    def commands(self) -> list[int]:
        """Commands waiting, by worker."""

    @property
    def messages(self) -> list[int]:
        """Packets and notes from other workers waiting, by worker."""

    @property
    def cores(self) -> list[CoreDump]:
        """Each worker's own account, a quarter of a second old at most."""

    @property
    def dropped(self) -> dict[str, int]:
        """Datagrams and messages dropped since the start, by reason, over all workers and all transports that were."""

@final
class Engine:
    """Sockets and threads. Usable from any thread; frozen, so that no call waits for another."""

    def __new__(
        cls,
        *,
        port: int = 0,
        workers: int = 0,
        pin_workers: bool = True,
        addresses: Sequence[str] = ("0.0.0.0", "::"),
        batch: bool = True,
        gather_us: int = 1_000,
        silence_dbov: int | None = -60,
        producer_packets: int = 200,
        producer_bits: int = 256_000,
        consent_ms: int = 30_000,
        handshake_ms: int = 30_000,
        max_transports: int = 20_000,
        seed: int | None = None,
    ) -> Self:
        """Bind the sockets and start the threads.

        Args:
            port: UDP port for all media, IPv4 and IPv6 alike; 0 takes any that is free for both.
            workers: media threads, 1 … 64; 0 is one a core.
            pin_workers: while packets go to hundreds each media thread stays on a core of its own, where there are
                exactly as many; Linux only.
            addresses: local addresses to bind, at most one a family. `::` takes IPv6 only; it is left out silently on a
                machine without IPv6 as long as another address remains.
            batch: `recvmmsg` and `sendmmsg`. Without it, or outside Linux, one call a datagram and one worker.
            gather_us: how long a worker that has much to do lets packets gather at most, 0 … 3000 µs, so that several
                to one listener leave as one message; 0 is never.
            silence_dbov: packets of somebody quieter than this are not forwarded, -127 … 0 dBov (RFC 6464); `None`:
                whatever comes is. Steady noise counts as silence up to -50 in any case.
            producer_packets: packets a second of one producer, 10 … 10,000; as many at once.
            producer_bits: bits of payload a second of one producer, 16,000 … 100,000,000; as many at once. What is
                beyond either is dropped, and a transport whose producer goes on for ten seconds closes with `flood`.
            consent_ms: a transport that hears no valid check for so long is closed (RFC 7675).
            handshake_ms: DTLS must be done so long after the first valid check.
            max_transports: bound on transports in all.
            seed: repeatable ICE credentials, first sequence numbers and the like; the certificate stays random. For
                tests alone.

        Raises:
            InvalidOption: an argument is out of its range.
            OSError: the port cannot be bound.
        """

    @property
    def port(self) -> int: ...
    @property
    def workers(self) -> int: ...
    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """The certificate's fingerprints, `("sha-256", "AA:BB:…")`, upper-case hex."""

    def fileno(self) -> int:
        """A descriptor that is readable while events wait. It belongs to the engine and ends with `close`."""

    def drain_events(
        self,
    ) -> list[TransportConnected | TransportClosed | ProducerSpeaking | Quality | StatsReply | WorkerFailed]:
        """Take all events that wait, in order, and make the descriptor quiet. Empty after `close`."""

    def create_router(self) -> int:
        """Make an empty router: one channel's media, in which everybody is heard."""

    def set_active_speakers(self, router: int, limit: int) -> None:
        """Let only the loudest so many be heard at a time, 0 … 64; 0 is all. Holds from the next packet on.

        Raises:
            UnknownId: no such router.
            InvalidOption: the limit is out of its range.
        """

    def close_router(self, router: int) -> None:
        """Close a router with all its transports. Raises `UnknownId`."""

    def create_transport(self, router: int) -> TransportInfo:
        """Make a transport and tell all workers its credentials. Raises `UnknownId`, `Overloaded`."""

    def connect_transport(self, transport: int, *, role: str, fingerprints: Sequence[tuple[str, str]]) -> None:
        """Tell what certificate the client must show.

        Args:
            transport: the transport's id.
            role: the client's DTLS role: `client`, `server` or `auto` (which is `client` towards an ICE-lite server).
            fingerprints: `(algorithm, value)`; any one of sha-256, sha-384 and sha-512 that matches will do.

        Raises:
            UnknownId: no such transport.
            InvalidOption: unknown role, or no usable fingerprint.
            Overloaded: the command queue is full.
        """

    def restart_ice(self, transport: int) -> tuple[str, str]:
        """Give a transport new credentials: (username fragment, password). The old ones hold until the new are used."""

    def close_transport(self, transport: int) -> None:
        """Close a transport with its producers and consumers. Raises `UnknownId`."""

    def produce(self, transport: int, options: ProducerOptions) -> int:
        """Let a client send one stream; gives the producer's id. Raises `UnknownId`, `Overloaded`."""

    def consume(self, transport: int, producer: int, options: ConsumerOptions) -> int:
        """Let a client receive one stream, paused at first; gives the consumer's id.

        Raises:
            UnknownId: no such transport or producer, or the producer belongs to another router.
            Overloaded: the command queue is full.
        """

    def pause_producer(self, producer: int) -> None:
        """Let nothing of this producer through. Raises `UnknownId`, `Overloaded`."""

    def resume_producer(self, producer: int) -> None:
        """Undo `pause_producer`."""

    def close_producer(self, producer: int) -> None:
        """Close a producer and every consumer of it. Raises `UnknownId`."""

    def pause_consumer(self, consumer: int) -> None:
        """Send this receiver nothing of that stream. Raises `UnknownId`, `Overloaded`."""

    def resume_consumer(self, consumer: int) -> None:
        """Undo `pause_consumer`, and start a new consumer."""

    def close_consumer(self, consumer: int) -> None:
        """Close a consumer; its receiver gets an RTCP BYE. Raises `UnknownId`, `Overloaded`."""

    def request_transport_stats(self, transport: int) -> int:
        """Ask for `TransportStats`; gives the request id that the `StatsReply` will carry.

        Raises:
            UnknownId: no such transport.
            Overloaded: the command queue is full.
        """

    def request_producer_stats(self, producer: int) -> int:
        """Ask for `ProducerStats`, as `request_transport_stats`."""

    def request_consumer_stats(self, consumer: int) -> int:
        """Ask for `ConsumerStats`, as `request_transport_stats`."""

    def dump(self) -> EngineDump:
        """Count what is there now. Works on a closed engine too."""

    def close(self) -> None:
        """Stop the threads, wait for them and release the port.

        Idempotent. Afterwards `dump` and `drain_events` still answer; everything else raises `EngineClosed`.
        """

@final
class Latency:
    """A distribution of times, in milliseconds; quantiles up to 1.6 % too high. All `None` when `count` is 0."""

    @property
    def count(self) -> int: ...
    @property
    def p50_ms(self) -> float | None: ...
    @property
    def p99_ms(self) -> float | None: ...
    @property
    def p999_ms(self) -> float | None: ...
    @property
    def max_ms(self) -> float | None: ...

@final
class LoadProgress:
    """How far a load client's crowd is."""

    @property
    def connected(self) -> int:
        """Transports that have ever been connected."""

    @property
    def failed(self) -> int:
        """Transports that ended by themselves."""

    @property
    def begun(self) -> int:
        """Streams of which a packet has come."""

    @property
    def speaking(self) -> int:
        """Speakers that have packets of the measurement to send."""

    @property
    def arrived(self) -> int:
        """RTP packets taken off the sockets; stands still when none is under way."""

@final
class LoadThread:
    """How one thread of a load client fared in the measurement: whether the client itself was the limit."""

    @property
    def wall_seconds(self) -> float:
        """How long the measurement has lasted."""

    @property
    def running_seconds(self) -> float:
        """Time that the thread ran; near `wall_seconds` it can do no more."""

    @property
    def waiting_seconds(self) -> float:
        """Time that it was ready and had no core, because others needed the machine."""

    @property
    def paused_seconds(self) -> float:
        """Time in which nobody spoke because it came more than a turn of 20 ms too late for that; not made up for."""

    @property
    def socket_drops(self) -> int:
        """Datagrams that its sockets lost because it did not take them in time."""

    @property
    def unsent(self) -> int:
        """Datagrams that the kernel had no room to send, or refused."""

@final
class LoadReport:
    """What a load client has counted: traffic since `measure`, or since the start when there was none."""

    @property
    def connect(self) -> Latency:
        """From `create_transport` to the connection: checks, handshake, fingerprint."""

    @property
    def first_packet(self) -> Latency:
        """From `hear` to a stream's first packet."""

    @property
    def delay(self) -> Latency:
        """One way, from sealing a packet to taking it off the receiver's socket; of the sample that was opened."""

    @property
    def slip(self) -> Latency:
        """How late packets were sent by the client's own schedule."""

    @property
    def sent(self) -> dict[int, int]:
        """Packets sent, by the speaker's transport."""

    @property
    def sent_by_ms(self) -> dict[int, int]:
        """The same packets of all, by the milliseconds of sound that each holds; no entry for none."""

    @property
    def asked(self) -> int:
        """Packets that all speakers are to send in all, if nothing holds them up and the packets' length stays."""

    @property
    def expected(self) -> int:
        """Packets that the sequence numbers of all streams tell of."""

    @property
    def received(self) -> int:
        """Those of them that came, each once."""

    @property
    def again(self) -> int:
        """Packets that came twice, or later than can be told."""

    @property
    def opened(self) -> int:
        """Packets that were authenticated and decrypted."""

    @property
    def unreadable(self) -> int:
        """Packets that should have been, and were not the server's."""

    @property
    def unexpected(self) -> int:
        """Packets of streams that nobody waited for."""

    @property
    def rtcp(self) -> int:
        """RTCP packets that came."""

    @property
    def failures(self) -> list[tuple[int, str]]:
        """Transports that ended by themselves since the start, and why: `no-answer`, `fingerprint-mismatch`, …."""

    @property
    def threads(self) -> list[LoadThread]: ...

@final
class LoadClient:
    """A crowd of clients: ICE, DTLS and SRTP towards an ICE-lite server, and voice.

    Its threads end with `close`, or when the object goes. Usable from any thread.
    """

    def __new__(cls, *, threads: int = 1, sample: int = 16, patience_ms: int = 15_000, seed: int | None = None) -> Self:
        """Start the threads.

        Args:
            threads: 1 … 16.
            sample: each so manieth packet of a stream is authenticated and decrypted, the first one always; 1 = all.
            patience_ms: time for a transport to connect, and how long it lives without an answer.
            seed: repeatable transaction ids, for tests alone.

        Raises:
            InvalidOption: an argument is out of its range.
            OSError: no socket could be opened.
        """

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """The certificate's fingerprints, for signalling: `("sha-256", "AA:BB:…")`."""

    def create_transport(
        self,
        *,
        username_fragment: str,
        password: str,
        addresses: Sequence[tuple[str, int]],
        fingerprints: Sequence[tuple[str, str]],
    ) -> int:
        """Make a transport, which connects at once, as DTLS client. Gives its id, counted from 0.

        Args:
            username_fragment: the server's, of this transport; likewise `password` (RFC 8445 §5.3).
            addresses: IP address and UDP port of its candidates, 1 … 16, the most preferred first. When all are IPv4
                loopback, the transport shares a socket and sends from an address of 127.0.0.0/8 of its own.
            fingerprints: one of these the server's certificate must match.

        Raises:
            InvalidOption: an argument is out of its range.
            Overloaded: too many transports.
        """

    def speak(
        self,
        transport: int,
        *,
        ssrc: int,
        payload_type: int,
        payload: int,
        vary: int = 0,
        ptime_ms: int = 20,
        level_extension: int | None = None,
        level: int = -30,
    ) -> None:
        """Send a packet each `ptime_ms` on a transport, as soon as it is connected.

        Args:
            transport: its id.
            ssrc: the stream's SSRC; likewise its `payload_type`.
            payload: bytes of 20 ms of sound, 12 … 1200; a packet of 40 or 60 ms has two or three times as many, and
                1200 at most too.
            vary: by how many bytes 20 ms may be longer or shorter; within the range of `payload`.
            ptime_ms: how much sound each packet holds: 20, 40 or 60 ms; 20 if it had more than 1,200 bytes.
            level_extension: id of the audio-level header extension (RFC 6464), 1 … 14; `None` = none.
            level: the level that it tells, -127 … 0 dBov.

        Raises:
            InvalidOption: an argument is out of its range.
            UnknownId: no such transport.
        """

    def set_ptime(self, transport: int, *, ms: int) -> None:
        """Let the packets of a transport that speaks hold so much sound from soon on: 20, 40 or 60 ms.

        Speakers change one after the other, some packets later at most, so that they stay spread evenly over the
        packet time; between `silence` and `measure` at once. Whoever's packets would be longer than 1200 bytes goes on
        as before. Raises `InvalidOption`, `UnknownId`.
        """

    def hear(self, transport: int, *, ssrcs: Sequence[int]) -> None:
        """Wait for streams on a transport; their first packets are timed from now. Raises `UnknownId`."""

    def unhear(self, transport: int, *, ssrc: int) -> None:
        """Forget a stream with all that it counted. Raises `UnknownId`."""

    def close_transport(self, transport: int) -> None:
        """Say goodbye on a transport. Raises `UnknownId`."""

    def silence(self) -> None:
        """Let nobody speak."""

    def measure(self, *, sound_ms: int) -> None:
        """Let every connected speaker send so much sound, in whole packets, and count traffic from here on."""

    def progress(self) -> LoadProgress:
        """How far the crowd is; cheap."""

    def report(self) -> LoadReport:
        """What has been counted. Raises `EngineClosed` when a thread is gone."""

    def close(self) -> None:
        """End the threads and wait for them. Idempotent; afterwards other methods raise `EngineClosed`."""
