"""What real browsers and the server agree on, and how they mend loss: DTLS and SRTP, NACK and retransmission."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import WebSocketRoute

from hocket.media.engine import MediaEngine
from tests.server.running import running

from . import firefox
from .conftest import Browsers, Note
from .nat import Nat
from .page import ChromiumTab, PageUser, chromium_user, firefox_user
from .server import Server
from .tone import TONES
from .waiting import until, until_heard, until_true

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB = TONES["alice"], TONES["bob"]

DTLS_1_3 = "FEFC"
"""`tlsVersion` is the version's two bytes (RFC 9147 §5.3)."""

LOSS = 0.05
"""Share of the datagrams that is lost on the way there, and on the way back."""

ENOUGH_LOST = 10
"""Audio packets on their way to the pages, so that most of them having come after all is no chance."""

Statistics = list[dict[str, Any]]


def statistics(user: PageUser, *types: str) -> Callable[[], Awaitable[Statistics]]:
    """Looks up reports of `getStats()` of some types, of all connections that are up."""
    return lambda: user.tab.evaluate("(types) => window.ears.statistics(...types)", list(types))


async def test_browsers_speak_dtls_1_3_and_get_the_srtp_profile_that_they_like_best(
    server: Server, channel: int, browsers: Browsers
) -> None:
    """In DTLS 1.3 the server's library takes the first profile of the client's list that it knows."""
    async with chromium_user(await browsers.of("alice"), "Alice") as alice, firefox.launch(BOB) as session:
        bob = await firefox_user(session, "Bob")
        alice_id = await alice.enter(server.url, str(channel))
        bob_id = await bob.enter(server.url, str(channel))
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        for user, profile in ((alice, "SRTP_AES128_CM_HMAC_SHA1_80"), (bob, "SRTP_AEAD_AES_128_GCM")):
            transports = await until(statistics(user, "transport"), lambda found: len(found) == 2)
            agreed = [(it["dtlsRole"], it["tlsVersion"], it["srtpCipher"]) for it in transports]
            assert agreed == [("client", DTLS_1_3, profile)] * 2


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
            reports = [report for user in (alice, bob) for report in await statistics(user, "inbound-rtp")()]
            return [report["packetsLost"] for report in reports]

        await until(counted, lambda counts: len(counts) == 4 and min(counts) >= 3)
        await until_true(lambda: nat.lost_rtp >= ENOUGH_LOST)
        for user in (alice, bob):
            await until(statistics(user, "inbound-rtp"), lambda found: any(it["nackCount"] > 0 for it in found))
            await until(statistics(user, "outbound-rtp"), sends_again)
        nat.loss = 0.0
        missing = await until(lost, lambda packets: len(packets) == 2 and sum(packets) < nat.lost_rtp / 2)
        note(f"audio packets that still lacked of {nat.lost_rtp} lost ones", sum(missing))
        await until_heard(alice, {bob_id: BOB})
        await until_heard(bob, {alice_id: ALICE})
        assert "rtcp-malformed" not in voice.engine.dump().dropped


def sends_again(found: Statistics) -> bool:
    """Whether a page was asked for something again and sent it."""
    return any(it["nackCount"] > 0 and it["retransmittedPacketsSent"] > 0 for it in found)


def ids_of(monkeypatch: pytest.MonkeyPatch, method: str) -> list[int]:
    """The ids of all that the engine makes from now on: the server tells them to nobody."""
    made: list[int] = []
    original: Callable[..., int] = getattr(MediaEngine, method)

    def remember(self: MediaEngine, *arguments: object, **named: object) -> int:
        made.append(original(self, *arguments, **named))
        return made[-1]

    monkeypatch.setattr(MediaEngine, method, remember)
    return made
