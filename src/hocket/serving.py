"""`hocket serve`, below the command line: uvicorn, from start to end. A small user of `VoiceServer`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import importlib
import logging
import os
import socket
import ssl
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from types import ModuleType
from typing import Any, cast

import uvicorn

from hocket import banner, output
from hocket.auth import Authenticate
from hocket.auth.open import OpenAuth
from hocket.config import (
    PING_INTERVAL,
    PING_TIMEOUT,
    ConfigError,
    IpNetwork,
    Limits,
    ServeOptions,
    installed_version,
    read_networks,
)
from hocket.connections import HttpConnection, WebSocketConnection
from hocket.descriptors import Descriptors
from hocket.hrpc.codec import REQUEST_LIMIT
from hocket.https import load_certificates
from hocket.listening import BACKLOG, listen, why
from hocket.logging import Sparing
from hocket.network import own_addresses
from hocket.page import BUILT
from hocket.policy import is_local_address, is_local_host
from hocket.proxies import BehindProxies
from hocket.server import VoiceServer
from hocket.stopping import signals
from hocket.tls import Certificates

_FRAME_LIMIT = 2 * REQUEST_LIMIT
"""Longest WebSocket message. Between REQUEST_LIMIT and this one the client gets our error; beyond, close code 1009."""

_HANDSHAKE_SECONDS = 10.0
_GOODBYE_SECONDS = 5.0
"""Time for a client to do its part of the TLS handshake, and to answer the `close_notify` at the end."""

_YOUNG_OBJECTS = 200_000
"""New objects after which the collector looks for cycles among them. A join makes some thousand that live as long as
its stream; looking through them each 700, Python's default, was a quarter of a join's CPU time. A stream leaves no
cycle (`tests/server/test_leaks.py`), so what the collector is there for is what nobody has thought of."""


def serve(options: ServeOptions, say: Callable[[str], None] = print) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        options: what was asked for.
        say: takes each of the first lines.

    Raises:
        ConfigError: the options contradict each other.
        StartError: a port is taken, or an address is not this machine's.
    """
    HttpConnection.descriptors = Descriptors()
    sockets = listen(options.host, options.port)
    with contextlib.ExitStack() as stack:
        for each in sockets:
            stack.enter_context(each)
        local = all(is_local_address(each.getsockname()[0]) for each in sockets)
        voice = voice_server(options, local=local)
        certificates = load_certificates(options)
        config = uvicorn_config(
            voice,
            options.limits,
            None if certificates is None else certificates.context,
            read_networks(options.trusted_proxy),
        )
        with asyncio.Runner(loop_factory=lambda: _event_loop(config)) as runner:
            runner.run(_run(voice, config, sockets, options, certificates, local, say))


def _has_proxy(options: ServeOptions) -> bool:
    """Whether media is announced elsewhere than on this machine: then a proxy may stand before a loopback address."""
    return not all(is_local_host(entry) or is_local_address(entry.strip("[]")) for entry in options.announce)


def choose_auth(options: ServeOptions, *, local: bool, everywhere: bool) -> Authenticate:
    """The authenticator that `--auth` names.

    Args:
        options: `auth` is `open`, `jwt`, `harmony`, `module:function`, or None where nothing was said.
        local: the page and the WebSocket are on loopback addresses alone.
        everywhere: requests that were addressed to another host may be meant for this server. Where they cannot be, the
            check of `Host` stays on: a page whose DNS name was rebound to 127.0.0.1 would come in (T21).

    Raises:
        ConfigError: nothing was said, and more than this machine could come in (T21); there is no such function; or
            an option is missing that it needs, or is given that it has no use for.
    """
    auth = options.auth
    if auth == "jwt":
        return _jwt_auth(options)
    _refuse_unused(options, "jwt")
    if auth == "harmony":
        from hocket.auth.harmony.setup import harmony_auth  # brings an HTTP client that nobody else needs

        return harmony_auth(options)
    if auth is None and not local:
        raise ConfigError(
            "Without authentication Hocket serves only the machine that it runs on. Add `--auth open` to let in "
            "everybody who can reach this address, `--auth jwt` whoever has a token, or `--auth module:function` for a "
            "rule of your own; or leave --host at 127.0.0.1."
        )
    if auth in (None, "open"):
        return OpenAuth(everywhere=auth == "open" and everywhere)
    module, _, name = str(auth).partition(":")
    if not module or not name:
        raise ConfigError(f"--auth {auth}: must be `open`, `jwt`, `harmony` or `module:function`.")
    found = getattr(_import(module, f"--auth {auth}"), name, None)
    if not callable(found):
        raise ConfigError(f"--auth {auth}: the module {module} has no function {name}.")
    if isinstance(found, type):
        raise ConfigError(f"--auth {auth}: {name} is a class; name a function, or an object of that class.")
    return cast(Authenticate, found)


