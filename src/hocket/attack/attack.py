"""`hocket attack`, below the command line: whose server it is, a server of its own, a run, and what is printed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

from hocket.attack import report, table
from hocket.attack.catalogue import ATTACKS, Attack, chosen
from hocket.attack.options import AttackOptions, is_here
from hocket.attack.run import Run
from hocket.config import ConfigError
from hocket.load.interrupt import INTERRUPTED, until_interrupted
from hocket.load.options import websocket_url
from hocket.load.own_server import own_server
from hocket.load.progress import ProgressLine

HARMED = 1
"""Exit code when an attack did harm."""


def attack(options: AttackOptions, say: Callable[[str], None] = print) -> int:
    """Attacks a server and prints what came of it.

    Args:
        options: what was asked for.
        say: takes each line of the report, or the JSON.

    Returns:
        The exit code: 0 when everybody was unharmed, 1 when not, 130 after Ctrl-C, when what was found is told.

    Raises:
        ConfigError: there is no such attack, or nobody has said that the server is theirs.
        BenchError: the two people cannot join, so that nothing can be said.
        StartError: the own server does not start.
    """
    if options.list:
        say("\n".join(table.catalogue(ATTACKS)))
        return 0
    options.check_server()
    attacks = chosen(options.only)
    if options.url is not None and not is_here(options.url) and not options.yes:
        _ask(options.url)
    found, interrupted = asyncio.run(_attack(options, attacks))
    if found is not None and options.json:
        say(report.to_json(found))
    elif found is not None:
        colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        say("\n".join(table.lines(found, colours=colours)))
    if interrupted:
        return INTERRUPTED
    return HARMED if found is None or found.harmed else 0


def _ask(url: str) -> None:
    """Has a person say that the server is theirs.

    Raises:
        ConfigError: it is not, or nobody can be asked.
    """
    warning = f"This attacks {url}. Do it only to a server that is yours: to any other it is a crime in most places."
    if not sys.stdin.isatty():
        raise ConfigError(f"{warning} Say --yes if it is.")
    print(warning, file=sys.stderr)
    if input("Is this server yours? Type yes: ").strip().lower() != "yes":
        raise ConfigError("Nothing was attacked.")


async def _attack(options: AttackOptions, attacks: list[Attack]) -> tuple[report.Report | None, bool]:
    progress = ProgressLine()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(progress.clear)
        url, pid = options.url, options.pid
        if url is None:
            server = await stack.enter_async_context(own_server(_own_words(options)))
            url, pid = server.url, server.pid
        run = Run(websocket_url(url), options, attacks, pid)
        interrupted = await until_interrupted(run.perform(progress))
    return run.report(), interrupted


def _own_words(options: AttackOptions) -> list[str]:
    """Free ports of the loopback, and otherwise what every server has, unless `--serve` says more."""
    defaults = {"--port": "0", "--media-port": "0", "--announce": "127.0.0.1"}
    words = options.serve_words
    named = {word.partition("=")[0] for word in words}
    return [*(word for name, value in defaults.items() if name not in named for word in (name, value)), *words]
