"""T13: whatever a client does to its socket, memory and descriptors are bounded, and go back to where they were.

What ends a single stream (oversized frames, compressed ones, fragments without end, stalls at each step) stands in
tests/server/test_attacks.py; here is what is left of many of them, what takes its time, and who notices.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from hocket.config import Limits
from hocket.connections import BODY_LIMIT, FRAGMENT_LIMIT, HEAD_LIMIT, HttpConnection, WebSocketConnection
from hocket.hrpc.codec import REQUEST_LIMIT
from hocket.server import VoiceServer
from tests.server.running import running, until
from tests.server.test_attacks import Raw, resident
from tests.server.wire import PATH, Client
from tests.voice import shapes

ROUNDS = 8
"""How often each abuse is done at once."""

GROWTH_LIMIT = 16 * 2**20
"""Bytes that the process may have grown after all of them: less than one megabyte for each kind times ROUNDS."""

POST = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()

BINARY, TEXT, CLOSE, PING, PONG = 0x2, 0x1, 0x8, 0x9, 0xA


async def silent(base: str) -> Raw:
    return await Raw.connect(base)


async def half_a_head(base: str) -> Raw:
    raw = await Raw.connect(base)
    raw.writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
    return raw


async def endless_head(base: str) -> Raw:
    raw = await Raw.connect(base)
    raw.writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * (HEAD_LIMIT // 6 + 1))
    return raw


async def half_a_body(base: str) -> Raw:
    raw = await Raw.connect(base)
    raw.writer.write(POST + b"Content-Length: 1000000\r\n\r\nx")
    return raw


async def body_after_the_answer(base: str) -> Raw:
    raw = await Raw.connect(base)
    raw.writer.write(POST + b"Content-Length: 1000000\r\n\r\n")
    await raw.reader.readuntil(b"\r\n\r\n")
    raw.writer.write(b"x")
    return raw


async def endless_body(base: str) -> Raw:
    raw = await Raw.connect(base)
    raw.writer.write(POST + b"Transfer-Encoding: chunked\r\n\r\nFFFFFF\r\n" + b"x" * (HEAD_LIMIT + BODY_LIMIT))
    return raw


async def half_closed_before_the_head(base: str) -> Raw:
    raw = await half_a_head(base)
    raw.writer.write_eof()
    return raw


async def half_closed_stream(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.writer.write_eof()
    return raw


async def stalled_after_the_upgrade(base: str) -> Raw:
    return await Raw.upgrade(base)


async def stalled_inside_a_frame(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.writer.write(bytes([0x82, 0x80 | 127]) + REQUEST_LIMIT.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 1_000)
    return raw


async def stalled_after_prepare(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    for request in (shapes.initialize(), shapes.prepare()):
        raw.frame(BINARY, request.SerializeToString())
    return raw


async def oversized_frame(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(BINARY, b"\0" * (2 * REQUEST_LIMIT + 1))
    return raw


async def frame_of_claimed_terabytes(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.writer.write(bytes([0x82, 0x80 | 127]) + (2**42).to_bytes(8, "big") + b"\0\0\0\0")
    return raw


@functools.cache
def bomb() -> bytes:
    """64 MiB of nothing, compressed as permessage-deflate does (RFC 7692)."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(b"\0" * 64 * 2**20) + packer.flush()


async def compressed_bomb(base: str) -> Raw:
    raw = await Raw.upgrade(base, "Sec-WebSocket-Extensions: permessage-deflate")
    raw.frame(BINARY, bomb(), reserved=0x40)
    return raw