def _jwt_auth(options: ServeOptions) -> Authenticate:
    from hocket.auth.jwt import JwtAuth  # an HTTP client and cryptography, for those who need them

    if options.jwt_key is None and options.jwt_jwks is None:
        raise ConfigError(
            "--auth jwt needs the key that tokens are signed with: --jwt-key FILE or --jwt-jwks URL. "
            "`hocket token --new-key --jwt-key FILE` makes a key."
        )
    if options.jwt_key is not None and options.jwt_jwks is not None:
        raise ConfigError("--auth jwt takes its keys from --jwt-key or from --jwt-jwks, not from both.")
    return JwtAuth(key=options.jwt_key, jwks=options.jwt_jwks, issuer=options.jwt_issuer, audience=options.jwt_audience)


def _refuse_unused(options: ServeOptions, part: str) -> None:
    """Refuses options of a way to authenticate that is not on: who gave them believes that it is."""
    for name in options.__dataclass_fields__:
        if name.startswith(f"{part}_") and getattr(options, name) is not None:
            raise ConfigError(f"--{name.replace('_', '-')} is for --auth {part} alone: add that, or leave it out.")


def _import(module: str, option: str) -> ModuleType:
    """An operator's module, looked for in the folder where the command was given first, as `python -m` does.

    Raises:
        ConfigError: there is none, or it fails; the sentence says where.
    """
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{option}: {error}, neither in this folder nor among the installed packages.") from None
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        # A SyntaxError's own text says where; the last frame is Python's importer then.
        where = "" if isinstance(error, SyntaxError) else f" ({at.filename}, line {at.lineno})"
        raise ConfigError(
            f"{option}: the module {module} cannot be imported: {type(error).__name__}: {error}{where}"
        ) from None


def voice_server(options: ServeOptions, *, local: bool) -> VoiceServer:
    """The server that the options ask for. `local`: its page and WebSocket are on loopback addresses alone.

    Raises:
        ConfigError: more than this machine could come in, and nobody has said so (T21).
    """
    authenticate = choose_auth(options, local=local, everywhere=not local or _has_proxy(options))
    return VoiceServer(
        announce=options.announce,
        media_port=options.port if options.media_port is None else options.media_port,
        workers=options.workers,
        pin_workers=options.pin_workers == "auto",
        gather_ms=options.gather_ms,
        silence_dbov=None if options.silence_dbov == "off" else options.silence_dbov,
        active_speakers=options.active_speakers,
        ptime=options.ptime,
        authenticate=authenticate,
        one_channel=options.one_channel,
        allowed_origins=options.allow_origin,
        limits=options.limits,
        page=True,
        announce_loopback=local,
    )


def uvicorn_config(
    voice: VoiceServer,
    limits: Limits,
    tls: ssl.SSLContext | None = None,
    trusted_proxies: Sequence[IpNetwork] = (),
) -> uvicorn.Config:
    """How uvicorn serves voice on the open internet: bounded, watched, without compression."""
    return uvicorn.Config(
        BehindProxies(voice, trusted_proxies) if trusted_proxies else voice.asgi,
        # uvicorn would believe X-Forwarded-For of every client on this machine, and of whom the environment names.
        proxy_headers=False,
        http=HttpConnection,
        ws=WebSocketConnection,
        ws_max_size=_FRAME_LIMIT,
        ws_ping_interval=PING_INTERVAL,
        ws_ping_timeout=PING_TIMEOUT,
        # A few hundred bytes a message gain nothing, and a compressed bomb is none if nothing is unpacked (T13).
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        # Streams are bounded by themselves; this bounds what is no stream yet, or none at all.
        limit_concurrency=limits.streams + 512,
        timeout_graceful_shutdown=cast(int, 0.3),  # it goes to asyncio.wait_for, which takes a float
        ssl_context_factory=None if tls is None else (lambda config, default: tls),
    )


