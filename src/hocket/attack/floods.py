"""Floods of the media port by somebody who is no member: T1, T4, T5, T9, T10. They run in a thread of their own.

What comes back is counted: for a datagram from somebody who has proved nothing, that must not be more than was sent.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable
from random import Random

from hocket.attack import datagrams
from hocket.attack.effort import Budget, Effort, Pace
from hocket.attack.report import harm_to_others
from hocket.attack.target import Target

_OPEN_SOCKETS = 128
"""How many of the newest sockets stay open for an answer."""

_ANSWER_SECONDS = 0.3
_TURN_SECONDS = 0.005
_CHECK_SECONDS = 3.0

Make = Callable[[Random, int], bytes]
"""A datagram, by chance and its number."""


async def client_hellos(target: Target, budget: Budget) -> Effort:
    """ClientHellos, each from a fresh port."""
    return await _strangers(target, budget, lambda chance, _: datagrams.client_hello(chance), each=1)


async def stun_forged(target: Target, budget: Budget) -> Effort:
    """Checks for a transport that exists, without a signature, with a wrong one, and for one that does not exist."""
    async with target.prepared(0) as (_, remote):
        right = f"{remote.username_fragment}:them"

        def make(chance: Random, number: int) -> bytes:
            username = right if number % 4 < 2 else f"{chance.randbytes(4).hex()}:them"
            password = None if number % 2 else chance.randbytes(12).hex()
            return datagrams.stun_request(chance, username, password)

        effort = await _strangers(target, budget, make, each=4)
    if effort.answers:
        effort.broken.append(f"It answered {effort.answers} checks that were not rightly signed.")
    return effort


async def stun_huge(target: Target, budget: Budget) -> Effort:
    """Checks with usernames of up to 1,300 bytes, most of them more than the 513 that there may be."""

    def make(chance: Random, number: int) -> bytes:
        return datagrams.stun_request(chance, "u" * (1 + 13 * (number % 100)) + ":v", "p" * 24)

    return await _strangers(target, budget, make, each=8)


async def spray(target: Target, budget: Budget) -> Effort:
    """RTP, RTCP and garbage with the two people's SSRCs, from elsewhere: nothing of it may be forwarded."""

    def make(chance: Random, number: int) -> bytes:
        ssrc = 1 + number % 2
        kinds = (datagrams.rtp, datagrams.rtcp)
        return datagrams.garbage(chance) if number % 3 == 2 else kinds[number % 3](chance, ssrc)

    return await _strangers(target, budget, make, each=16)


async def stun_sources(target: Target, budget: Budget) -> Effort:
    """Rightly signed checks for one transport from ever new ports: the addresses kept for it are bounded."""
    async with target.prepared(0) as (_, remote):

        def make(chance: Random, _: int) -> bytes:
            return datagrams.stun_request(chance, f"{remote.username_fragment}:us", remote.password)

        # Whoever signs has the password from the server: answers to that are no amplification.
        return await _in_a_thread(budget, lambda pace: _flood(target, pace, make, 1))


async def garbage_with_a_seat(target: Target, budget: Budget) -> Effort:
    """Garbage of every class from an address that has passed a check, without keys."""
    async with target.prepared(0) as (_, remote):
        check = datagrams.stun_request(Random(0), f"{remote.username_fragment}:us", remote.password)
        return await _in_a_thread(budget, lambda pace: _from_one_port(target, pace, check))


async def _strangers(target: Target, budget: Budget, make: Make, each: int) -> Effort:
    effort = await _in_a_thread(budget, lambda pace: _flood(target, pace, make, each))
    effort.broken += harm_to_others(effort.bytes_out, effort.bytes_back)
    return effort


async def _in_a_thread(budget: Budget, flood: Callable[[Pace], Effort]) -> Effort:
    """A flood beside the event loop; cancelled, it ends at once."""
    pace = Pace(budget)
    try:
        return await asyncio.to_thread(flood, pace)
    finally:
        pace.stop()


def _flood(target: Target, pace: Pace, make: Make, each: int) -> Effort:
    """Sends until the budget is spent; `each` datagrams from a port, then from the next."""
    effort, chance = Effort(), Random(1)
    sockets: deque[socket.socket] = deque()
    try:
        while (due := pace.due()) is not None:
            for _ in range(due):
                if effort.inputs % each == 0:
                    _next_socket(sockets, target, effort)
                _send(sockets[-1], make(chance, effort.inputs), effort)
            time.sleep(_TURN_SECONDS)
        time.sleep(_ANSWER_SECONDS)
    finally:
        while sockets:
            _close(sockets.popleft(), effort)
    return effort


def _from_one_port(target: Target, pace: Pace, check: bytes) -> Effort:
    effort, chance = Effort(), Random(1)
    with target.datagram_socket() as ours:
        ours.settimeout(_CHECK_SECONDS)
        try:
            ours.send(check)
            ours.recv(2_048)
        except OSError:
            effort.notes.append("The check was not answered, so this was garbage of a stranger.")
        ours.setblocking(False)
        while (due := pace.due()) is not None:
            for _ in range(due):
                _send(ours, _any(chance, effort.inputs), effort)
            _read(ours, effort)
            time.sleep(_TURN_SECONDS)
        time.sleep(_ANSWER_SECONDS)
        _read(ours, effort)
    return effort


def _any(chance: Random, number: int) -> bytes:
    """SRTP, SRTCP, DTLS records of every type and epoch, and anything."""
    kind = number % 4
    if kind == 0:
        return datagrams.rtp(chance, 1 + number % 2)
    if kind == 1:
        return datagrams.rtcp(chance, 1 + number % 2)
    if kind == 2:
        body = chance.randbytes(chance.randrange(1, 80))
        return datagrams.dtls_record(chance.randrange(20, 26), chance.randrange(3), chance.randrange(2**48), body)
    return datagrams.garbage(chance)


def _next_socket(sockets: deque[socket.socket], target: Target, effort: Effort) -> None:
    sockets.append(target.datagram_socket(effort.inputs))
    if len(sockets) > _OPEN_SOCKETS:
        _close(sockets.popleft(), effort)


def _send(ours: socket.socket, data: bytes, effort: Effort) -> None:
    """Counts it as sent also when the kernel has no room: the server may have got it."""
    effort.inputs += 1
    effort.bytes_out += len(data)
    try:
        ours.send(data)
    except OSError:  # a full buffer, or the ICMP error to an earlier one: nobody listens there
        return


def _read(ours: socket.socket, effort: Effort) -> None:
    while True:
        try:
            data = ours.recv(2_048)
        except BlockingIOError:
            return
        except OSError:
            continue
        effort.answers += 1
        effort.bytes_back += len(data)


def _close(ours: socket.socket, effort: Effort) -> None:
    _read(ours, effort)
    ours.close()