async def text_frame(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(TEXT, b"hello")
    return raw


async def text_that_is_none(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(TEXT, b"\xff\xfe")
    return raw


async def endless_fragments(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(BINARY, final=False)
    for _ in range(FRAGMENT_LIMIT + 1):
        raw.frame(0x0, final=False)
    return raw


async def unmasked_frame(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.writer.write(b"\x82\x01x")
    return raw


async def control_frame_too_long(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(PING, b"x" * 200)
    return raw


async def close_without_going(base: str) -> Raw:
    raw = await Raw.upgrade(base)
    raw.frame(CLOSE, b"\x03\xe8")
    return raw


ABUSES: list[Callable[[str], Awaitable[Raw]]] = [
    silent,
    half_a_head,
    endless_head,
    half_a_body,
    body_after_the_answer,
    endless_body,
    half_closed_before_the_head,
    half_closed_stream,
    stalled_after_the_upgrade,
    stalled_inside_a_frame,
    stalled_after_prepare,
    oversized_frame,
    frame_of_claimed_terabytes,
    compressed_bomb,
    text_frame,
    text_that_is_none,
    endless_fragments,
    unmasked_frame,
    control_frame_too_long,
    close_without_going,
]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@contextlib.asynccontextmanager
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[VoiceServer, str]]:
    """A server whose bounds in time are short."""
    monkeypatch.setattr(HttpConnection, "request_seconds", 1.0)
    monkeypatch.setattr(WebSocketConnection, "close_seconds", 1.0)
    monkeypatch.setattr("hocket.serving.PING_INTERVAL", 1.0)
    monkeypatch.setattr("hocket.serving.PING_TIMEOUT", 10.0)
    async with running(limits=Limits(step_seconds=1.0)) as pair:
        yield pair


@pytest.mark.parametrize("abuse", ABUSES, ids=lambda abuse: abuse.__name__)
async def test_every_abuse_of_a_socket_is_ended_by_the_server_in_time(
    abuse: Callable[[str], Awaitable[Raw]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with impatient(monkeypatch) as (voice, base):
        raw = await abuse(base)
        assert await raw.closed(seconds=15)
        await until(lambda: voice.streams == 0)
        assert voice.dump()["counts"] == {}
    faults = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert faults == [], "no stranger fills the log"


async def test_after_all_of_them_at_once_memory_and_descriptors_are_back_and_a_pair_has_not_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with impatient(monkeypatch) as (voice, base):
        async with await Client.open(base, "1") as ada, await Client.open(base, "2") as bob:
            await ada.join()
            await bob.join()
            assert await ada.words(1) == ["+2"]
            streams, dump = voice.streams, voice.engine.dump()
            await attack_once(base, voice, streams)  # what is allocated once
            before, memory = descriptors(), resident()
            for _ in range(3):
                await attack_once(base, voice, streams)
            await until(lambda: descriptors() == before)
            gc.collect()
            assert resident() - memory < GROWTH_LIMIT
            after = voice.engine.dump()
            assert (after.transports, after.producers) == (dump.transports, dump.producers)
            await bob.socket.close()
            assert await ada.words(1) == ["-2"], "all that ada heard meanwhile is that bob left"
        await until(lambda: voice.streams == 0)
        assert voice.dump() == {"streams": 0, "counts": {}, "channels": {}}


async def attack_once(base: str, voice: VoiceServer, streams: int) -> None:
    """Every abuse, ROUNDS of each at the same time, and all to their end."""
    chosen = ABUSES * ROUNDS
    ended = await asyncio.gather(*[abused(base, abuse) for abuse in chosen])
    assert [abuse.__name__ for abuse, end in zip(chosen, ended, strict=True) if not end] == []
    await until(lambda: voice.streams == streams)


async def abused(base: str, abuse: Callable[[str], Awaitable[Raw]]) -> bool:
    raw = await abuse(base)
    return await raw.closed(seconds=15)


@pytest.mark.parametrize("opcode", [PING, PONG], ids=["pings", "pongs"])
async def test_a_flood_by_a_client_that_reads_fills_no_memory_and_others_join_meanwhile(opcode: int) -> None:
    async with running() as (voice, base):
        raw = await Raw.upgrade(base)
        frames = (bytes([0x80 | opcode, 0x80 | 125]) + b"\0\0\0\0" + b"x" * 125) * 1_000
        stop = asyncio.Event()

        async def write() -> int:
            sent = 0
            while not stop.is_set():
                raw.writer.write(frames)
                await raw.writer.drain()
                sent += len(frames)
            return sent

        async def read() -> None:
            while await raw.reader.read(2**20):
                pass

        before = resident()
        async with asyncio.TaskGroup() as tasks:
            reading, writing = tasks.create_task(read()), tasks.create_task(write())
            for number in range(10):
                async with await Client.open(base, str(number + 1)) as client:
                    assert (await client.join())[-1] == "joined[]"
            stop.set()
            assert await writing > len(frames)
            raw.abort()
            reading.cancel()
        assert resident() - before < 24 * 2**20
        await until(lambda: voice.streams == 0)


async def test_a_member_that_stalls_inside_a_frame_is_gone_when_it_answers_no_ping(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hocket.serving.PING_INTERVAL", 0.5)
    monkeypatch.setattr("hocket.serving.PING_TIMEOUT", 0.5)
    async with running() as (voice, base), await Client.open(base, "2") as bob:
        await bob.join()
        raw = await Raw.upgrade(base, "Authorization: 1")
        for request in (shapes.initialize(), shapes.prepare(), shapes.join()):
            raw.frame(BINARY, request.SerializeToString())
        assert await bob.words(1) == ["+1"]
        raw.writer.write(bytes([0x82, 0x80 | 126, 0x10, 0x00]) + b"\0\0\0\0" + b"x" * 100)
        assert await bob.words(1) == ["-1"]
        assert await raw.closed()
        await until(lambda: voice.streams == 1)
