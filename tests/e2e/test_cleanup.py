"""Leaving cleans up: after a thousand joins and leaves the server is back where it was."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import Note
from .pymediasoup_client import PymediasoupClient
from .server import Server, serving
from .tone import TONES
from .voice_stream import VoiceStream
from .waiting import until, until_heard

pytestmark = pytest.mark.asyncio(loop_scope="session")

WARM_UP = 300
"""Joins before the base line: allocators, pools and caches have grown to their size by then."""

JOINS = 1_000
MEDIA_EVERY = 50
"""One join in so many is a pymediasoup client's, with ICE, DTLS, SRTP and audio; the rest is signalling alone."""

TOGETHER = 10
"""How many are in the channel at once."""

MEMORY_SLACK = 4 * 2**20
"""Bytes by which memory may differ from the base line: allocators give back whole pages only. A leak of one transport's
state a join (10 kB) would be 10 MB."""

WARMED_DESCRIPTORS = 4
"""Descriptors that a first use may add for good: an executor's, a random source's."""

FINGERPRINT = {"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}
OPUS = {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2}
CAPABILITIES = json.dumps({"codecs": [{**OPUS, "kind": "audio", "preferredPayloadType": 111}], "headerExtensions": []})


def rtp(ssrc: int) -> str:
    """What a client says that it sends."""
    return json.dumps(
        {
            "mid": "0",
            "codecs": [{**OPUS, "payloadType": 111}],
            "headerExtensions": [],
            "encodings": [{"ssrc": ssrc}],
            "rtcp": {"cname": "light"},
        }
    )


@dataclass(frozen=True)
class Footprint:
    """What a process holds."""

    memory: int
    descriptors: int
    threads: int


def footprint(pid: int) -> Footprint:
    """What `/proc` says: memory that this process has written to, open files, threads."""
    folder = Path(f"/proc/{pid}")
    lines = (folder / "smaps_rollup").read_text().splitlines()
    written = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_Dirty"))
    return Footprint(written, len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir())))


async def join_lightly(server: Server, channel: int, user: int) -> VoiceStream:
    """Joins and resumes everyone, without a single media packet."""
    stream = await VoiceStream.open(server.stream_url, str(user))
    await stream.initialize(0, channel)
    await stream.prepare(CAPABILITIES)
    dtls = {role: json.dumps({"role": role, "fingerprints": [FINGERPRINT]}) for role in ("server", "client")}
    for other in await stream.join(rtp(user), dtls["server"], dtls["client"]):
        await stream.resume(other.consumer_id)
    return stream


async def join_with_media(server: Server, channel: int, user: int) -> None:
    """Two people with sound, who hear each other and leave."""
    alice = PymediasoupClient(user + 1_000_000, TONES["alice"])
    bob = PymediasoupClient(user + 2_000_000, TONES["bob"])
    try:
        await alice.join(server.stream_url, channel)
        await bob.join(server.stream_url, channel)
        await until_heard(alice, {bob.user: TONES["bob"]})
    finally:
        await bob.leave()
        await alice.leave()


async def come_and_go(server: Server, users: itertools.count[int], joins: int) -> None:
    """Joins and leaves, some by a farewell, some by a cut connection."""
    present: list[VoiceStream] = []
    for done in range(joins):
        user = next(users)
        if done % MEDIA_EVERY == MEDIA_EVERY - 1:
            await join_with_media(server, 1 + done % 3 + 10, user)
            continue
        present.append(await join_lightly(server, 1 + done % 3, user))
        if len(present) > TOGETHER:
            await part(present.pop(0), done)
    for at, stream in enumerate(present):
        await part(stream, at)


async def part(stream: VoiceStream, at: int) -> None:
    if at % 2:
        stream.kill()
    else:
        await stream.close()


async def test_a_thousand_joins_and_leaves_leave_nothing_behind(
    note: Note,
) -> None:
    users = itertools.count(1)
    async with serving("--limits.address-join-burst", str(2 * JOINS)) as server:
        pid = server.process.pid

        async def look() -> Footprint:
            return footprint(pid)

        fresh = footprint(pid)
        await come_and_go(server, users, WARM_UP)
        before = await until(look, lambda seen: seen.descriptors <= fresh.descriptors + WARMED_DESCRIPTORS)
        await come_and_go(server, users, JOINS)
        after = await until(look, lambda seen: is_back(seen, before))
        for when, seen in {"fresh": fresh, f"after {WARM_UP} joins": before, f"after {JOINS} more": after}.items():
            note(f"server {when}", seen)


def is_back(seen: Footprint, before: Footprint) -> bool:
    return (
        seen.descriptors <= before.descriptors
        and seen.threads <= before.threads
        and seen.memory <= before.memory + MEMORY_SLACK
    )
