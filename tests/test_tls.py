"""Certificates that are replaced while the server runs: what is broken never comes into use, and is said once."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from hocket.config import ConfigError, StartError
from hocket.tls import Certificates, fingerprint
from tests.cli.test_serve import make_certificate


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    chain, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make_certificate(chain, key)
    return chain, key


def shown(certificates: Certificates, server_name: str | None = None) -> str:
    """The fingerprint that a new connection sees, in a handshake without a network."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    client = trusting.wrap_bio(to_client, to_server, server_hostname=server_name)
    server = certificates.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return fingerprint(ssl.DER_cert_to_PEM_cert(certificate))


@pytest.mark.parametrize("server_name", [None, "voice.example.org"])
def test_new_connections_get_the_new_certificate(pair: tuple[Path, Path], server_name: str | None) -> None:
    certificates = Certificates(*pair)
    first = shown(certificates, server_name)
    assert first == fingerprint(pair[0].read_text())
    certificates.look()
    assert shown(certificates, server_name) == first
    make_certificate(*pair)
    certificates.look()
    assert shown(certificates, server_name) == fingerprint(pair[0].read_text()) != first


@pytest.mark.parametrize("broken", ["half", "gone", "text", "other key", "empty"])
def test_a_broken_pair_keeps_the_old_one_and_is_said_once(
    pair: tuple[Path, Path], broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    chain, key = pair
    certificates = Certificates(chain, key)
    first = shown(certificates)
    whole = chain.read_text()
    match broken:
        case "half":
            chain.write_text(whole[: len(whole) // 2])
        case "gone":
            chain.unlink()
        case "text":
            chain.write_text("hello\n")
        case "other key":
            make_certificate(chain, key.with_name("another.pem"))
        case "empty":
            key.write_text("")
    for _ in range(5):
        certificates.look()
    assert shown(certificates) == first
    said = [record for record in caplog.records if record.name == "hocket.tls"]
    assert [record.levelname for record in said] == ["WARNING"]
    assert "the old certificate stays in use: --tls-" in said[0].getMessage()
    make_certificate(chain, key)
    certificates.look()
    assert shown(certificates) == fingerprint(chain.read_text()) != first


def test_a_change_in_size_or_time_alone_is_seen(pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hocket.tls")
    certificates = Certificates(*pair)
    for file in pair:
        os.utime(file, (1, 1))
        certificates.look()
    assert len(caplog.records) == 2


def test_what_is_written_while_we_read_is_looked_at_again(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(*pair)
    make_certificate(*pair)
    load = ssl.SSLContext.load_cert_chain

    def slowly(self: ssl.SSLContext, *arguments: object, **named: object) -> None:
        load(self, *arguments, **named)  # type: ignore[arg-type]
        monkeypatch.undo()
        make_certificate(*pair)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", slowly)
    certificates.look()
    assert shown(certificates) != fingerprint(pair[0].read_text())
    certificates.look()
    assert shown(certificates) == fingerprint(pair[0].read_text())


def test_a_certificate_that_cannot_be_renewed_is_said_once_and_stays(
    pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise StartError("The disk is full.")

    certificates = Certificates(*pair, renew=fails)
    first = shown(certificates)
    for _ in range(5):
        certificates.look()
    assert [record.getMessage() for record in caplog.records] == ["the certificate was not renewed: The disk is full."]
    assert shown(certificates) == first


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(pair: tuple[Path, Path]) -> None:
    key = load_pem_private_key(pair[1].read_bytes(), None)
    pair[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")))
    with pytest.raises(ConfigError, match="has a passphrase"):
        Certificates(*pair)
