"""`hocket serve` as people run it: a process, its first lines, its end."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.auth.tokens import SECRET, ed_key, signed
from tests.secrecy import secrecy
from tests.server.test_attacks import Raw, flood
from tests.server.wire import Client, Refused
from tests.voice import shapes

PATIENCE = 20.0


class Process:
    """A running `hocket serve`."""

    def __init__(self, process: asyncio.subprocess.Process, lines: list[str]) -> None:
        self.process = process
        self.lines = lines

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def base(self) -> str:
        found = re.search(r"https?://\S+", self.text)
        assert found, self.text
        return found[0].rstrip("/")

    async def end(self, number: int = signal.SIGINT) -> tuple[int, float, str]:
        """Sends a signal; gives the exit code, the seconds until the exit, and what was written to stderr."""
        began = time.monotonic()
        self.process.send_signal(number)
        _, errors = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        assert self.process.returncode is not None
        secrecy.read(errors.decode())
        return self.process.returncode, time.monotonic() - began, errors.decode()


@contextlib.asynccontextmanager
async def serving(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hocket",
        "serve",
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if not name.startswith("HOCKET_")} | environment,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while not lines or "Ctrl-C" not in lines[-1]:
                line = await process.stdout.readline()
                if not line:
                    break
                lines.append(line.decode().rstrip("\n"))
                secrecy.read(lines[-1])
        yield Process(process, lines)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def run(*arguments: str) -> tuple[int, str]:
    """Runs what cannot start; gives the exit code and stderr."""
    async with serving(*arguments) as server:
        _, errors = await asyncio.wait_for(server.process.communicate(), PATIENCE)
        assert server.process.returncode is not None
        return server.process.returncode, errors.decode()


async def test_the_first_lines_say_where_to_open_what_is_announced_and_why_and_which_auth_is_on() -> None:
    async with serving("--port", "0") as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", server.base)
        assert re.search(r"UDP port \d+ at 127\.0\.0\.1 \(loopback\)", server.text)
        assert "because these are this machine's own addresses" in server.text
        assert "Auth   open. Everybody on this machine" in server.text
        assert "\x1b" not in server.text, "colours only on a terminal"
        assert len(server.lines) < 14


async def test_the_page_or_the_way_to_build_it_is_shown() -> None:
    async with serving("--port", "0") as server, httpx.AsyncClient() as http:
        answer = await http.get(server.base + "/")
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.status_code in (200, 503)
        assert ("make web" in answer.text) == (answer.status_code == 503)
        assert "microphone=(self)" in answer.headers["permissions-policy"]
        assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_ctrl_c_tells_the_clients_and_ends_within_two_seconds_with_code_0() -> None:
    async with serving("--port", "0") as server:
        async with await Client.open(server.base, "1") as ada, await Client.open(server.base, "2") as bob:
            await ada.join()
            await bob.join()
            await ada.words(1)
            async with await Client.open(server.base, "3") as carol:
                await carol.say(shapes.initialize())
                await carol.words(1)
                ending = asyncio.ensure_future(server.end())
                ends = [await client.last_words() for client in (ada, bob, carol)]
            code, seconds, _ = await ending
        assert [words for words, _ in ends] == [[]] * 3, "nobody leaves when the server goes"
        assert [error and error.identifier for _, error in ends] == ["hrpc.unavailable"] * 3
        assert all(error and error.retry_after for _, error in ends)
        assert code == 0
        assert seconds < 2


async def test_ctrl_c_does_not_wait_for_clients_that_do_not_read() -> None:
    async with serving("--port", "0") as server:
        clients = [await Client.open(server.base, str(user_id)) for user_id in range(1, 4)]
        for client in clients:
            await client.join()
            client.socket.transport.pause_reading()
        idle = socket.create_connection(("127.0.0.1", int(server.base.rpartition(":")[2])))
        code, seconds, _ = await server.end()
        idle.close()
        for client in clients:
            client.socket.transport.abort()
        assert code == 0
        assert seconds < 2


async def test_ctrl_c_ends_within_two_seconds_however_long_a_stream_may_take_to_close() -> None:
    async with serving("--port", "0", "--limits.close-seconds", "30") as server:
        full = await Raw.upgrade(server.base)
        full.reader._transport.pause_reading()  # type: ignore[attr-defined]
        with pytest.raises(TimeoutError):
            await flood(full)  # what it should have read fills every buffer up to the server's
        code, seconds, _ = await server.end()
        full.abort()
        assert code == 0
        assert seconds < 2


async def test_sigterm_ends_like_ctrl_c() -> None:
    async with serving("--port", "0") as server, await Client.open(server.base, "1") as ada:
        await ada.join()
        ending = asyncio.ensure_future(server.end(signal.SIGTERM))
        error = await ada.end()
        assert error is not None
        assert error.identifier == "hrpc.unavailable"
        assert (await ending)[0] == 0


async def test_a_second_ctrl_c_ends_at_once() -> None:
    async with serving("--port", "0") as server, await Client.open(server.base, "1") as ada:
        await ada.join()
        # It does not answer the close, and does not read it either: the server would wait for a second.
        ada.socket.transport.pause_reading()
        server.process.send_signal(signal.SIGSTOP)
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGTERM)
        code, seconds, _ = await _resumed(server)
        assert code in (130, 143), "which of two that wait is delivered last is the kernel's affair"
        assert seconds < 1
        ada.socket.transport.abort()


async def _resumed(server: Process) -> tuple[int, float, str]:
    """Both signals wait while the process is stopped, and arrive together."""
    return await server.end(signal.SIGCONT)


async def test_a_taken_tcp_port_is_a_clear_error_with_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = await run("--port", str(port))
    assert code == 1
    assert f"TCP port {port} on 127.0.0.1 cannot be used" in errors
    assert "--port" in errors
    assert errors.count("\n") == 1


async def test_a_taken_media_port_is_a_clear_error_with_code_1() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        port = taken.getsockname()[1]
        code, errors = await run("--port", "0", "--media-port", str(port))
    assert code == 1
    assert f"UDP port {port} cannot be used" in errors
    assert "--media-port" in errors
    assert errors.count("\n") == 1


async def test_a_second_server_does_not_share_the_first_ones_media_port() -> None:
    async with serving("--port", "0") as first:
        found = re.search(r"UDP port (\d+)", first.text)
        assert found
        port = found[1]
        code, errors = await run("--port", "0", "--media-port", port)
        assert code == 1
        assert f"UDP port {port} cannot be used" in errors


async def test_an_address_of_another_machine_is_a_clear_error() -> None:
    code, errors = await run("--host", "203.0.113.9", "--auth", "open")
    assert code == 1
    assert "no such address" in errors


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_t21_open_auth_on_a_public_address_must_be_said_in_so_many_words(host: str) -> None:
    code, errors = await run("--host", host, "--port", "0")
    assert code == 2
    assert "--auth open" in errors
    async with serving("--host", host, "--port", "0", "--auth", "open") as server:
        assert "Everybody who can reach this server comes in" in server.text
        assert "http://localhost:" in server.text
        assert "Browsers give the microphone only to https" in server.text
        async with await Client.open(server.base.replace("localhost", "127.0.0.1")) as client:
            assert (await client.join())[-1] == "joined[]"


async def _comes_in_at(server: Process, host: str) -> bool:
    """Whether somebody without a token comes in who addressed the server by this name."""
    try:
        async with await Client.open(server.base, headers={"Host": host, "Origin": f"http://{host}"}):
            return True
    except Refused as refused:
        if refused.identifier == "hocket.permission-denied":
            return False
        raise


@pytest.mark.parametrize(
    "announce", [(), ("--announce", "127.0.0.1"), ("--announce", "localhost", "--announce", "::1")]
)
async def test_t21_a_rebound_name_does_not_come_in_even_where_open_auth_was_said(announce: tuple[str, ...]) -> None:
    async with serving("--port", "0", "--auth", "open", *announce) as server:
        assert "Only this machine can open it" in server.text
        assert not await _comes_in_at(server, "rebound.example")
        assert await _comes_in_at(server, "localhost")


async def test_behind_a_proxy_open_auth_lets_its_clients_in_where_both_were_said() -> None:
    async with serving("--port", "0", "--auth", "open", "--announce", "203.0.113.7") as server:
        assert "nly this machine" not in server.text
        assert "Everybody who can reach the proxy" in server.text
        assert await _comes_in_at(server, "voice.example.org")
    async with serving("--port", "0", "--announce", "203.0.113.7") as server:
        assert "clients are refused" in server.text
        assert not await _comes_in_at(server, "voice.example.org")


async def test_open_auth_in_the_environment_counts_as_said() -> None:
    async with serving("--port", "0", "--host", "0.0.0.0", HOCKET_AUTH="open") as server:
        assert "Everybody who can reach this server" in server.text


async def test_localhost_serves_both_families_on_one_port() -> None:
    async with serving("--host", "localhost", "--port", "0") as server, httpx.AsyncClient() as http:
        port = server.base.rpartition(":")[2]
        for url in re.findall(r"http://\S+", server.text):
            assert url.endswith(f":{port}/")
            assert (await http.get(url)).status_code in (200, 503)


async def test_https_with_a_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(certificate, key)
    async with serving("--port", "0", "--tls-cert", str(certificate), "--tls-key", str(key)) as server:
        assert server.base.startswith("https://")
        trust = ssl.create_default_context(cafile=str(certificate))
        trust.check_hostname = False
        async with httpx.AsyncClient(verify=trust) as http:
            assert (await http.get(server.base + "/")).status_code in (200, 503)
        assert (await server.end())[0] == 0


def make_certificate(certificate: Path, key: Path) -> None:
    """A self-signed certificate for 127.0.0.1."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


