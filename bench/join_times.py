"""How long a join takes on loopback: `python -m bench.join_times`.

One person talks in a channel; a second one joins and leaves it, a hundred times with the project's page in Chromium and
a hundred times with pymediasoup. Measured is what that person's client sees, its own work included:

- opening the WebSocket to JoinedChannel, and the part of it that is waiting for the server's answers (pymediasoup);
- ResumeConsumer to the first RTP packet: ICE and DTLS of the receiving transport lie in this span, since clients
  connect it when they make their first consumer.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from playwright.async_api import async_playwright

from tests.e2e import chromium
from tests.e2e.page import ChromiumTab, chromium_user
from tests.e2e.pymediasoup_client import PymediasoupClient
from tests.e2e.server import Server, serving
from tests.e2e.tone import TONES, write_wave
from tests.e2e.waiting import until, until_true

CHANNEL = 7
WARM_UP = 5
"""Joins that are not counted: imports, just-in-time compilation and pools come first."""

STOPWATCH = Path(__file__).with_name("stopwatch.js")

Times = dict[str, list[float]]
"""Milliseconds of each join, by what was measured."""


async def with_pymediasoup(server: Server, joins: int) -> Times:
    """Joins with a client that is new each time."""
    times: Times = defaultdict(list)
    talker = PymediasoupClient(1, TONES["alice"])
    await talker.join(server.stream_url, CHANNEL)
    for number in range(-WARM_UP, joins):
        client = PymediasoupClient(2, TONES["bob"])
        await client.join(server.stream_url, CHANNEL)
        arrivals = client.ears[1].arrivals
        await until_true(lambda arrivals=arrivals: arrivals.packets > 0)  # type: ignore[misc]
        assert arrivals.first_at is not None
        if number >= 0:
            times["WebSocket to JoinedChannel"].append((client.joined_at - client.opened_at) * 1000)
            times["  of it waiting for the server"].append(client.stream.waited * 1000)
            times["ResumeConsumer to first RTP"].append((arrivals.first_at - client.resumed_at[1]) * 1000)
        await client.leave()
    await talker.leave()
    return times


async def with_chromium(server: Server, joins: int) -> Times:
    """Joins with one tab that clicks Join and Leave; the first join of a cold page is among those not counted."""
    times: Times = defaultdict(list)
    talker = PymediasoupClient(1, TONES["alice"])
    await talker.join(server.stream_url, CHANNEL)
    with tempfile.TemporaryDirectory() as folder:
        microphone = write_wave(Path(folder) / "bob.wav", TONES["bob"])
        async with async_playwright() as playwright:
            browser = await chromium.launch(playwright, microphone)
            async with chromium_user(browser, "Bob") as bob:
                assert isinstance(bob.tab, ChromiumTab)
                await bob.tab.page.add_init_script(path=STOPWATCH)
                await bob.visit(server.url, str(CHANNEL))
                for number in range(-WARM_UP, joins):
                    await bob.join()
                    noted = await until(lambda: bob.tab.evaluate("() => stopwatch"), lambda noted: "sound" in noted)
                    if number >= 0:
                        times["WebSocket to JoinedChannel"].append(noted["joined"] - noted["opening"])
                        times["ResumeConsumer to first RTP"].append(noted["sound"] - noted["resumed"])
                    await bob.leave()
            await browser.close()
    await talker.leave()
    return times


def table(title: str, times: Times) -> str:
    """The figures of one client."""
    lines = [f"{title:<34}{'joins':>7}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"]
    for name, values in times.items():
        p50, p99 = statistics.median(values), statistics.quantiles(values, n=100, method="inclusive")[98]
        lines.append(f"{name:<34}{len(values):>7}{p50:>9.1f}{p99:>9.1f}{max(values):>9.1f}")
    return "\n".join(lines)


async def main(joins: int) -> None:
    """Measures, and prints the tables."""
    print(f"{platform.machine()}, Python {platform.python_version()}, server and clients on one machine, loopback\n")
    async with serving() as server:
        print(table("pymediasoup", await with_pymediasoup(server, joins)), "\n")
        print(table("Chromium, the project's page", await with_chromium(server, joins)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--joins", type=int, default=100, help="joins with each client (100)")
    asyncio.run(main(parser.parse_args().joins))
