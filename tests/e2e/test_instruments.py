"""The tests' own instruments: each measures a tone that is known, and hears nothing where there is nothing.

No server takes part. When one of these fails, believe no other test of this folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from aiortc import RTCPeerConnection
from numpy.typing import NDArray

from . import chromium, firefox
from .bidi import BidiPage
from .conftest import Browsers
from .namespaces import Network, run
from .pymediasoup_client import FRAME_SAMPLES, ToneTrack
from .tone import MIXED, TONES, Peak, name_tone, peaks, sine
from .waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

Evaluate = Callable[..., Awaitable[Any]]

CALL_MYSELF = """async () => {
  const raw = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
  const stream = await navigator.mediaDevices.getUserMedia({audio: raw});
  const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
  here.onicecandidate = ({candidate}) => candidate && there.addIceCandidate(candidate);
  there.onicecandidate = ({candidate}) => candidate && here.addIceCandidate(candidate);
  [window.microphone] = stream.getAudioTracks();
  here.addTrack(window.microphone);
  const arrived = new Promise((resolve) => { there.ontrack = (event) => resolve(event.track); });
  await here.setLocalDescription(await here.createOffer());
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription(await there.createAnswer());
  await here.setRemoteDescription(there.localDescription);
  window.arrived = await arrived;
  const element = new Audio();
  element.srcObject = new MediaStream([window.arrived]);
  document.body.append(element);
  await element.play();
}"""


def floats(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    return samples.astype(np.float64) / 32768


@pytest.mark.parametrize("tone", TONES.values())
async def test_a_spectrum_names_each_persons_tone(tone: int) -> None:
    assert name_tone(peaks(floats(sine(tone, 0.2)))) == tone


async def test_a_spectrum_of_silence_names_nothing() -> None:
    assert name_tone(peaks(np.zeros(9600))) is None
    assert name_tone(peaks(floats(sine(440, 0.2, amplitude=0.001)))) is None


async def test_a_spectrum_of_two_voices_names_neither() -> None:
    both = floats(sine(TONES["alice"], 0.2)) + floats(sine(TONES["bob"], 0.2, amplitude=0.1))
    assert name_tone(peaks(both)) == MIXED


async def test_a_tone_that_nobody_plays_keeps_its_own_frequency() -> None:
    assert name_tone(peaks(floats(sine(700, 0.2)))) == 700


@contextlib.asynccontextmanager
async def blank_site() -> AsyncIterator[str]:
    """An empty page on localhost: browsers give microphones to no less."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"<!doctype html><title>blank</title><body></body>"
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def named(evaluate: Evaluate, track: str) -> int | None:
    found = await evaluate(f"async () => ears.peaks(window.{track}, -50)")
    return name_tone([Peak(**peak) for peak in found])


async def test_chromium_measures_its_fake_microphone_through_a_call_with_itself(browsers: Browsers) -> None:
    context = await chromium.new_context(await browsers.of("alice"))
    page = await context.new_page()
    async with blank_site() as url:
        await page.goto(url)
        assert await named(page.evaluate, "arrived") is None
        await page.evaluate(CALL_MYSELF)
        await until(lambda: named(page.evaluate, "arrived"), lambda tone: tone == TONES["alice"])
        await page.evaluate("() => { window.microphone.enabled = false; }")
        await until(lambda: named(page.evaluate, "arrived"), lambda tone: tone is None)
        assert await page.evaluate("() => ears.packets(window.arrived)") > 0
    await context.close()


async def test_firefox_measures_its_fake_microphone_through_a_call_with_itself() -> None:
    async with firefox.launch(TONES["carol"]) as session, blank_site() as url:
        page = await BidiPage.open(session)
        await page.add_init_script(chromium.EARS.read_text())
        await page.goto(url)
        assert await named(page.evaluate, "arrived") is None
        await page.evaluate(CALL_MYSELF)
        await until(lambda: named(page.evaluate, "arrived"), lambda tone: tone == TONES["carol"])
        await page.evaluate("() => { window.microphone.enabled = false; }")
        await until(lambda: named(page.evaluate, "arrived"), lambda tone: tone is None)
        assert await page.evaluate("() => ears.packets(window.arrived)") > 0


async def test_aiortc_carries_a_tone_track_whole() -> None:
    here, there = RTCPeerConnection(), RTCPeerConnection()
    here.addTrack(ToneTrack(TONES["dave"]))
    await here.setLocalDescription(await here.createOffer())
    await there.setRemoteDescription(here.localDescription)
    await there.setLocalDescription(await there.createAnswer())
    await here.setRemoteDescription(there.localDescription)
    track = there.getReceivers()[0].track
    chunks: list[NDArray[np.float64]] = []
    async with asyncio.timeout(20):
        while len(chunks) < 25 or len(chunks) * FRAME_SAMPLES < 9600:
            frame: Any = await track.recv()
            chunks.append(frame.to_ndarray().reshape(-1, len(frame.layout.channels)).mean(axis=1) / 32768)
    assert name_tone(peaks(np.concatenate(chunks[-10:]))) == TONES["dave"]
    await here.close()
    await there.close()


async def test_hosts_reach_each_other_over_both_families_and_vanish_with_their_network() -> None:
    with Network() as network:
        one, other = network.host("one"), network.host("other")
        for address in (one.ipv4, one.ipv6):
            assert reaches(other.namespace, one.namespace, address)
        one.change_address()
        assert reaches(other.namespace, one.namespace, one.ipv4)
        one.unplug()
        assert not reaches(other.namespace, one.namespace, one.ipv4)
        one.plug_in()
        assert reaches(other.namespace, one.namespace, one.ipv6)
    assert network.switch.rsplit("-", 1)[0] not in run("ip", "netns", "list")


REACH = """
import socket, sys
address, = sys.argv[1:]
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
    probe.settimeout(0.5)
    probe.connect((address, 7777))
    for _ in range(4):
        try:
            probe.send(b"hello")
            sys.exit(0 if probe.recv(16) == b"hello" else 1)
        except (TimeoutError, OSError):
            continue
    sys.exit(1)
"""
ECHO = """
import socket, sys
address, = sys.argv[1:]
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as echo:
    echo.settimeout(5)
    echo.bind((address, 7777))
    print("ready", flush=True)
    data, source = echo.recvfrom(16)
    echo.sendto(data, source)
"""


def reaches(source: str, target: str, address: str) -> bool:
    """Whether a datagram from one host comes back from another."""
    enter = ("ip", "netns", "exec")
    python = (sys.executable, "-c")
    with subprocess.Popen([*enter, target, *python, ECHO, address], stdout=subprocess.PIPE) as echo:
        assert echo.stdout is not None
        assert echo.stdout.readline() == b"ready\n"
        probe = subprocess.run([*enter, source, *python, REACH, address], check=False)
        echo.kill()
    return probe.returncode == 0
