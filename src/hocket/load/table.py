"""A run's result as a table for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hocket.load.result import ClientState, Packets, Result, ServerCost, Times

_BOLD, _RED, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[0m"
_MEBIBYTE = 1024 * 1024


def lines(result: Result, *, colours: bool = False) -> list[str]:
    """The table's lines, without line ends. `colours`: for a terminal."""
    bold, red = (_BOLD, _RED) if colours else ("", "")
    plain = _PLAIN if colours else ""
    told = [f"{bold}{_who(result)}, {_bytes(result)}, {result.seconds:g} s, {result.url}{plain}", ""]
    rate = "" if result.joins_per_second is None else f", {result.joins_per_second:,.0f} a second"
    told += [f"Joined    {result.joined} of {result.channels * result.participants}{rate}"]
    told += [f"          {red}{count} times {reason}{plain}" for reason, count in sorted(result.failures.items())]
    if not result.measured:
        told += [f"{red}Ended before the measurement: the packets below are those of the joins.{plain}"]
    told += ["", *_times(result), "", *_packets(result.packets, result.ptime_ms)]
    if result.server is not None:
        told += ["", *_server(result.server, result.client.join_ms)]
    return [*told, "", *_client(result.client, red, plain)]


def _who(result: Result) -> str:
    parts = [f"{result.channels} x {result.participants} people", f"{result.speakers} speaking"]
    if result.talking != result.speakers:
        parts[1] += f" ({result.talking} talking)"
    muted = result.participants - result.speakers - result.listeners
    parts += [f"{muted} muted"] if muted else []
    parts += [f"{result.listeners} listening only"] if result.listeners else []
    return ", ".join(parts)


def _bytes(result: Result) -> str:
    vary = f" ± {result.vary}" if result.vary else ""
    return f"{result.payload}{vary} bytes each 20 ms"


def _times(result: Result) -> list[str]:
    rows = [
        ("join", result.join_ms),
        ("connect", result.connect_ms),
        ("first packet", result.first_packet_ms),
        ("one-way delay", result.delay_ms),
    ]
    return [f"{'ms':<14}{'p50':>9}{'p99':>9}{'p99.9':>9}{'max':>9}{'count':>10}", *(_row(*row) for row in rows)]


def _row(name: str, times: Times) -> str:
    values = (times.p50, times.p99, times.p999, times.max)
    return f"{name:<14}" + "".join(f"{_figure(value):>9}" for value in values) + f"{times.count:>10}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _packets(packets: Packets, ptime_ms: Mapping[int, int]) -> list[str]:
    share = f" ({packets.lost / packets.expected:.3%})" if packets.expected and packets.lost else ""
    told = [
        f"Packets   {packets.sent} sent, {packets.offered} offered to listeners",
        f"          {packets.expected} expected, {packets.received} received, {packets.lost} lost{share}",
    ]
    if ptime_ms:
        told.insert(1, f"          {_lengths(ptime_ms)}")
    if packets.withheld:
        told.append(f"          {packets.withheld} not forwarded, or lost at the end of a stream")
    if packets.again:
        told.append(f"          {packets.again} twice or too late")
    if packets.unreadable:
        told.append(f"          {packets.unreadable} of {packets.unreadable + packets.opened} could not be opened")
    return told


def _lengths(ptime_ms: Mapping[int, int]) -> str:
    """How much sound each packet held."""
    if len(ptime_ms) == 1:
        return f"{next(iter(ptime_ms))} ms of sound in each"
    return ", ".join(f"{count} of {ms} ms" for ms, count in sorted(ptime_ms.items()))


def _server(cost: ServerCost, client_join_ms: float | None) -> list[str]:
    total = cost.user_seconds + cost.system_seconds
    told = [f"Server    {total:.2f} CPU s: {cost.user_seconds:.2f} user, {cost.system_seconds:.2f} system"]
    if len(cost.thread_seconds) > 1:
        told.append("          " + " + ".join(f"{seconds:.2f}" for seconds in cost.thread_seconds[:8]) + " by thread")
    if cost.ns_per_packet is not None and cost.packets_per_cpu_second is not None:
        told.append(
            f"          {cost.ns_per_packet:,.0f} ns a forwarded packet, "
            f"{cost.packets_per_cpu_second:,.0f} packets a CPU second"
        )
    if cost.join_ms is not None and client_join_ms is not None:
        told.append(
            f"          {cost.join_ms:.2f} ms a join, before that; the client's side of it took {client_join_ms:.2f}"
        )
    each = cost.memory_per_participant / 1024
    return [*told, f"          {cost.memory / _MEBIBYTE:.1f} MiB resident, {each:,.0f} KiB a participant"]


def _client(client: ClientState, red: str, plain: str) -> list[str]:
    told = [
        f"Client    {client.busy:.0%} of a core, p99 {_figure(client.slip_p99)} ms behind its schedule, "
        f"{client.waiting:.0%} of the time without a core"
    ]
    return told + [f"          {red}The client was the limit: {reason}.{plain}" for reason in client.limited_by]
