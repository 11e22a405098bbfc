"""The page that `hocket serve` shows: the built files of `web/`, or, where they are missing, how to build them."""

from __future__ import annotations

import gzip
import os
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUILT = Path(__file__).parent / "web"

_ALWAYS = {
    "content-security-policy": (
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:; "
        "style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "permissions-policy": "microphone=(self), speaker-selection=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The page runs its own scripts and nobody else's, and lends the microphone to no other site. `ws:` for the browsers in
which 'self' does not cover WebSockets."""

_FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose name holds a hash of what is in them."""

_TEXT = ("text/", "application/json", "image/svg+xml")
"""Types that gzip makes smaller: a third of the script is left. Fonts are compressed already."""

_FILES_KEPT = 64
"""How many compressed files are kept; a built page has fewer than ten."""

_UNBUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Hocket</title>
<style>body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 38rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>The page is not built yet</h1>
<p>The voice server runs, but this copy of Hocket has no page. In the source folder, run</p>
<pre><code>make web</code></pre>
<p>and load this page again. An installed package brings the page along.</p></html>
"""


class Page:
    """An ASGI app for HTTP."""

    def __init__(self, built: Path = BUILT) -> None:
        """Serves a folder; it is looked at anew for every request, so that a page built meanwhile shows up."""
        self._built = built
        self._files: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        immutable = "/assets/" in scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                found = message["status"] in (200, 304)
                headers["cache-control"] = _FOR_EVER if immutable and found else "no-cache"
            await send(message)

        await self._app(scope)(scope, receive, send_with_headers)

    def _app(self, scope: Scope) -> ASGIApp:
        if not (self._built / "index.html").is_file():
            return HTMLResponse(_UNBUILT, status_code=503 if scope["path"].endswith("/") else 404)
        if self._files is None:
            # StaticFiles raises its 404s for the app around it to answer.
            self._files = ExceptionMiddleware(_Files(directory=self._built, html=True))
        return self._files


class _Files(StaticFiles):
    """A folder's files, gzipped for those who take it. Each is compressed once, and not on the way to each browser:
    that would hold up the loop on which people join."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The answer with a file, or that the client has it already."""
        plain = super().file_response(full_path, stat_result, scope, status_code)
        if not (plain.media_type or "").startswith(_TEXT):
            return plain
        plain.headers.add_vary_header("accept-encoding")
        asked = Headers(scope=scope)
        if not isinstance(plain, FileResponse) or "range" in asked or not _takes_gzip(asked.get("accept-encoding", "")):
            return plain
        body = _gzipped(os.fspath(full_path), stat_result.st_mtime_ns)
        response = Response(body, status_code, media_type=plain.media_type)
        kept = ("last-modified", "vary")
        response.headers.update({name: plain.headers[name] for name in kept} | {"content-encoding": "gzip"})
        response.headers["etag"] = f"W/{plain.headers['etag']}"  # the same file, not the same bytes (RFC 9110 §8.8.1)
        return response


@lru_cache(maxsize=_FILES_KEPT)
def _gzipped(file: str, changed: int) -> bytes:
    """A file's content, compressed. `changed`: when it was written, so that a page built anew is read anew."""
    return gzip.compress(Path(file).read_bytes(), mtime=0)


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, and not with `q=0`, which refuses it (RFC 9110 §12.5.3)."""
    for entry in accepted.lower().split(","):
        coding, _, weight = entry.replace(" ", "").partition(";")
        if coding == "gzip":
            return weight.removeprefix("q=").strip("0.") != "" or not weight
    return False
