"""The page: the built files with their headers, or the one command that builds them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest_asyncio

from hocket.page import Page


@pytest_asyncio.fixture
async def built(tmp_path: Path) -> AsyncIterator[tuple[Path, httpx.AsyncClient]]:
    """An empty folder, and a browser that looks at it."""
    folder = tmp_path / "web"
    folder.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    transport = httpx.ASGITransport(app=Page(folder))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield folder, http


async def test_without_a_built_page_the_root_names_the_one_command_that_builds_it(
    built: tuple[Path, httpx.AsyncClient],
) -> None:
    folder, http = built
    answer = await http.get("/")
    assert answer.status_code == 503
    assert "<code>make web</code>" in answer.text
    assert (await http.get("/favicon.ico")).status_code == 404
    (folder / "index.html").write_text("built meanwhile")
    assert (await http.get("/")).text == "built meanwhile"


async def test_the_page_is_looked_at_anew_and_what_has_a_hash_in_its_name_is_kept(
    built: tuple[Path, httpx.AsyncClient],
) -> None:
    folder, http = built
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("page")
    (folder / "assets" / "index-abc.js").write_text("script")
    assert (await http.get("/")).headers["cache-control"] == "no-cache"
    script = await http.get("/assets/index-abc.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert (await http.get("/assets/gone.js")).headers["cache-control"] == "no-cache"


async def test_every_answer_keeps_other_sites_and_the_camera_out(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    for path in ("/", "/nothing"):
        headers = (await http.get(path)).headers
        assert "script-src" not in headers["content-security-policy"]
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert "camera=()" in headers["permissions-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert folder.exists()


async def test_text_is_compressed_for_those_who_take_it_and_plain_for_others(
    built: tuple[Path, httpx.AsyncClient],
) -> None:
    folder, http = built
    script = "let voice = 'one sounding while the others rest';\n" * 1_000
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("page")
    (folder / "assets" / "index-abc.js").write_text(script)
    for accepted in ("gzip", "deflate, gzip;q=0.5, br", "GZIP ; q=1"):
        answer = await http.get("/assets/index-abc.js", headers={"accept-encoding": accepted})
        assert (answer.text, answer.headers["content-encoding"]) == (script, "gzip")
        assert int(answer.headers["content-length"]) < len(script) / 10
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-type"].startswith("text/javascript")
    for accepted in ("identity", "", "br", "gzip;q=0", "gzip; q=0.000, br", "gzipped"):
        answer = await http.get("/assets/index-abc.js", headers={"accept-encoding": accepted})
        assert (answer.text, answer.headers.get("content-encoding")) == (script, None)
        assert answer.headers["vary"].lower() == "accept-encoding"


async def test_a_part_of_a_file_is_a_part_of_the_plain_one(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    (folder / "index.html").write_text("page")
    answer = await http.get("/", headers={"accept-encoding": "gzip", "range": "bytes=0-1"})
    assert (answer.status_code, answer.text, answer.headers.get("content-encoding")) == (206, "pa", None)


async def test_what_a_browser_has_already_is_not_sent_again_compressed_or_not(
    built: tuple[Path, httpx.AsyncClient],
) -> None:
    folder, http = built
    (folder / "index.html").write_text("page")
    for accepted in ("gzip", "identity"):
        etag = (await http.get("/", headers={"accept-encoding": accepted})).headers["etag"]
        again = await http.get("/", headers={"accept-encoding": accepted, "if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")


async def test_a_page_that_is_built_anew_is_compressed_anew(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    page = folder / "index.html"
    for number, text in enumerate(("first", "second")):
        page.write_text(text)
        os.utime(page, (number, number))
        assert (await http.get("/")).text == text


async def test_a_font_is_not_compressed_twice(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    (folder / "index.html").write_text("page")
    (folder / "figtree.woff2").write_bytes(b"wOF2" + b"\0" * 5_000)
    assert "content-encoding" not in (await http.get("/figtree.woff2")).headers


async def test_nothing_outside_the_folder_is_served(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    (folder / "index.html").write_text("page")
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"):
        assert "secret" not in (await http.get(path)).text


async def test_only_reading_is_allowed(built: tuple[Path, httpx.AsyncClient]) -> None:
    folder, http = built
    (folder / "index.html").write_text("page")
    assert (await http.post("/")).status_code == 405
