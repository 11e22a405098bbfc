"""SIGTERM: readiness goes first, then people, then the process; in bounded time, and a second signal does not wait."""

from __future__ import annotations

import asyncio
import signal
import time

import httpx
import pytest

from tests.cli.test_serve import PATIENCE, Process, serving
from tests.server.test_attacks import Raw, flood
from tests.server.wire import Client, Refused

LONG = ("--port", "0", "--drain-seconds", "3600")


async def ask(server: Process, path: str) -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(server.base + path)
        return answer.status_code, answer.text


async def until_not_ready(server: Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await ask(server, "/readyz"))[0] != 503:  # noqa: ASYNC110 - of a process that tells nobody
            await asyncio.sleep(0.01)


async def test_readiness_goes_first_new_streams_are_sent_away_and_the_last_to_leave_ends_the_server() -> None:
    async with serving(*LONG) as server, await Client.open(server.base, "1") as ada:
        await ada.join()
        assert await ask(server, "/readyz") == (200, "ok\n")
        async with await Client.open(server.base, "2") as bob:
            await bob.join()
            assert await ada.words(1) == ["+2"]
            ending = asyncio.ensure_future(server.end(signal.SIGTERM))
            await until_not_ready(server)
            assert await ask(server, "/livez") == (200, "ok\n")
            with pytest.raises(Refused) as caught:
                await Client.open(server.base, "3")
            assert (caught.value.status, caught.value.identifier) == (503, "hrpc.unavailable")
            assert caught.value.retry_after
        assert await ada.words(1) == ["-2"], "those who are here go on, and hear who leaves"
        assert not ending.done()
        await ada.socket.close()
        assert (await ending)[0] == 0


async def test_who_has_not_left_after_drain_seconds_is_told_and_then_it_ends() -> None:
    async with serving("--port", "0", "--drain-seconds", "1") as server, await Client.open(server.base, "1") as ada:
        await ada.join()
        ending = asyncio.ensure_future(server.end(signal.SIGTERM))
        error = await ada.end()
        assert error is not None
        assert (error.identifier, error.retry_after is not None) == ("hrpc.unavailable", True)
        code, seconds, _ = await ending
        assert code == 0
        assert 1 <= seconds < 3


async def test_without_drain_seconds_sigterm_waits_for_nobody_and_ctrl_c_never_does() -> None:
    for arguments, number in ((("--port", "0"), signal.SIGTERM), (LONG, signal.SIGINT)):
        async with serving(*arguments) as server, await Client.open(server.base, "1") as ada:
            await ada.join()
            ending = asyncio.ensure_future(server.end(number))
            error = await ada.end()
            assert error is not None
            assert error.identifier == "hrpc.unavailable"
            code, seconds, _ = await ending
            assert code == 0
            assert seconds < 2


async def test_with_nobody_here_it_ends_at_once() -> None:
    async with serving(*LONG) as server:
        code, seconds, _ = await server.end(signal.SIGTERM)
        assert code == 0
        assert seconds < 2


@pytest.mark.parametrize(("second", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_second_signal_ends_at_once_with_128_and_its_number(second: int, expected: int) -> None:
    async with serving(*LONG) as server, await Client.open(server.base, "1") as ada:
        await ada.join()
        server.process.send_signal(signal.SIGTERM)
        await until_not_ready(server)
        code, seconds, _ = await server.end(second)
        assert code == expected
        assert seconds < 1


async def test_clients_that_stall_in_every_way_do_not_hold_it_up() -> None:
    async with serving("--port", "0", "--drain-seconds", "1", "--limits.close-seconds", "60") as server:
        silent, head, body, frame, full = [await Raw.connect(server.base) for _ in range(3)] + [
            await Raw.upgrade(server.base) for _ in range(2)
        ]
        head.writer.write(b"GET / HTTP/1.1\r\nHost: ")
        body.writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1")
        frame.writer.write(bytes([0x82, 0x80 | 126, 0x10, 0x00]))
        full.reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError):
            await flood(full)
        reader = await Client.open(server.base, "1")
        await reader.join()
        reader.socket.transport.pause_reading()
        began = time.monotonic()
        code, _, _ = await server.end(signal.SIGTERM)
        assert code == 0
        assert 1 <= time.monotonic() - began < 4
        for raw in (silent, head, body, frame, full):
            raw.abort()
        reader.socket.transport.abort()