async def test_auth_jwt_says_which_key_is_on_and_lets_in_who_has_a_token(tmp_path: Path) -> None:
    key = tmp_path / "secret.txt"
    key.write_bytes(SECRET)
    token = signed({"sub": "77777777", "exp": 2**33})
    wrong = [signed({"sub": "8", "exp": 1}), signed({"sub": "8", "exp": 2**33}, b"x" * 32), "hidden.topsecret"]
    async with serving("--port", "0", "--auth", "jwt", "--jwt-key", str(key), "--log-level", "debug") as server:
        assert f"Auth   jwt. Whoever brings a token that is signed with the key in {key} comes in." in server.text
        async with await Client.open(server.base, token) as ada:
            await ada.join()
        told = ""
        for each in wrong:
            with pytest.raises(Refused) as caught:
                await Client.open(server.base, each)
            assert caught.value.status == 401
            told += caught.value.sentence
        _, _, errors = await server.end()
    assert "user=77777777" in errors
    text = "\n".join(server.lines) + errors + told
    for secret in (SECRET.decode(), *(part for each in (token, *wrong) for part in each.split("."))):
        assert secret not in text, "T20"


async def test_auth_jwt_starts_while_the_keys_cannot_be_fetched_and_says_when_to_come_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/jwks.json"
    async with serving("--port", "0", "--auth", "jwt", "--jwt-jwks", f"{url}?topsecret") as server:
        assert f"a token that is signed with a key of {url} comes in" in server.text
        for _ in range(3):
            with pytest.raises(Refused) as caught:
                await Client.open(server.base, signed({"sub": "8", "exp": 2**33}, ed_key(), "EdDSA"))
            assert caught.value.identifier == "hrpc.unavailable"
            assert caught.value.retry_after
        _, _, errors = await server.end()
    assert errors.count("the keys of tokens cannot be fetched") == 1
    assert "topsecret" not in errors


async def test_the_log_says_who_came_and_why_a_stream_ended() -> None:
    async with serving("--port", "0") as server:
        async with await Client.open(server.base, "5") as ada:
            await ada.say(shapes.prepare())
            await ada.end()
        _, _, errors = await server.end()
    assert re.search(r"INFO +hocket.voice: stream ended with hocket.out-of-order: .* stream=\d+ user=5", errors)


async def test_the_refusal_is_sent_before_the_upgrade() -> None:
    async with serving("--port", "0") as server:
        with pytest.raises(Refused) as caught:
            await Client.open(server.base, headers={"Host": "voice.example.org"})
        assert caught.value.status == 403
        assert "only the machine that it runs on" in caught.value.sentence


async def test_one_number_serves_the_page_over_tcp_and_the_voice_over_udp() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    async with serving("--port", port) as server:
        assert f"http://127.0.0.1:{port}/" in server.text
        assert f"UDP port {port} at" in server.text
