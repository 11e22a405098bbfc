"""`hocket bench` whole: the command in a process of its own, a real server in another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from hocket.proto import voice
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.timeout(120)

PATIENCE = 60.0


async def start(options: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "hocket", "bench", *options.split())
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env={**os.environ})


async def run(options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    process = await start(options)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def measured(server: Server, options: str) -> dict[str, Any]:
    status, out, err = await run(f"--url {server.stream_url} --json --pid {server.process.pid} {options}")
    assert status == 0, err
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


async def test_every_packet_of_two_channels_is_accounted_for() -> None:
    async with serving() as server:
        found = await measured(
            server, "--channels 2 --participants 3 --listeners 1 --seconds 2 --payload 80 --sample 1"
        )
    assert (found["joined"], found["failures"], found["measured"]) == (6, {}, True)
    packets = found["packets"]
    sent = 2 * 2 * 100  # two channels, two speakers, two seconds of 50
    assert packets["sent"] == sent
    assert packets["offered"] == sent * 2  # to the two others
    assert packets["expected"] == packets["received"] == packets["opened"] == packets["offered"]
    assert (packets["lost"], packets["withheld"], packets["again"], packets["unreadable"]) == (0, 0, 0, 0)
    assert found["delay_ms"]["count"] == packets["received"]
    assert found["connect_ms"]["count"] == 2 * (3 + 2)
    assert found["first_packet_ms"]["count"] == 2 * (2 * 2)
    assert found["join_ms"]["count"] == 6
    assert 0 < found["delay_ms"]["p50"] <= found["delay_ms"]["p99"] <= found["delay_ms"]["max"]
    server_cost = found["server"]
    assert server_cost["user_seconds"] + server_cost["system_seconds"] > 0
    assert server_cost["memory"] > server_cost["memory_before"] > 0
    assert server_cost["join_ms"] > 0
    assert 0 < found["client"]["join_ms"] < 1_000


async def test_a_sample_is_opened_and_everything_is_counted() -> None:
    async with serving() as server:
        found = await measured(server, "--participants 3 --speakers 1 --seconds 2 --sample 10")
    packets = found["packets"]
    assert packets["expected"] == packets["received"] == 2 * 100
    assert packets["opened"] == 2 * 10


async def test_without_a_url_it_measures_a_server_of_its_own_and_prints_a_table() -> None:
    status, out, err = await run("--participants 2 --seconds 1")
    assert status == 0, err
    assert "2 of 2" in out
    assert "100 sent, 100 offered" in out
    assert "100 expected, 100 received, 0 lost" in out
    assert "ns a forwarded packet" in out
    assert "\x1b" not in out
    assert "joining: 2 of 2" in err


async def test_packets_of_those_who_do_not_talk_are_held_back_or_heard_but_never_lost() -> None:
    status, out, err = await run("--participants 4 --speakers 3 --talking 1 --seconds 1 --json --serve --workers=2")
    assert status == 0, err
    found = json.loads(out)
    packets = found["packets"]
    assert (found["speakers"], found["talking"], found["measured"]) == (3, 1, True)
    assert (packets["sent"], packets["offered"]) == (3 * 50, 3 * 50 * 3)
    assert packets["lost"] == 0
    assert packets["received"] >= 50 * 3
    assert packets["received"] + packets["withheld"] == packets["offered"]


async def test_packets_of_those_who_are_not_the_active_speakers_are_held_back_and_never_lost() -> None:
    status, out, err = await run("--participants 4 --seconds 1 --json --serve --active-speakers=1")
    assert status == 0, err
    packets = json.loads(out)["packets"]
    assert (packets["sent"], packets["offered"]) == (4 * 50, 4 * 50 * 3)
    assert packets["lost"] == 0
    assert packets["received"] + packets["withheld"] == packets["offered"]
    assert 50 * 3 - 30 <= packets["received"] <= 50 * 3 + 30


async def test_packets_hold_as_much_sound_as_the_server_asks_for_with_its_first_word() -> None:
    status, out, err = await run("--participants 3 --speakers 2 --seconds 1.2 --json --serve --ptime=60")
    assert status == 0, err
    found = json.loads(out)
    assert found["ptime_ms"] == {"60": 2 * 20}
    packets = found["packets"]
    assert packets["expected"] == packets["received"] == packets["offered"] == 2 * 20 * 2
    assert packets["lost"] == 0


async def test_who_speaks_in_a_channel_that_becomes_large_sends_longer_packets_from_then_on() -> None:
    for option, ptime, sent in (("", "40", 2 * 25), ("--serve --ptime=20", "20", 2 * 50)):
        status, out, err = await run(f"--participants 100 --speakers 2 --seconds 1 --json {option}")
        assert status == 0, err
        found = json.loads(out)
        assert found["ptime_ms"] == {ptime: sent}
        packets = found["packets"]
        assert packets["expected"] == packets["received"] == packets["offered"] == sent * 99
        assert packets["lost"] == 0


async def test_options_of_the_own_server_win_over_those_of_the_bench() -> None:
    status, out, err = await run("--participants 2 --seconds 0.5 --serve=--limits.participants=1")
    assert status == 0, err
    assert "Joined    1 of 2" in out
    status, out, err = await run("--serve --nonsense")
    assert status == 1
    assert "nonsense" in err


async def test_ctrl_c_prints_what_was_measured_so_far() -> None:
    async with serving() as server:
        process = await start(f"--participants 2 --seconds 60 --json --url {server.stream_url}")
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            async for line in process.stderr:
                if line.startswith(b"measuring"):
                    break
            await asyncio.sleep(1)
            process.send_signal(signal.SIGINT)
            out, _ = await process.communicate()
    assert process.returncode == 130
    found = json.loads(out)
    assert found["measured"]
    assert 40 <= found["packets"]["sent"] <= 60 * 50
    assert found["packets"]["received"] > 0


async def test_when_nobody_can_join_it_fails_and_says_why() -> None:
    status, out, err = await run("--url ws://127.0.0.1:9 --participants 2")
    assert status == 1
    assert not out
    assert "Error: Nobody could join ws://127.0.0.1:9: unreachable" in err
    async with serving() as server:
        status, out, err = await run(f"--url {server.stream_url} --token-prefix nonsense")
        assert status == 1
        assert "hocket.unauthenticated" in err


@contextlib.asynccontextmanager
async def liar(url: str) -> AsyncIterator[str]:
    """Somebody between: passes every frame on, but tells clients of another certificate."""

    async def relay(client: ServerConnection) -> None:
        request = client.request
        assert request is not None
        headers = {"Authorization": request.headers["Authorization"]}
        path = url.rstrip("/") + request.path
        async with (
            connect(path, subprotocols=[Subprotocol("hrpc1")], additional_headers=headers) as upstream,
            asyncio.TaskGroup() as group,
        ):
            up = group.create_task(_pass_on(client, upstream))
            async for frame in upstream:
                assert isinstance(frame, bytes)
                await client.send(_with_foreign_certificate(frame))
            up.cancel()

    async with serve(relay, "127.0.0.1", 0, subprotocols=[Subprotocol("hrpc1")]) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


async def _pass_on(source: ServerConnection, target: ClientConnection) -> None:
    async for frame in source:
        await target.send(frame)
    await target.close()


def _with_foreign_certificate(frame: bytes) -> bytes:
    response = voice.StreamMessageResponse.FromString(frame[1:])
    if response.WhichOneof("message") != "prepared_for_join_channel":
        return frame
    prepared = response.prepared_for_join_channel
    foreign = {"role": "auto", "fingerprints": [{"algorithm": "sha-256", "value": ":".join(["AB"] * 32)}]}
    for options in (prepared.consumer_transport_options, prepared.producer_transport_options):
        options.dtls_parameters = json.dumps(foreign)
    return frame[:1] + response.SerializeToString()


async def test_a_wrong_fingerprint_ends_the_run_with_an_error() -> None:
    async with serving() as server, liar(server.stream_url) as url:
        status, out, err = await run(f"--url {url} --participants 2 --seconds 1")
    assert status == 1
    assert not out
    assert "certificate is not the one that it announced (4 of 4 transports: fingerprint-mismatch)" in err