def _event_loop(config: uvicorn.Config) -> asyncio.AbstractEventLoop:
    """uvicorn's choice, with bounds on how long TLS takes to begin and to end. uvicorn asks for none, and the loop
    has 60 s and 30 s of its own, in which a client that says nothing holds a descriptor (T13)."""
    factory = config.get_loop_factory()
    loop = asyncio.new_event_loop() if factory is None else factory()
    if config.is_ssl:
        bounds = {"ssl_handshake_timeout": _HANDSHAKE_SECONDS, "ssl_shutdown_timeout": _GOODBYE_SECONDS}
        loop.create_server = functools.partial(loop.create_server, **bounds)  # type: ignore[method-assign]
    return loop


class _Server(uvicorn.Server):
    """uvicorn whose signals are ours."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None here: uvicorn would raise the signal once more when it is done, and exit as if it had failed."""
        yield


async def _run(
    voice: VoiceServer,
    config: uvicorn.Config,
    sockets: list[socket.socket],
    options: ServeOptions,
    certificates: Certificates | None,
    local: bool,
    say: Callable[[str], None],
) -> None:
    asyncio.get_running_loop().set_exception_handler(_log_sparingly(Sparing(logging.getLogger("hocket.server"))))
    # A self-signed certificate is nobody else's to replace: there SIGHUP stays the end of a closed terminal.
    reload = None if certificates is None or options.tls is not None else certificates.reload
    with signals(reload) as stop:
        async with contextlib.AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(voice)
            except OSError as error:
                port = options.port if options.media_port is None else options.media_port
                raise why(error, f"UDP port {port}", "--media-port") from None
            server = _Server(config)
            serving = asyncio.ensure_future(server.serve(sockets))
            facts = _facts(voice, sockets, options, certificates, local)
            output.say_all(banner.lines(facts, colours=_wants_colours()), say)
            _spare_the_collector()
            watching = None if certificates is None else asyncio.ensure_future(certificates.watch())
            await asyncio.wait({serving, asyncio.ensure_future(stop.asked.wait())}, return_when=asyncio.FIRST_COMPLETED)
            await voice.drain(seconds=options.drain_seconds if stop.gently else 0.0)
            server.should_exit = True
            await serving
            if watching is not None:
                watching.cancel()


def _log_sparingly(log: Sparing) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """What the event loop does with an error that it cannot give to anybody: one that repeats would fill the log."""

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        log.failure(context.get("exception"), "%s", context["message"])

    return handle


def _spare_the_collector() -> None:
    """Has it look less often, and never again through what the start has made."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def _facts(
    voice: VoiceServer,
    sockets: list[socket.socket],
    options: ServeOptions,
    certificates: Certificates | None,
    local: bool,
) -> banner.Facts:
    secure = certificates is not None
    return banner.Facts(
        version=installed_version(),
        urls=_urls(sockets, secure=secure),
        local=local,
        proxied=local and _has_proxy(options),
        said=options.auth is not None,
        secure=secure,
        page=(BUILT / "index.html").is_file(),
        media_port=voice.engine.port,
        announced=voice.announced,
        asked=bool(options.announce),
        auth=options.auth or "open",
        trusted=options.trusted_proxy,
        fingerprint=certificates.fingerprint if certificates is not None and options.tls is not None else "",
        key=_key_told(options),
        homeservers=options.homeserver,
        server_id=options.server_id or "",
    )


def _key_told(options: ServeOptions) -> str:
    """Which key `--auth jwt` checks tokens with, in words; without a URL's query, in which a secret may be."""
    if options.jwt_key is not None:
        return f"the key in {options.jwt_key}"
    return f"a key of {(options.jwt_jwks or '').partition('?')[0]}"


def _urls(sockets: list[socket.socket], *, secure: bool) -> list[str]:
    """Where the page is. For "every address": this machine under `localhost`, and its addresses for the others."""
    port = sockets[0].getsockname()[1]
    hosts: list[str] = []
    for each in sockets:
        address = each.getsockname()[0]
        if address in ("0.0.0.0", "::"):
            own = [ip for _, ip in own_addresses() if not (ip.is_loopback or ip.is_link_local)]
            hosts += ["localhost", *(str(ip) for ip in own if ip.version == 4 or address == "::")]
        else:
            hosts.append(address)
    scheme = "https" if secure else "http"
    return [f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/" for host in dict.fromkeys(hosts)]


def _wants_colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
