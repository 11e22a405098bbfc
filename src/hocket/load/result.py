"""What a run found out: figures, and what follows from them by arithmetic. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from hocket.load.crowd import Latency, LoadReport, LoadThread
from hocket.load.process import Usage

BUSY = 0.8
"""Share of a core from which a thread of the client counts as the limit."""

LATE_MS = 10.0
"""How late the client may send a hundredth of its packets: half of what lies between two of 20 ms, and the same for
longer ones."""

WAITING = 0.25
"""Share of the time that the client may have waited for a core: above, delays are those of the machine."""

PAUSED = 0.01
"""Share of the time in which the client may have sent nothing because it got no core."""


class Times(Struct, frozen=True, kw_only=True):
    """A distribution in milliseconds; all None but `count` when nothing was counted."""

    count: int
    p50: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class Packets(Struct, frozen=True, kw_only=True):
    """What was sent, and what arrived of it.

    Attributes:
        sent: by the speakers.
        offered: what all listeners would get if the server forwarded everything: each packet, once for each other
            person in its channel.
        expected: what the sequence numbers of all streams tell of.
        received: those of them that came, each once.
        lost: expected and not received.
        withheld: offered and not expected: what the server did not forward, or what was lost at the end of a stream.
        again: came twice, or later than can be told.
        opened: authenticated and decrypted, as a sample.
        unreadable: of the sample, not the server's.
    """

    sent: int
    offered: int
    expected: int
    received: int
    lost: int
    withheld: int
    again: int
    opened: int
    unreadable: int


class ServerCost(Struct, frozen=True, kw_only=True):
    """What the server's process used while it was measured.

    Attributes:
        thread_seconds: CPU seconds of each of its threads, the busiest first, without those that used none: how the
            work spreads over the cores.
        join_ms: CPU milliseconds a join, from before the first one until all transports were connected; what was
            forwarded meanwhile is in it. None when nobody got that far.
        packets_per_cpu_second: packets that listeners received, a CPU second; None when it used none to speak of.
        ns_per_packet: CPU nanoseconds a received packet, all work of the server included.
        memory_before: resident bytes before the first join; None when it was not looked at then.
        memory: resident bytes at the end of the measurement.
        memory_per_participant: bytes by which each participant made it grow.
    """

    pid: int
    user_seconds: float
    system_seconds: float
    thread_seconds: list[float]
    join_ms: float | None
    packets_per_cpu_second: float | None
    ns_per_packet: float | None
    memory: int
    memory_before: int
    memory_per_participant: int


class ClientState(Struct, frozen=True, kw_only=True):
    """How the load client fared itself.

    Attributes:
        signalling: share of a core that its WebSockets used while people joined.
        join_ms: CPU milliseconds a join that its own side of it took, over the same time as the server's. A slow hour
            of the machine makes both dearer, so that their ratio sways less than either. None when nobody got that far.
        busy: share of a core that its busiest thread used.
        waiting: share of the time that a thread was ready and had no core.
        paused: share of the time in which it sent nothing because it came too late for that.
        slip_p99: how late, in ms, it sent by its own schedule.
        socket_drops: datagrams that it did not take in time: they count as lost, and are not the server's fault.
        limited_by: sentences that say why the client, and not the server, was the limit; empty when it was not.
    """

    signalling: float
    join_ms: float | None
    busy: float
    waiting: float
    paused: float
    slip_p99: float | None
    socket_drops: int
    unsent: int
    limited_by: list[str]


class Result(Struct, frozen=True, kw_only=True):
    """A run.

    Attributes:
        speakers: people of each channel who send.
        talking: those of them who talk; the others send the noise of a quiet room.
        listeners: people of each channel who have no microphone. Who neither speaks nor only listens is muted.
        payload: bytes of Opus in 20 ms, up to `vary` more or less.
        ptime_ms: packets that were sent, by the milliseconds of sound in each: one entry, or more when the server
            wished for another length in the middle, or of some alone.
        measured: False when it ended before everybody was connected; packets and delays are then of the joins.
        failures: who could not join or was cut off, by reason.
        joins_per_second: over all joins, so many at once as was asked for.
        join_ms: from opening the WebSocket to JoinedChannel.
        connect_ms: from knowing a transport to its connection.
        first_packet_ms: from ResumeConsumer to a stream's first packet, up to a packet time of waiting for its turn
            included.
        delay_ms: one way, client to client, of the sample.
    """

    url: str
    channels: int
    participants: int
    speakers: int
    talking: int
    listeners: int
    seconds: float
    payload: int
    vary: int
    ptime_ms: dict[int, int]
    measured: bool
    joined: int
    failures: dict[str, int]
    joins_per_second: float | None
    join_ms: Times
    connect_ms: Times
    first_packet_ms: Times
    delay_ms: Times
    packets: Packets
    client: ClientState
    server: ServerCost | None = None


def offered(sent: Sequence[tuple[int, int]], listeners: Mapping[int, int]) -> int:
    """Packets that would arrive if everything were forwarded.

    Args:
        sent: for each speaker the channel's number and the packets that it sent.
        listeners: for each channel how many are in it, the speaker included.
    """
    return sum(packets * (listeners[place] - 1) for place, packets in sent)


def packets(report: LoadReport, offered: int) -> Packets:
    """The account of all packets."""
    return Packets(
        sent=sum(report.sent.values()),
        offered=offered,
        expected=report.expected,
        received=report.received,
        lost=report.expected - report.received,
        withheld=offered - report.expected,
        again=report.again,
        opened=report.opened,
        unreadable=report.unreadable,
    )


def server_cost(
    pid: int, *, idle: Usage, connected: Usage | None, before: Usage, after: Usage, received: int, participants: int
) -> ServerCost:
    """What forwarding cost the server.

    Args:
        pid: its process.
        idle: before the first join.
        connected: after the last join, when its transports were up.
        before: when the measurement began.
        after: when it ended.
        received: packets that listeners received meanwhile.
        participants: who was there.
    """
    user, system = after.user - before.user, after.system - before.system
    cpu = after.cpu - before.cpu
    threads = [round(seconds - before.threads.get(thread, 0.0), 2) for thread, seconds in after.threads.items()]
    joining = None if connected is None else connected.cpu - idle.cpu
    return ServerCost(
        pid=pid,
        join_ms=ms_a_join(joining, participants),
        user_seconds=round(user, 2),
        system_seconds=round(system, 2),
        thread_seconds=sorted((seconds for seconds in threads if seconds > 0), reverse=True),
        packets_per_cpu_second=received / cpu if cpu > 0 and received else None,
        ns_per_packet=cpu * 1e9 / received if received else None,
        memory=after.memory,
        memory_before=idle.memory,
        memory_per_participant=(after.memory - idle.memory) // max(1, participants),
    )


def ms_a_join(cpu_seconds: float | None, participants: int) -> float | None:
    """CPU milliseconds a join, of the seconds that all of them took; None when nobody got that far."""
    return cpu_seconds and cpu_seconds * 1_000 / max(1, participants)


def client_state(report: LoadReport, signalling: float, join_ms: float | None) -> ClientState:
    """How the client fared, and whether it was the limit.

    Args:
        report: what its media threads counted.
        signalling: share of a core that its WebSockets used while people joined.
        join_ms: CPU milliseconds that it used for each of them.
    """
    busy, waiting = _share(report.threads, "running_seconds"), _share(report.threads, "waiting_seconds")
    drops, unsent = (sum(getattr(one, name) for one in report.threads) for name in ("socket_drops", "unsent"))
    paused = _share(report.threads, "paused_seconds")
    slip = report.slip.p99_ms
    reasons = []
    if signalling > BUSY:
        reasons.append(f"its WebSockets used {signalling:.0%} of a core: join and first-packet times are its own")
    if busy > BUSY:
        reasons.append(f"a thread of the client used {busy:.0%} of a core: give it --threads or a lighter load")
    if slip is not None and slip > LATE_MS:
        reasons.append(f"one packet in a hundred was sent {slip:.1f} ms late or more: the machine has too few cores")
    if waiting > WAITING:
        reasons.append(f"a thread of the client waited {waiting:.0%} of the time for a core: delays are the machine's")
    if paused > PAUSED:
        reasons.append(f"for {paused:.0%} of the time it sent nothing for want of a core: the load was so much less")
    if drops:
        reasons.append(
            f"the client's sockets lost {drops} datagrams, which count as lost here: give it --threads, or raise "
            "net.core.rmem_max"
        )
    if unsent:
        reasons.append(f"the kernel refused {unsent} datagrams of the client")
    return ClientState(
        signalling=signalling,
        join_ms=join_ms,
        busy=busy,
        waiting=waiting,
        paused=paused,
        slip_p99=slip,
        socket_drops=drops,
        unsent=unsent,
        limited_by=reasons,
    )


def times(latency: Latency) -> Times:
    """A native distribution."""
    return Times(count=latency.count, p50=latency.p50_ms, p99=latency.p99_ms, p999=latency.p999_ms, max=latency.max_ms)


def times_of(values: Sequence[float]) -> Times:
    """A distribution of few values: each quantile is one of them."""
    if not values:
        return Times(count=0)
    ordered = sorted(values)

    def quantile(share: float) -> float:
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

    return Times(count=len(ordered), p50=quantile(0.5), p99=quantile(0.99), p999=quantile(0.999), max=ordered[-1])


def to_json(result: Result) -> str:
    """The result as indented JSON; the members are those of the classes here."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2).decode()


def _share(threads: Sequence[LoadThread], name: str) -> float:
    return max((getattr(one, name) / one.wall_seconds for one in threads if one.wall_seconds > 0), default=0.0)
