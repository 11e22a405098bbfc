"""`hocket serve --auth harmony`: from options to a `HarmonyAuth`. Reads and makes files, and opens no connection."""

from __future__ import annotations

from pathlib import Path

from hocket.auth.harmony.authenticator import HarmonyAuth
from hocket.auth.harmony.ids import IdTable
from hocket.auth.harmony.permissions import Nodes
from hocket.auth.harmony.servers import by_name, check_server_id, check_token, read_homeserver
from hocket.auth.harmony.sessions import Sessions
from hocket.auth.harmony.state import IDS_FILE, ids_secret, own_key
from hocket.config import ConfigError, ServeOptions

_TOKEN_LIMIT = 8 * 1024
"""Longest file of a token, in bytes."""


def harmony_auth(options: ServeOptions) -> HarmonyAuth:
    """What the options ask for.

    Raises:
        ConfigError: something is missing, wrong, or cannot be read.
    """
    if options.server_id is None:
        raise ConfigError(
            "--auth harmony needs --server-id: the host name by which Harmony's clients know this server."
        )
    check_server_id(options.server_id, "--server-id")
    if options.harmony_state is None:
        raise ConfigError("--auth harmony needs --harmony-state: a folder in which this server keeps its key.")
    if not options.homeserver or len(options.harmony_token_file) != len(options.homeserver):
        raise ConfigError(
            "--auth harmony needs --homeserver, and for each a --harmony-token-file in the same order: what this "
            "server shows when it asks for permissions."
        )
    homeservers = [
        read_homeserver(entry, _read_token(file), plain_http=options.harmony_plain_http)
        for entry, file in zip(options.homeserver, options.harmony_token_file, strict=True)
    ]
    by_name(homeservers)
    key = own_key(options.harmony_state)
    several = len(homeservers) > 1
    return HarmonyAuth(
        server_id=options.server_id,
        homeservers=homeservers,
        key=key,
        ids=IdTable(options.harmony_state / IDS_FILE, ids_secret(key)) if several else None,
        nodes=Nodes(join=options.harmony_join, listen=options.harmony_listen, speak=options.harmony_speak),
        sessions=Sessions(idle_seconds=options.harmony_session_seconds),
        recheck_seconds=options.harmony_recheck_seconds,
        outage=options.harmony_outage,
    )


def _read_token(file: Path) -> str:
    """The token in a file.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_TOKEN_LIMIT).decode("ascii", "replace")
    except OSError as error:
        raise ConfigError(f"--harmony-token-file {file}: {error.strerror or error}.") from None
    return check_token(text, f"--harmony-token-file {file}")
