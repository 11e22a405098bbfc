"""The page that `hocket serve` shows: the built files of `web/`, or, where they are missing, how to build them."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import HTMLResponse
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
            self._files = ExceptionMiddleware(StaticFiles(directory=self._built, html=True))
        return self._files
