"""How long somebody is still heard after the call that silences it: `python -m bench.revoke`.

Three people talk to a listener, all of them pymediasoup in this process, and so is the server, for its Python calls are
what is measured. Again and again one of the three is silenced, each time in another of the ways there are, and is let
speak again. Counted is what of that person still comes to the listener after the call has returned: the packets, and
how long after it the last of them came. What lies in the listener's socket, or waits for this one process, counts too.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hocket.policy import ChannelId, Permissions
from hocket.server import VoiceServer
from tests.e2e.pymediasoup_client import Arrivals, PymediasoupClient
from tests.e2e.tone import TONES
from tests.e2e.waiting import more_packets
from tests.server.running import running

CHANNEL = ChannelId(1, 2)
LISTENER, SPEAKERS = 9, (1, 2, 3)
WATCHED = 0.3
"""Seconds of looking after each call; 15 packets would come."""

Switch = Callable[[VoiceServer, int], Awaitable[object]]

WAYS: dict[str, tuple[Switch, Switch]] = {
    "speak taken": (
        lambda voice, user: voice.set_permissions(user, CHANNEL, Permissions(speak=False)),
        lambda voice, user: voice.set_permissions(user, CHANNEL, None),
    ),
    "listen taken": (
        lambda voice, user: voice.set_permissions(LISTENER, CHANNEL, Permissions(listen=False)),
        lambda voice, user: voice.set_permissions(LISTENER, CHANNEL, None),
    ),
    "muted": (lambda voice, user: voice.mute(user), lambda voice, user: voice.mute(user, muted=False)),
    "kicked": (lambda voice, user: voice.kick(user), lambda voice, user: voice.allow(user)),
}


@dataclass
class Figures:
    """Of each call: ms that it took, ms from its return to the last packet after it (0: none came), and how many."""

    call: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    packets: list[int] = field(default_factory=list)

    def row(self, name: str) -> str:
        """One line of the table."""
        p50, p99 = statistics.median(self.silence), _p99(self.silence)
        late = sum(1 for count in self.packets if count)
        return (
            f"{name:<14}{len(self.silence):>12}{_p99(self.call):>14.2f}{p50:>9.2f}{p99:>9.2f}{max(self.silence):>9.2f}"
            f"{late:>16}"
        )


HEAD = f"{'':<14}{'revocations':>12}{'call p99 ms':>14}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'heard of after':>16}"


async def silenced(voice: VoiceServer, arrivals: Arrivals, take: Switch, user: int, figures: Figures) -> None:
    """Takes it, and looks at what comes afterwards."""
    began = time.perf_counter()
    await take(voice, user)
    returned = time.perf_counter()
    before = seen = arrivals.packets
    last = returned
    while time.perf_counter() < returned + WATCHED:
        await asyncio.sleep(0.0005)
        if arrivals.packets != seen:
            seen, last = arrivals.packets, time.perf_counter()
    figures.call.append((returned - began) * 1000)
    figures.silence.append((last - returned) * 1000)
    figures.packets.append(seen - before)


async def main(revocations: int) -> None:
    """Measures, and prints the table."""
    print(f"{platform.machine()}, Python {platform.python_version()}, server and clients in one process, loopback\n")
    figures = {name: Figures() for name in WAYS}
    async with running() as (voice, base):
        url = base.replace("http", "ws", 1)
        people = {user: PymediasoupClient(user, tone) for user, tone in zip(SPEAKERS, TONES.values(), strict=False)}
        listener = await PymediasoupClient(LISTENER).join(url, CHANNEL.channel, guild=CHANNEL.guild)
        for person in people.values():
            await person.join(url, CHANNEL.channel, guild=CHANNEL.guild)
        for number in range(revocations):
            for place, (name, (take, give)) in enumerate(WAYS.items()):
                user = SPEAKERS[(number + place) % len(SPEAKERS)]
                await more_packets(listener, user, 3)
                await silenced(voice, listener.ears[user].arrivals, take, user, figures[name])
                await give(voice, user)
                if name == "kicked":
                    await people[user].leave()
                    people[user] = PymediasoupClient(user, TONES["alice"])
                    await people[user].join(url, CHANNEL.channel, guild=CHANNEL.guild)
        for person in (listener, *people.values()):
            await person.leave()
    print(HEAD)
    for name, each in figures.items():
        print(each.row(name))
    together = Figures(*([value for each in figures.values() for value in getattr(each, part)] for part in _PARTS))
    print(together.row("all"))


_PARTS = ("call", "silence", "packets")


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--revocations", type=int, default=50, help="in each of the four ways (50)")
    asyncio.run(main(parser.parse_args().revocations))
