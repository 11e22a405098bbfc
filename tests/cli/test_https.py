"""https as people see it: the certificate that is shown, its replacement in a running server, the self-signed one."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import ssl
import time
from pathlib import Path

import httpx
from cryptography import x509

from hocket.tls import fingerprint
from tests.cli.test_serve import PATIENCE, Process, make_certificate, run, serving


def anything() -> ssl.SSLContext:
    """Trusts every certificate: these tests look at which one it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def shown(server: Process) -> str:
    """The PEM of the certificate that a new connection is shown."""
    port = int(server.base.rpartition(":")[2])
    return await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port), timeout=PATIENCE)


def serial(pem: str) -> int:
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


async def until_shown(server: Process, expected: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while serial(await shown(server)) != expected:  # noqa: ASYNC110 - of a process that tells nobody
            await asyncio.sleep(0.1)


class Kept:
    """One connection that is kept, and asks again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server: Process) -> Kept:
        port = int(server.base.rpartition(":")[2])
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=anything()))

    async def ask(self) -> bytes:
        self.writer.write(b"GET /protocol.voice.v1.VoiceService/StreamMessage HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        found = re.search(rb"content-length: (\d+)", head)
        assert found, head
        await self.reader.readexactly(int(found[1]))
        return head.splitlines()[0]


async def test_a_changed_certificate_is_shown_to_new_connections_and_old_ones_stay(tmp_path: Path) -> None:
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(chain, key)
    async with serving("--port", "0", "--tls-cert", str(chain), "--tls-key", str(key)) as server:
        first = serial(await shown(server))
        assert first == serial(chain.read_text())
        kept = await Kept.open(server)
        answer = await kept.ask()
        make_certificate(chain, key)
        assert serial(chain.read_text()) != first
        keeping = asyncio.ensure_future(until_shown(server, serial(chain.read_text())))
        while not keeping.done():  # asked now and then, lest it be closed as idle
            assert await kept.ask() == answer
            await asyncio.wait({keeping}, timeout=1)
        await keeping
        assert await kept.ask() == answer
        kept.writer.transport.abort()
        assert (await server.end())[0] == 0


async def test_a_broken_pair_keeps_the_old_certificate_and_is_logged_once_and_sighup_looks_at_once(
    tmp_path: Path,
) -> None:
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(chain, key)
    async with serving("--port", "0", "--tls-cert", str(chain), "--tls-key", str(key)) as server:
        first = await shown(server)
        make_certificate(tmp_path / "other.pem", key)
        assert server.process.stderr is not None
        line = await asyncio.wait_for(server.process.stderr.readline(), PATIENCE)
        assert b"the old certificate stays in use: --tls-key is not the key of --tls-cert." in line
        assert await shown(server) == first
        (tmp_path / "other.pem").replace(chain)
        server.process.send_signal(signal.SIGHUP)
        line = await asyncio.wait_for(server.process.stderr.readline(), PATIENCE)
        assert f"new connections get the certificate with SHA-256 fingerprint {fingerprint(chain.read_text())}" in (
            line.decode()
        )
        assert serial(await shown(server)) == serial(chain.read_text()) != serial(first)
        code, _, errors = await server.end()
        assert code == 0
        assert errors.count("old certificate") == 0


async def test_t13_a_tls_handshake_that_stalls_is_ended_in_time_and_holds_up_no_end(tmp_path: Path) -> None:
    tls = ("--tls", "self-signed", "--tls-dir", str(tmp_path))
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # a ClientHello of 512 bytes, of which 501 never come
    async with serving("--port", "0", *tls) as server:
        port = int(server.base.rpartition(":")[2])
        stalled = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        stalled[1][1].write(hello)
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            for reader, writer in stalled:
                with contextlib.suppress(ConnectionError):
                    while await reader.read(1_024):
                        pass
                writer.transport.abort()
        assert time.monotonic() - began < 15, "not the minute that event loops allow"
        again, kept = await asyncio.open_connection("127.0.0.1", port), await Kept.open(server)
        kept.reader._transport.pause_reading()  # type: ignore[attr-defined]
        code, seconds, _ = await server.end()
        assert code == 0
        assert seconds < 2
        again[1].transport.abort()
        kept.writer.transport.abort()


async def test_self_signed_shows_the_fingerprint_of_the_first_lines_and_stays_the_same_over_starts(
    tmp_path: Path,
) -> None:
    printed = []
    for _ in range(2):
        async with serving("--port", "0", "--tls", "self-signed", "--tls-dir", str(tmp_path)) as server:
            assert server.base.startswith("https://127.0.0.1:")
            found = re.search(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", server.text)
            assert found, server.text
            printed.append(found[0])
            pem = await shown(server)
            assert fingerprint(pem) == found[0]
            trust = ssl.create_default_context(cadata=pem)  # the names are checked, too
            async with httpx.AsyncClient(verify=trust, trust_env=False) as http:
                assert (await http.get(server.base + "/livez")).text == "ok\n"
                assert (await http.get(server.base.replace("127.0.0.1", "localhost") + "/livez")).text == "ok\n"
    assert printed[0] == printed[1]


async def test_self_signed_holds_for_what_was_said_and_for_this_machine(tmp_path: Path) -> None:
    arguments = ("--announce", "203.0.113.7", "--announce", "LOCALHOST", "--tls-dir", str(tmp_path))
    async with serving("--port", "0", "--auth", "open", "--tls", "self-signed", *arguments) as server:
        certificate = x509.load_pem_x509_certificate((await shown(server)).encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    machine = socket.gethostname().lower()
    assert {"localhost", machine, f"{machine}.local"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"203.0.113.7", "127.0.0.1"} <= {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}


async def test_self_signed_is_kept_in_the_state_folder_of_this_user(tmp_path: Path) -> None:
    async with serving("--port", "0", "--tls", "self-signed", XDG_STATE_HOME=str(tmp_path)) as server:
        assert server.base.startswith("https://")
        assert [entry.name for entry in (tmp_path / "hocket").iterdir()] == ["self-signed.pem"]


async def test_a_folder_that_cannot_be_written_is_a_clear_error_with_code_1(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, errors = await run("--port", "0", "--tls", "self-signed", "--tls-dir", str(tmp_path / "file"))
    assert code == 1
    assert "--tls-dir" in errors
    assert errors.count("\n") == 1
