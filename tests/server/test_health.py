"""`/livez` and `/readyz`: what a supervisor and a balancer are told."""

from __future__ import annotations

import types

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from hocket.config import Limits
from hocket.connections import HttpConnection
from hocket.server import VoiceServer
from tests.server.running import running
from tests.server.test_attacks import Raw


async def ask(base: str, path: str, method: str = "GET") -> tuple[int, str]:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.request(method, base + path)
        return answer.status_code, answer.text


@pytest.mark.parametrize("page", [True, False])
async def test_a_server_that_runs_is_alive_and_ready(page: bool) -> None:
    async with running(page=page) as (voice, base):
        assert voice.ready
        for path in ("/livez", "/readyz", "/readyz?verbose"):
            assert await ask(base, path) == (200, "ok\n")
            assert await ask(base, path, "HEAD") == (200, "")
            assert (await ask(base, path, "POST"))[0] == 405


async def test_a_server_that_drains_is_alive_and_not_ready() -> None:
    async with running() as (voice, base):
        await voice.drain()
        assert await ask(base, "/livez") == (200, "ok\n")
        assert await ask(base, "/readyz") == (503, "not ready\n")


async def test_a_server_whose_media_engine_has_ended_is_not_ready() -> None:
    async with running() as (voice, base):
        voice.engine.close()
        assert await ask(base, "/readyz") == (503, "not ready\n")
        assert await ask(base, "/livez") == (200, "ok\n")


async def test_a_server_that_has_lost_a_media_thread_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as (voice, _):
        threads = voice.engine.dump().threads
        with monkeypatch.context() as patch:
            patch.setattr(type(voice.engine), "dump", lambda _: types.SimpleNamespace(threads=threads - 1))
            assert not voice.ready
        assert voice.ready


async def test_a_server_that_does_not_run_is_not_ready() -> None:
    voice = VoiceServer()
    assert not voice.ready
    async with voice:
        assert voice.ready
    assert not voice.ready


async def test_an_app_mounts_it_where_it_likes_and_both_prefixes_answer() -> None:
    voice = VoiceServer(announce=["127.0.0.1"], workers=1)
    app = Starlette(routes=[Mount("/health", voice.health), Mount("/voice", voice.asgi)])
    async with voice, httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        for path in ("/health/livez", "/health/readyz", "/voice/livez", "/voice/readyz"):
            assert (await http.get(path)).status_code == 200
        assert (await http.get("/health/other")).status_code == 404


async def test_a_full_server_is_alive_and_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpConnection, "request_seconds", 60.0)
    limits = Limits(streams=8)  # and 512 connections beside them, as uvicorn_config says
    async with running(limits=limits) as (_, base):
        silent = [await Raw.connect(base) for _ in range(8 + 512)]
        assert (await ask(base, "/protocol.voice.v1.VoiceService/StreamMessage"))[0] == 503
        for path in ("/livez", "/readyz"):
            assert await ask(base, path) == (200, "ok\n")
        for raw in silent:
            raw.abort()
