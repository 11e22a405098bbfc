"""How real browsers and the server mend loss: NACK (RFC 4585 §6.2.1) and retransmission, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.async_api import WebSocketRoute

from hocket.media.engine import MediaEngine
from tests.server.running import running

from .conftest import Browsers, Note
from .nat import Nat
from .page import ChromiumTab, PageUser, chromium_user
from .tone import TONES
from .waiting import until, until_heard, until_true

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB = TONES["alice"], TONES["bob"]

LOSS = 0.05
"""Share of the datagrams that is lost on the way there, and on the way back."""

ENOUGH_LOST = 10
"""Audio packets on their way to the pages, so that most of them having come after all is no chance."""


async def lead_through(nat: Nat, user: PageUser) -> None:
    """Lets a page's media go through a NAT: of all that the server tells it, the media port is changed."""
    assert isinstance(user.tab, ChromiumTab)

    def change_port(socket: WebSocketRoute) -> None:
        upstream = socket.connect_to_server()

        def forward(message: bytes | str) -> None:
            assert isinstance(message, bytes)
            for port in re.findall(rb'"port":(\d+)', message):
                nat.lead_to(("127.0.0.1", int(port)))
                assert len(port) == len(str(nat.port)), "a protobuf string keeps its length"
            socket.send(re.sub(rb'(?<="port":)\d+', str(nat.port).encode(), message))

        upstream.on_message(forward)

    await user.tab.page.route_web_socket("**/StreamMessage", change_port)


async def test_what_is_lost_on_the_way_is_asked_for_and_comes_again(
    channel: int, browsers: Browsers, monkeypatch: pytest.MonkeyPatch, note: Note
) -> None:
    producers = ids_of(monkeypatch, "produce")
    consumers = ids_of(monkeypatch, "consume")
    async with (
        Nat() as nat,
        running(page=True) as (voice, url),
        chromium_user(await browsers.of("alice"), "Alice") as alice,
        chromium_user(await browsers.of("bob"), "Bob") as bob,
    ):
        for user in (alice, bob):
            await lead_through(nat, user)
        alice_id = await alice.enter(url, str(channel))
        bob_id = await bob.enter(url, str(channel))
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        nat.loss = LOSS

        async def counted() -> list[int]:
            sent = [(await voice.engine.producer_stats(producer)).nacks_sent for producer in producers]
            again = [(await voice.engine.consumer_stats(consumer)).retransmitted for consumer in consumers]
            return sent + again

        async def lost() -> list[int]:
            reports = [report for user in (alice, bob) for report in await user.statistics("inbound-rtp")]
            return [report["packetsLost"] for report in reports]

        await until(counted, lambda counts: len(counts) == 4 and min(counts) >= 3)
        await until_true(lambda: nat.lost_rtp >= ENOUGH_LOST)
        for user in (alice, bob):
            await asks_and_sends_again(user)
        nat.loss = 0.0
        missing = await until(lost, lambda packets: len(packets) == 2 and sum(packets) < nat.lost_rtp / 2)
        note(f"audio packets that still lacked of {nat.lost_rtp} lost ones", sum(missing))
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        assert "rtcp-malformed" not in voice.engine.dump().dropped


async def asks_and_sends_again(user: PageUser) -> None:
    """Waits until a page has asked for what it lacked, was asked for something, and has sent that again."""
    await until(lambda: user.statistics("inbound-rtp"), lambda found: any(it["nackCount"] > 0 for it in found))
    sent = await until(
        lambda: user.statistics("outbound-rtp"), lambda found: any(it["retransmittedPacketsSent"] > 0 for it in found)
    )
    assert any(it["nackCount"] > 0 for it in sent)


def ids_of(monkeypatch: pytest.MonkeyPatch, method: str) -> list[int]:
    """The ids of all that the engine makes from now on: the server tells them to nobody."""
    made: list[int] = []
    original: Callable[..., int] = getattr(MediaEngine, method)

    def remember(self: MediaEngine, *arguments: object, **named: object) -> int:
        made.append(original(self, *arguments, **named))
        return made[-1]

    monkeypatch.setattr(MediaEngine, method, remember)
    return made
