"""Nobody takes what the server says: a closed pipe, a full disk, a reader that stands still. It serves on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hocket.logging import Formatter
from hocket.output import LogWriter
from tests.server.running import until
from tests.server.wire import Client

SERVE = f"{sys.executable} -m hocket serve --port PORT --media-port 0"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def shell(command: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Runs a server by a shell's line; gives the process and the base URL once a client comes in there."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", command.replace("PORT", str(port))),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        await until(lambda: process.returncode is not None or listens(port))
        yield process, base
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def joins(base: str, times: int) -> None:
    for number in range(times):
        async with await Client.open(base, str(number + 1)) as client:
            assert (await client.join())[-1] == "joined[]"


@pytest.mark.parametrize(
    "command",
    [
        f"(({SERVE}; echo $? >&3) 2>&1 | true) 3>&1 >/dev/null",
        f"{SERVE} >/dev/full 2>/dev/full; echo $?",
        f"{SERVE} >&- 2>&- <&-; echo $?",
    ],
    ids=["a pipe that closed", "a full disk", "no descriptors"],
)
async def test_a_server_whose_lines_nobody_takes_serves_on_and_ends_as_asked(command: str) -> None:
    async with shell(command) as (process, base):
        await joins(base, 20)
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: the shell goes on when its command has ended by itself
        out, _ = await asyncio.wait_for(process.communicate(), 10)
        assert out.decode().split() == ["0"]


async def test_a_reader_of_the_log_that_stands_still_keeps_no_caller_waiting() -> None:
    reading, writing = os.pipe()
    fill(writing)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *SERVE.replace("PORT", str(port)).split(), stdout=subprocess.DEVNULL, stderr=writing
    )
    os.close(writing)
    try:
        await until(lambda: listens(port))
        await joins(f"http://127.0.0.1:{port}", 20)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        os.close(reading)
        if process.returncode is None:
            process.kill()
            await process.wait()


def fill(pipe: int) -> None:
    """Leaves no room in a pipe."""
    os.set_blocking(pipe, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe, b"\n")
    os.set_blocking(pipe, True)


@pytest.fixture
def pipe() -> Iterator[tuple[int, logging.Logger, LogWriter]]:
    """The end from which a log is read, the logger, and the handler between them."""
    reading, writing = os.pipe()
    handler = LogWriter(writing)
    handler.setFormatter(Formatter(colours=False))
    logger = logging.Logger("hocket.test")
    logger.addHandler(handler)
    yield reading, logger, handler
    handler.close()
    for descriptor in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def test_lines_that_find_no_room_are_counted_and_told_when_there_is_room_again(
    pipe: tuple[int, logging.Logger, LogWriter],
) -> None:
    reading, logger, handler = pipe
    fill(handler._descriptor)
    began = time.monotonic()
    logger.warning("line 0")
    while handler._lines:
        assert time.monotonic() - began < 5, "the first line is not being written"
        time.sleep(0.001)
    for number in range(1, 5_000):
        logger.warning("line %d", number)
    assert time.monotonic() - began < 5, "nobody waits for a reader"
    assert len(handler._lines) == 1_000
    kept = 1 + 1_000  # the one that was being written, and those that waited
    with open(reading, closefd=False) as lines:
        shown = [next(line for line in lines if line.strip()).rpartition(": ")[2].strip() for _ in range(kept + 1)]
    assert shown[:3] == ["line 0", f"{5_000 - kept} lines before this one were lost", "line 1"]
    assert shown[-1] == f"line {kept - 1}"


def test_a_full_disk_that_has_room_again_has_the_number_of_lost_lines(tmp_path: Path) -> None:
    target = tmp_path / "log"
    target.touch()
    full, disk = os.open("/dev/full", os.O_WRONLY), os.open(target, os.O_WRONLY)
    handler = LogWriter(full)
    handler.setFormatter(Formatter(colours=False))
    logger = logging.Logger("hocket.test")
    logger.addHandler(handler)
    for number in range(10):
        logger.warning("line %d", number)
    deadline = time.monotonic() + 5
    while handler._lost < 10:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.dup2(disk, full)
    logger.warning("room again")
    handler.close()
    said = [line.rpartition(": ")[2] for line in target.read_text().splitlines()]
    assert said == ["10 lines before this one were lost", "room again"]
    os.close(full)
    os.close(disk)
