"""WebDriver BiDi, as much of it as a test needs to drive Firefox: commands, pages, scripts.

Spoken straight over the browser's WebSocket (W3C WebDriver BiDi): Debian ships no geckodriver, and Playwright's
Firefox is a build of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Json = Any

COMMAND_SECONDS = 30.0
MESSAGE_LIMIT = 16 * 2**20


class BidiError(Exception):
    """The browser refused a command, or a script threw."""


class Bidi:
    """One session. Use it as a context manager."""

    def __init__(self, opened: ClientConnection) -> None:
        self._socket = opened
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def open(cls, address: str, connection: socket.socket | None = None) -> Self:
        """Connects to `ws://…` as the browser printed it, or uses a connection to there, and begins a session."""
        options: dict[str, Any] = {} if connection is None else {"sock": connection}
        opened = await connect(f"{address}/session", max_size=MESSAGE_LIMIT, proxy=None, ping_interval=None, **options)
        session = cls(opened)
        await session.command("session.new", capabilities={})
        return session

    async def close(self) -> None:
        """Ends the connection; the browser goes on."""
        await self._socket.close()
        await self._reader

    async def command(self, method: str, **params: object) -> dict[str, Any]:
        """Sends one command and waits for its result.

        Raises:
            BidiError: the browser says no, or is gone.
            TimeoutError: it says nothing for half a minute.
        """
        number = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
            async with asyncio.timeout(COMMAND_SECONDS):
                answer: dict[str, Any] = await future
        except ConnectionClosed as error:
            raise BidiError(f"{method}: the browser is gone") from error
        finally:
            self._waiting.pop(number, None)
        if answer.get("type") == "error":
            raise BidiError(f"{method}: {answer.get('error')}: {answer.get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                answer = json.loads(message)
                future = self._waiting.get(answer.get("id"))
                if future is not None and not future.done():
                    future.set_result(answer)
        except ConnectionClosed:
            pass
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(BidiError("the browser is gone"))


class BidiPage:
    """One tab."""

    def __init__(self, session: Bidi, context: str) -> None:
        self._session = session
        self._context = context

    @classmethod
    async def open(cls, session: Bidi) -> Self:
        """A new tab."""
        made = await session.command("browsingContext.create", type="tab")
        return cls(session, made["context"])

    async def add_init_script(self, script: str) -> None:
        """Runs `script` in this tab before a page's own scripts."""
        await self._session.command(
            "script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}", contexts=[self._context]
        )

    async def goto(self, url: str) -> None:
        """Opens an address and waits until the page is loaded."""
        await self._session.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, function: str, argument: object = None) -> Json:
        """Calls a function in the page, as a click of the user would; argument and result are JSON."""
        text = json.dumps(json.dumps(argument))
        result = await self._session.command(
            "script.evaluate",
            expression=f"Promise.resolve(({function})(JSON.parse({text}))).then(it => JSON.stringify(it ?? null))",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if result["type"] == "exception":
            raise BidiError(result["exceptionDetails"]["text"])
        return json.loads(result["result"]["value"])

    async def close(self) -> None:
        """Closes the tab."""
        await self._session.command("browsingContext.close", context=self._context)
