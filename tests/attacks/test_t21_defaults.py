"""T21: what is not said in so many words stays shut, whatever else is said; and no secret is known beforehand."""

from __future__ import annotations

import dataclasses
import itertools
import re
import subprocess
from pathlib import Path
from typing import cast

import pytest

from hocket.auth import Credentials, User
from hocket.config import ConfigError, Limits, ServeOptions, read_networks
from hocket.hrpc.asgi import Message, Scope
from hocket.listening import listen
from hocket.policy import is_local_address
from hocket.proxies import AsgiApp
from hocket.selfsigned import FILE, SelfSigned
from hocket.server import VoiceServer
from hocket.serving import uvicorn_config, voice_server
from tests.server.wire import PATH

ROOT = Path(__file__).parents[2]

HOSTS = {"127.0.0.1": True, "localhost": True, "::1": True, "0.0.0.0": False, "::": False}
"""Where one may listen, and whether that is this machine alone."""

AUTHS = (None, "open", f"{__name__}:nobody")
ANNOUNCED = {(): False, ("127.0.0.1", "::1", "localhost"): False, ("203.0.113.7",): True, ("voice.example.org",): True}
"""What may be announced, and whether it leads elsewhere than to this machine."""

TRUSTED = ((), ("127.0.0.1", "::1"), ("10.0.0.0/8",))


async def nobody(credentials: Credentials) -> User | None:
    """An operator's own function, which lets nobody in."""
    return None


async def status(voice: VoiceServer, options: ServeOptions, peer: str, **headers: str) -> int:
    """What a WebSocket from `peer` is answered by the app that uvicorn gets: 101, or the status of the refusal."""
    config = uvicorn_config(voice, Limits(), trusted_proxies=read_networks(options.trusted_proxy))
    app = cast(AsgiApp, config.app)
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": "websocket",
        "path": PATH,
        "headers": named,
        "subprotocols": ["hrpc1"],
        "client": (peer, 1),
        "extensions": {"websocket.http.response": {}},
    }
    inbox: list[Message] = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}]
    sent: list[Message] = []

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return 101 if sent[0]["type"] == "websocket.accept" else int(sent[0]["status"])


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("auth", AUTHS, ids=["nothing said", "open", "own function"])
async def test_every_combination_lets_in_whom_it_was_told_to_and_nobody_else(host: str, auth: str | None) -> None:
    sockets = listen(host, 0)
    local = all(is_local_address(each.getsockname()[0]) for each in sockets)
    for each in sockets:
        each.close()
    assert local == HOSTS[host]
    for announce, trusted in itertools.product(ANNOUNCED, TRUSTED):
        options = ServeOptions(host=host, auth=auth, announce=announce, trusted_proxy=trusted, port=0, workers=1)
        if auth is None and not local:
            with pytest.raises(ConfigError, match="--auth open"):
                voice_server(options, local=local)
            continue
        voice = voice_server(dataclasses.replace(options, announce=("127.0.0.1",)), local=local)
        voice._authenticate = voice_server(options, local=local)._authenticate  # its names need not be looked up
        async with voice:
            own = 401 if auth == AUTHS[2] else 101
            said = auth == "open" and (not local or ANNOUNCED[announce])
            others = own if said or auth == AUTHS[2] else 403
            case = f"{options}"
            assert await status(voice, options, "127.0.0.1", host="localhost:8080") == own, case
            assert await status(voice, options, "::1", host="[::1]:8080") == own, case
            assert await status(voice, options, "127.0.0.1", host="rebound.example") == others, case
            assert await status(voice, options, "192.0.2.9", host="localhost") == others, case
            for header in ("x_forwarded_for", "forwarded", "via", "x_real_ip", "x_forwarded_host"):
                for value in ("127.0.0.1", "::1", "203.0.113.9", "unknown", ""):
                    passed = await status(voice, options, "127.0.0.1", host="localhost", **{header: value})
                    assert passed == others, f"{header}: {value}; {case}"
            foreign = {"host": "localhost:8080", "origin": "https://evil.example"}
            assert await status(voice, options, "127.0.0.1", **foreign) == 403, case


async def test_a_stranger_does_not_become_local_by_saying_so_to_a_trusted_proxy() -> None:
    options = ServeOptions(trusted_proxy=("127.0.0.1", "192.0.2.0/24"))
    async with voice_server(options, local=True) as voice:
        for peer in ("127.0.0.1", "192.0.2.9", "203.0.113.9"):
            for claimed in ("127.0.0.1", "::1", "127.0.0.1, 127.0.0.1", "127.0.0.1:8080", "[::1]:8080"):
                assert await status(voice, options, peer, host="localhost", x_forwarded_for=claimed) == 403


async def test_without_options_this_machine_alone_comes_in() -> None:
    options = ServeOptions()
    assert (options.host, options.auth, options.trusted_proxy, options.allow_origin) == ("127.0.0.1", None, (), ())
    for voice in (voice_server(options, local=True), VoiceServer(announce=["127.0.0.1"])):
        async with voice:
            assert await status(voice, options, "127.0.0.1", host="localhost") == 101
            assert await status(voice, options, "192.0.2.9", host="voice.example.org") == 403


def test_no_key_is_shipped() -> None:
    """A private key in the repository would be everybody's: what has one makes it when it starts."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}")
    shipped = [name for name in listing.stdout.split("\0") if name and not name.startswith(("crates/", "fuzz/"))]
    assert [name for name in shipped if key.search((ROOT / name).read_bytes())] == []


async def test_every_server_has_secrets_of_its_own(tmp_path: Path) -> None:
    async with VoiceServer(announce=["127.0.0.1"]) as one, VoiceServer(announce=["127.0.0.1"]) as other:
        assert set(one.engine.fingerprints).isdisjoint(other.engine.fingerprints)
        passwords = [
            engine.create_transport(engine.create_router()).password
            for engine in (one.engine, one.engine, other.engine)
        ]
        assert len(set(passwords)) == 3
    for name in ("a", "b"):
        SelfSigned(tmp_path / name, must=["localhost"])
    assert (tmp_path / "a" / FILE).read_bytes() != (tmp_path / "b" / FILE).read_bytes()


def test_no_option_has_a_secret_for_a_default() -> None:
    """What could be one is empty, or is made anew by each server."""
    defaults = {each.name: getattr(ServeOptions(), each.name) for each in dataclasses.fields(ServeOptions)}
    secretive = [name for name in defaults if re.search("key|secret|token|password", name)]
    assert [name for name in secretive if defaults[name]] == []
