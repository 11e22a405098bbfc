"""Attacks on the WebSocket and the TCP connection below it (T13), by somebody who may open a stream."""

from __future__ import annotations

import asyncio
import contextlib
import time

from hocket.attack import wire
from hocket.attack.effort import Budget, Effort
from hocket.attack.options import is_here
from hocket.attack.raw import BINARY, CONTINUATION, PING, TEXT, Raw, RawRefused, frame, request_head
from hocket.attack.target import Target

_END_SECONDS = 10.0
"""How long a server may take to end what is wrong."""

_TURN_SECONDS = 0.1
_DRAIN_SECONDS = 2.0
"""Without taking anything for so long, a server has stopped to read."""

_PING_BYTES = 32 * 2**20
_UNREAD_BYTES = 24 * 2**20
"""What a ping flood sends at most; and what both kernels may keep of it and of the answers, by Linux's defaults
(`tcp_wmem`, `tcp_rmem`: 20 MiB in four buffers). A server that takes more keeps the answers in memory itself."""

_PINGS = 500
"""How many go at once; elsewhere than on this machine so many turns of 0.1 s at most, 5 Mbit/s, so that it is not the
line that harms people."""

_PING = frame(PING, b"x" * 125)


_WRONG: dict[str, bytes] = {
    "a frame of 1 MiB": frame(BINARY, b"\0" * 2**20),
    "the head of a frame of 2^62 bytes": bytes([0x80 | BINARY, 0xFF]) + (2**62).to_bytes(8) + b"\0" * 4,
    "a text frame": frame(TEXT, b"hello"),
    "a compressed frame": frame(BINARY, b"\x62\x60\x60\x60" * 10, reserved=0x40),
    "a frame of a kind that there is not": frame(0x3, b"x"),
    "a frame without a mask": bytes([0x80 | BINARY, 1, 0]),
    "a ping of 1,000 bytes": frame(PING, b"\0" * 1_000),
    "fragments without end": frame(BINARY, final=False) + frame(CONTINUATION, final=False) * 5_000,
}
"""Each must end its stream, and nothing else."""


async def wrong_frames(target: Target, budget: Budget) -> Effort:
    """Frames that are no hRPC, or no WebSocket: each must end its own stream."""
    effort, refused = Effort(), 0
    until = time.monotonic() + budget.seconds
    while time.monotonic() < until:
        rounds = await asyncio.gather(*(_one_wrong(target, number, name) for number, name in enumerate(_WRONG)))
        effort.inputs += len(rounds)
        refused += rounds.count(None)
        effort.broken += [sentence for sentence in rounds if sentence and sentence not in effort.broken]
        await asyncio.sleep(_TURN_SECONDS)
    _tell_refused(effort, refused)
    return effort


async def _one_wrong(target: Target, number: int, name: str) -> str | None:
    """An empty string when the server ended the stream, a sentence when it did not, None when it let nobody in."""
    try:
        async with await Raw.upgrade(target, target.token(number)) as raw:
            raw.write(_WRONG[name])
            return "" if await raw.ended(_END_SECONDS) else f"It goes on with a stream after {name}."
    except RawRefused:
        return None


async def stalls(target: Target, budget: Budget) -> Effort:
    """Connections that stop at each step: silent, in the middle of the request, before and between the handshake's."""
    effort = Effort()
    async with contextlib.AsyncExitStack() as stack:
        held, refused = [], 0
        for number in range(budget.connections):
            try:
                held.append(await stack.enter_async_context(await _stalled(target, number)))
            except RawRefused:
                refused += 1
        effort.inputs = len(held)
        ended = await asyncio.gather(*(raw.ended(budget.seconds) for raw in held))
        effort.notes.append(f"The server ended {sum(ended)} of {len(held)} within {budget.seconds:g} s.")
        _tell_refused(effort, refused)
    return effort


async def _stalled(target: Target, number: int) -> Raw:
    step, token = number % 4, target.token(number)
    if step < 2:
        raw = await Raw.connect(target)
        if step:
            raw.write(request_head(target, token)[:-20])
        return raw
    raw = await Raw.upgrade(target, token)
    if step == 3:
        raw.write(frame(BINARY, wire.initialize(target)))
    return raw


async def pings(target: Target, budget: Budget) -> Effort:
    """A flood of pings by a client that does not read the answers."""
    taken = await _ping(target, budget)
    note = f"The server took {taken / 2**20:.1f} MiB of {_PING_BYTES / 2**20:.0f}."
    broken = [f"It goes on reading from a client that does not: {note}"] if taken > _UNREAD_BYTES else []
    return Effort(inputs=taken // len(_PING), notes=[note], broken=broken)


async def _ping(target: Target, budget: Budget) -> int:
    """How many bytes the server took."""
    until, sent = time.monotonic() + budget.seconds, 0
    turn = 0.0 if is_here(target.url) else _TURN_SECONDS
    try:
        async with await Raw.upgrade(target, target.token(0)) as raw:
            raw.do_not_read()
            while time.monotonic() < until and sent < _PING_BYTES:
                raw.write(_PING * _PINGS)
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await raw.writer.drain()
                sent += _PINGS * len(_PING)
                await asyncio.sleep(turn)
    except (RawRefused, OSError, TimeoutError):
        return sent
    return sent


async def half_closed(target: Target, budget: Budget) -> Effort:
    """Clients that close their own direction at each step: the server must close the other."""
    effort, refused = Effort(), 0
    until = time.monotonic() + budget.seconds
    while time.monotonic() < until:
        ends = await asyncio.gather(*(_half_close(target, number) for number in range(min(8, budget.connections))))
        effort.inputs += len(ends)
        refused += ends.count(None)
        if False in ends and not effort.broken:
            effort.broken.append(
                f"It keeps a connection that the client has half closed for over {_END_SECONDS:.0f} s."
            )
        await asyncio.sleep(_TURN_SECONDS)
    _tell_refused(effort, refused)
    return effort


async def _half_close(target: Target, number: int) -> bool | None:
    """Whether the server closed too; None when it let nobody in, or TLS knows no half."""
    try:
        async with await _stalled(target, number) as raw:
            if not raw.writer.can_write_eof():
                return None
            raw.writer.write_eof()
            return await raw.ended(_END_SECONDS + 5)
    except (RawRefused, OSError):
        return None


def _tell_refused(effort: Effort, refused: int) -> None:
    if refused:
        effort.notes.append(f"The server let {refused} of {effort.inputs} not in.")
