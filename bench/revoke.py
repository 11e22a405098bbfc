"""How long somebody is still forwarded after the call that silences it: `python -m bench.revoke`; needs root.

One person talks to a listener, both of them pymediasoup in this process, and so is the server, for its Python calls are
what is measured. Again and again the one who talks is silenced, in each of the ways there are, and let speak again. A
packet socket on the loopback sees what leaves for the listener and when, by the kernel's clock, so that what waits in
this busy process for its turn does not count. Told is how long after the call began the last packet left, 0 where none
did any more; and how long after it returned, of which the rule is that it is never more than 40 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import socket
import statistics
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from hocket.policy import ChannelId, Permissions
from hocket.server import VoiceServer
from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.tone import TONES
from tests.e2e.waiting import more_packets, until_true
from tests.server.running import running

CHANNEL = ChannelId(1, 2)
LISTENER, SPEAKER = 9, 1
WATCHED = 0.3
"""Seconds of looking after each call; 15 packets would leave."""

_SO_TIMESTAMPNS = 35
_IPV4 = 0x0800
_UDP = 17

Switch = Callable[[VoiceServer], Awaitable[object]]

WAYS: dict[str, tuple[Switch, Switch]] = {
    "speak taken": (
        lambda voice: voice.set_permissions(SPEAKER, CHANNEL, Permissions(speak=False)),
        lambda voice: voice.set_permissions(SPEAKER, CHANNEL, None),
    ),
    "listen taken": (
        lambda voice: voice.set_permissions(LISTENER, CHANNEL, Permissions(listen=False)),
        lambda voice: voice.set_permissions(LISTENER, CHANNEL, None),
    ),
    "muted": (lambda voice: voice.mute(SPEAKER), lambda voice: voice.mute(SPEAKER, muted=False)),
    "kicked": (lambda voice: voice.kick(SPEAKER), lambda voice: voice.allow(SPEAKER)),
}


class Tap:
    """When RTP of which SSRC passes the loopback, seconds of the wall clock. A thread of its own empties the socket."""

    def __init__(self) -> None:
        """Opens it.

        Raises:
            PermissionError: only root may look.
        """
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_IPV4))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 2**20)
        self._socket.bind(("lo", _IPV4))
        self._socket.settimeout(0.1)
        self._seen: deque[tuple[int, float]] = deque(maxlen=10_000)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def since(self, ssrc: int, when: float) -> list[float]:
        """When packets of that SSRC passed after that time."""
        return [at for seen, at in tuple(self._seen) if seen == ssrc and at > when]

    def _look(self) -> None:
        while not self._over.is_set():
            try:
                packet, notes, _, _ = self._socket.recvmsg(2_048, 64)
            except TimeoutError:
                continue
            rtp = packet[4 * (packet[0] & 0x0F) + 8 :]
            if packet[9] == _UDP and len(rtp) >= 12 and rtp[0] >> 6 == 2 and not 64 <= rtp[1] & 0x7F < 96:
                seconds, nanoseconds = struct.unpack("qq", notes[0][2])
                self._seen.append((int.from_bytes(rtp[8:12]), seconds + nanoseconds / 1e9))


@dataclass
class Figures:
    """Of each call, in ms: what it took; from its begin to the last packet that left after it; from its return."""

    call: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)

    def add(self, began: float, returned: float, left: list[float]) -> None:
        """One revocation, and when packets left since it began."""
        last = max(left, default=began)
        self.call.append((returned - began) * 1_000)
        self.silence.append((last - began) * 1_000)
        self.after.append(max(0.0, last - returned) * 1_000)

    def row(self, name: str) -> str:
        """One line of the table."""
        heard = sum(1 for silence in self.silence if silence)
        return (
            f"{name:<14}{len(self.call):>12}{_p99(self.call):>14.2f}{statistics.median(self.silence):>9.2f}"
            f"{_p99(self.silence):>9.2f}{max(self.silence):>9.2f}{heard:>15}{max(self.after):>20.2f}"
        )


HEAD = (
    f"{'':<14}{'revocations':>12}{'call p99 ms':>14}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"
    f"{'with a packet':>15}{'after return, max':>20}"
)


async def silenced(voice: VoiceServer, tap: Tap, listener: PymediasoupClient, take: Switch, figures: Figures) -> None:
    """Takes it, and looks at what leaves afterwards."""
    await more_packets(listener, SPEAKER, 3)
    (encoding,) = listener.ears[SPEAKER].consumer.rtpParameters.encodings
    flowed = _now()
    await until_true(lambda: len(tap.since(encoding.ssrc, flowed)) >= 3)
    began = _now()
    await take(voice)
    returned = _now()
    await asyncio.sleep(WATCHED)
    figures.add(began, returned, tap.since(encoding.ssrc, began))


async def main(revocations: int) -> None:
    """Measures, and prints the table."""
    print(f"{platform.machine()}, Python {platform.python_version()}, server and clients in one process, loopback\n")
    figures = {name: Figures() for name in WAYS}
    with Tap() as tap:
        async with running() as (voice, base):
            url = base.replace("http", "ws", 1)
            listener = await PymediasoupClient(LISTENER).join(url, CHANNEL.channel, guild=CHANNEL.guild)
            speaker = await PymediasoupClient(SPEAKER, TONES["alice"]).join(url, CHANNEL.channel, guild=CHANNEL.guild)
            for _ in range(revocations):
                for name, (take, give) in WAYS.items():
                    await silenced(voice, tap, listener, take, figures[name])
                    await give(voice)
                    if name == "kicked":
                        await speaker.leave()
                        speaker = PymediasoupClient(SPEAKER, TONES["alice"])
                        await speaker.join(url, CHANNEL.channel, guild=CHANNEL.guild)
            await more_packets(listener, SPEAKER, 1)  # it is not in the middle of hearing of who came back
            await listener.leave()
            await speaker.leave()
    print(HEAD)
    for name, each in figures.items():
        print(each.row(name))
    print(together(list(figures.values())).row("all"))


def together(figures: list[Figures]) -> Figures:
    """All of them as one."""
    whole = Figures()
    for each in figures:
        whole.call += each.call
        whole.silence += each.silence
        whole.after += each.after
    return whole


def _now() -> float:
    """The clock of the kernel's stamps."""
    return time.clock_gettime(time.CLOCK_REALTIME)


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--revocations", type=int, default=50, help="in each of the four ways (50)")
    asyncio.run(main(parser.parse_args().revocations))
