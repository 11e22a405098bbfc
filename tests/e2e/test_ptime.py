"""Browsers put as much sound into a packet as the server asks for: at first, in mid-call, after an ICE restart."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from statistics import median

import pytest

from hocket.config import Ptime
from hocket.policy import ChannelId
from tests.server.running import running

from . import firefox
from .conftest import Browsers, Note
from .page import PageUser, chromium_user, firefox_user
from .tone import TONES
from .waiting import until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

PACKETS = 40
"""Over so many a packet's length is measured, since two counts, one taken after the other, blur it by some percent."""

FILLED_IN_MS = 100
"""A change costs a listener no more sound than this. Measured: 0 to 50, since the encoder begins anew."""

_POSITION = """async (id) => {
  const track = window.hocket.track(id);
  const receiver = window.ears.peers.flatMap((peer) => peer.getReceivers()).find((it) => it.track === track);
  const report = [...(await receiver.getStats()).values()].find((it) => it.type === "inbound-rtp");
  const [source] = receiver.getSynchronizationSources();
  return {packets: report.packetsReceived, clock: source?.rtpTimestamp ?? 0, concealed: report.concealedSamples};
}"""
"""How far a user's stream has come for a listener: in packets and, at 48 kHz, in sound and in what was filled in."""

_USERNAME_FRAGMENTS = """() => window.ears.peers.filter((peer) => peer.connectionState === "connected")
  .map((peer) => /a=ice-ufrag:.*/.exec(peer.localDescription.sdp)[0])"""


@contextlib.asynccontextmanager
async def speaking(name: str, browsers: Browsers) -> AsyncIterator[PageUser]:
    """Alice, in the browser of that name."""
    if name == "chromium":
        async with chromium_user(await browsers.of("alice"), "Alice") as user:
            yield user
    else:
        async with firefox.launch(TONES["alice"]) as session:
            yield await firefox_user(session, "Alice")


@pytest.mark.parametrize("name", ["chromium", "firefox"])
async def test_a_browser_puts_as_much_sound_into_a_packet_as_it_is_asked_for(
    browsers: Browsers, channel: int, bob: PageUser, name: str, note: Note
) -> None:
    async with running(page=True, ptime=40) as (voice, base), speaking(name, browsers) as alice:
        await bob.enter(base, str(channel))
        alice_id = await alice.enter(base, str(channel))
        heard = {alice_id: TONES["alice"]}
        await until_heard(bob, heard)
        assert await packet_ms(bob, alice_id) == 40

        filled_in = []
        lengths: tuple[Ptime, ...] = (60, 20, 60)
        for wanted in lengths:
            before = await position(bob, alice_id)
            assert await voice.set_ptime(ChannelId(0, channel), wanted)
            await until(lambda: packet_ms(bob, alice_id), wanted.__eq__)
            await until_heard(bob, heard)
            after = await position(bob, alice_id)
            filled_in.append(round((after["concealed"] - before["concealed"]) / 48))
        note(f"sound that was filled in at changes of the packets' length, {name}, ms", filled_in)
        # Firefox's fake microphone runs late on a busy machine, which is filled in as well.
        assert name == "firefox" or median(filled_in) <= FILLED_IN_MS

        restarted = await alice.tab.evaluate(_USERNAME_FRAGMENTS)
        await alice.tab.evaluate("() => window.hocket.client.networkChanged()")
        await until(
            lambda: alice.tab.evaluate(_USERNAME_FRAGMENTS),
            lambda now: len(now) == 2 and not set(now) & set(restarted),
        )
        assert await packet_ms(bob, alice_id) == 60
        await until_heard(bob, heard)


async def position(listener: PageUser, user: int) -> dict[str, int]:
    """How far a user's stream has come."""
    found: dict[str, int] = await listener.tab.evaluate(_POSITION, str(user))
    return found


async def packet_ms(listener: PageUser, user: int) -> int:
    """How much sound each packet of a user holds now, in ms, to the nearest 10."""
    start = await position(listener, user)
    end = await until(lambda: position(listener, user), lambda now: now["packets"] >= start["packets"] + PACKETS)
    sound = (end["clock"] - start["clock"]) % 2**32
    return round(sound / 48 / (end["packets"] - start["packets"]) / 10) * 10
