"""Whether the server is alive and whether it wants people: `/livez` and `/readyz`, for whoever watches over it.

Both are for everybody and say one word. A supervisor starts a process anew whose `/livez` does not answer; a balancer
sends nobody to a server whose `/readyz` is not 200. Before its end a server is alive and not ready.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket.hrpc.asgi import Receive, Scope, Send, route_path

ALIVE = "/livez"
READY = "/readyz"

PATHS = frozenset({ALIVE, READY})


class Health:
    """An ASGI app for HTTP, to be mounted under any prefix."""

    def __init__(self, ready: Callable[[], bool]) -> None:
        """Asks `ready` for every `/readyz`; it must be quick."""
        self._ready = ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request: 200 `ok` or, from `/readyz`, 503 `not ready`; 404 for other paths, 405 for a POST."""
        if scope["type"] != "http":
            raise RuntimeError("health is asked over HTTP")
        status, word = self._answer(route_path(scope), scope["method"])
        body = f"{word}\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, path: str, method: str) -> tuple[int, str]:
        if path not in PATHS:
            return 404, "no such page"
        if method not in ("GET", "HEAD"):
            return 405, "only GET and HEAD"
        if path == READY and not self._ready():
            return 503, "not ready"
        return 200, "ok"
