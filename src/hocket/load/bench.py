"""`hocket bench`, below the command line: a server, a run, Ctrl-C, and what is printed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

from hocket.load import result, table
from hocket.load.interrupt import INTERRUPTED, until_interrupted
from hocket.load.options import BenchOptions, websocket_url
from hocket.load.own_server import arguments, own_server
from hocket.load.progress import ProgressLine
from hocket.load.run import Run


def bench(options: BenchOptions, say: Callable[[str], None] = print) -> int:
    """Loads a server and prints what came of it.

    Args:
        options: what was asked for.
        say: takes each line of the result, or the JSON.

    Returns:
        The exit code: 0, or 130 after Ctrl-C, when what was measured so far has been printed.

    Raises:
        BenchError: there is nothing to measure; the message says why.
        StartError: the own server does not start.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_bench(options, say))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where there is one: it sends in one call what a turn of the loop says, a joiner's thousand requests."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _bench(options: BenchOptions, say: Callable[[str], None]) -> int:
    async with contextlib.AsyncExitStack() as stack:
        url, pid = options.url, options.pid
        if url is None:
            server = await stack.enter_async_context(own_server(arguments(options)))
            url, pid = server.url, server.pid
        run = await stack.enter_async_context(Run(options, websocket_url(url), pid, ProgressLine()))
        interrupted = await until_interrupted(run.perform())
        found = run.result()
    if options.json:
        say(result.to_json(found))
    else:
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        say("\n".join(table.lines(found, colours=colours)))
    return INTERRUPTED if interrupted else 0
