"""`hocket attack` whole: each attack leaves a real server unharmed, and a weak one does not get away with it.

T1, T4, T5, T9, T10, T12, T13 and T19 on the socket, beside two people who talk.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from random import Random
from typing import Any

import pytest

from hocket.attack import datagrams
from hocket.attack.catalogue import ATTACKS
from hocket.attack.options import AttackOptions
from hocket.attack.target import find
from hocket.load.options import websocket_url
from tests.attacks.weak_server import weak_server
from tests.server.running import running

pytestmark = pytest.mark.timeout(300)

SECONDS = 2
PATIENCE = 240.0
UNAUTHENTICATED = ["client-hellos", "stun-forged", "stun-huge", "spray"]


async def attack(*options: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "hocket", "attack", *options)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env={**os.environ}
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What all attacks on a server of the tool's own came to; where they stall, that is ended after a second."""
    status, out, err = asyncio.run(
        attack("--seconds", str(SECONDS), "--packets-per-second", "1000", "--json", "--serve=--limits.step-seconds=1")
    )
    assert out, err
    found = json.loads(out)
    found["status"] = status
    assert isinstance(found, dict)
    return found


@pytest.fixture
def outcome(report: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in report["attacks"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", [one.name for one in ATTACKS])
def test_two_people_who_talk_are_unharmed_by(name: str, outcome: dict[str, Any]) -> None:
    heard = outcome["heard"]
    assert outcome["harm"] == []
    assert heard["asked"] == heard["sent"] == 2 * SECONDS * 50
    assert heard["lost"] < 0.005 * heard["asked"]
    assert outcome["inputs"] > 0, outcome["notes"]


@pytest.mark.parametrize("name", [one.name for one in ATTACKS])
def test_descriptors_and_threads_are_back_at_the_base_line_after(name: str, outcome: dict[str, Any]) -> None:
    before, after = outcome["before"], outcome["after"]
    assert after["descriptors"] <= before["descriptors"] + 1  # of somebody who is just leaving
    assert after["threads"] == before["threads"]
    assert after["memory"] < before["memory"] + 32 * 2**20


@pytest.mark.parametrize("name", UNAUTHENTICATED)
def test_no_byte_goes_back_to_a_stranger_for(name: str, outcome: dict[str, Any]) -> None:
    assert outcome["inputs"] > 100
    assert (outcome["answers"], outcome["bytes_back"]) == (0, 0)


@pytest.mark.parametrize("name", ["stun-sources"])
def test_what_is_rightly_signed_is_answered_so_that_silence_elsewhere_means_something(
    name: str, outcome: dict[str, Any]
) -> None:
    assert 0 < outcome["answers"] <= outcome["inputs"]


@pytest.mark.parametrize("name", ["stalls"])
def test_handshakes_that_stall_are_ended_on_time(name: str, outcome: dict[str, Any]) -> None:
    ended, held, _ = (int(word) for word in outcome["notes"][0].split() if word.isdigit())
    assert ended == held - 16 > 0  # who is silent, or stops in the request's head, has 10 s for that


@pytest.mark.parametrize("name", ["requests"])
def test_too_many_requests_end_their_stream(name: str, outcome: dict[str, Any]) -> None:
    assert "hrpc.resource-exhausted" in outcome["notes"][0]


@pytest.mark.parametrize("name", ["requests", "joins", "loud-people"])
def test_t19_a_voice_in_another_channel_comes_within_a_frames_time_beside(name: str, outcome: dict[str, Any]) -> None:
    assert outcome["heard"]["p50"] < 20  # ms; a busy machine makes the slowest ones its own


def test_unharmed_is_exit_code_0(report: dict[str, Any]) -> None:
    assert (report["status"], report["harmed"]) == (0, False)


async def test_a_client_hello_of_ours_is_one_that_a_server_answers() -> None:
    chance = Random(1)
    async with running() as (_, base):
        target = await find(websocket_url(base), AttackOptions())
        async with target.prepared(0) as (_, remote):
            with target.datagram_socket() as ours:
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(10):
                    check = datagrams.stun_request(chance, f"{remote.username_fragment}:us", remote.password)
                    await loop.sock_sendall(ours, check)
                    assert (await loop.sock_recv(ours, 2_048))[:2] == b"\x01\x01"
                    await loop.sock_sendall(ours, datagrams.client_hello(chance))
                    assert (await loop.sock_recv(ours, 2_048))[0] == 22


async def test_a_server_that_keeps_state_for_strangers_is_found_harmed_and_named() -> None:
    async with weak_server() as url:
        status, out, err = await attack(url, "--only", "client-hellos", "--seconds", "2", "--json")
    assert status == 1, err
    found = json.loads(out)
    (outcome,) = found["attacks"]
    assert found["harmed"]
    assert found["unattacked"]["lost"] == 0
    amplified, lost = outcome["harm"]
    assert amplified.startswith("It amplifies")
    assert lost.startswith("The two people lost")
    assert outcome["heard"]["lost"] > 0.01 * outcome["heard"]["asked"]


async def test_a_server_where_one_request_ends_others_streams_is_found_harmed_and_named() -> None:
    async with weak_server() as url:
        status, out, err = await attack(url, "--only", "wrong-requests", "--only", "joins", "--seconds", "2")
    assert status == 1, err
    assert "One of the two people was cut off: hocket.kicked" in out
    assert out.splitlines()[-1] == "Harmed by: wrong-requests."
    assert "\njoins" not in out  # nobody is left who could tell


async def test_a_server_elsewhere_is_attacked_only_when_somebody_says_that_it_is_theirs() -> None:
    status, out, err = await attack("wss://voice.example.org")
    assert (status, out) == (2, "")
    assert "Do it only to a server that is yours" in err
    assert "--yes" in err


async def test_ctrl_c_prints_what_was_found_so_far() -> None:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "hocket", "attack", "--seconds", "60", "--json", "--only", "spray")
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env={**os.environ})
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE / 6):  # long before the attack would be over
        async for line in process.stderr:
            if line.startswith(b"spray"):
                break
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
    assert process.returncode == 130
    found = json.loads(out)
    assert (found["attacks"], found["harmed"]) == ([], False)
    assert found["unattacked"]["lost"] == 0


async def test_wrong_options_are_exit_code_2_and_a_server_that_is_not_there_is_1() -> None:
    status, _, err = await attack("--only", "nonsense")
    assert (status, "nonsense" in err) == (2, True)
    status, _, err = await attack("ws://127.0.0.1:9")
    assert (status, "Nobody could join ws://127.0.0.1:9" in err) == (1, True)
