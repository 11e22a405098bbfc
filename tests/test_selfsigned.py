"""The certificate that `--tls self-signed` makes: kept, for nobody else to read, and made anew only when it must be."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hocket import selfsigned
from hocket.config import StartError
from hocket.selfsigned import FILE, SelfSigned, default_folder

MUST = ["localhost", "127.0.0.1", "voice.example.org"]


def made(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / FILE).read_bytes())


def test_it_holds_for_every_name_and_for_no_longer_than_397_days(tmp_path: Path) -> None:
    SelfSigned(tmp_path, must=MUST, may=["::1", "127.0.0.1"])
    certificate = made(tmp_path)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "voice.example.org"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=397)
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_nobody_else_may_read_the_key(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    SelfSigned(folder, must=MUST)
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [entry.name for entry in folder.iterdir()] == [FILE]


def test_the_next_start_takes_the_same(tmp_path: Path) -> None:
    SelfSigned(tmp_path, must=MUST)
    before = (tmp_path / FILE).read_bytes()
    SelfSigned(tmp_path, must=MUST[:2], may=["2001:db8::1"])
    assert (tmp_path / FILE).read_bytes() == before


def test_a_name_that_it_must_hold_for_makes_a_new_one(tmp_path: Path) -> None:
    SelfSigned(tmp_path, must=MUST)
    SelfSigned(tmp_path, must=[*MUST, "10.0.0.1"])
    names = made(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "10.0.0.1" in [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]


def test_one_that_ends_soon_is_made_anew_at_the_start_and_while_the_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for running in (False, True):
        folder = tmp_path / str(running)
        with monkeypatch.context() as patch:
            patch.setattr(selfsigned, "VALID", selfsigned.SPARE)
            own = SelfSigned(folder, must=MUST)
        before = made(folder)
        if running:
            own.renew()
        else:
            SelfSigned(folder, must=MUST)
        assert made(folder).serial_number != before.serial_number
        assert made(folder).not_valid_after_utc > datetime.now(UTC) + timedelta(days=300)


@pytest.mark.parametrize("content", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_broken_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    (tmp_path / FILE).chmod(0o600)
    SelfSigned(tmp_path, must=MUST)
    made(tmp_path)


def test_a_key_that_others_could_read_is_used_no_more(tmp_path: Path) -> None:
    SelfSigned(tmp_path, must=MUST)
    before = made(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    SelfSigned(tmp_path, must=MUST)
    assert made(tmp_path).serial_number != before.serial_number
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_a_certificate_beside_the_key_of_another_is_made_anew(tmp_path: Path) -> None:
    SelfSigned(tmp_path / "a", must=MUST)
    SelfSigned(tmp_path / "b", must=MUST)
    marker = b"-----BEGIN CERTIFICATE"
    keys, certificates = ((tmp_path / name / FILE).read_bytes().partition(marker) for name in "ab")
    (tmp_path / "a" / FILE).write_bytes(keys[0] + marker + certificates[2])
    SelfSigned(tmp_path / "a", must=MUST)
    assert made(tmp_path / "a").serial_number != made(tmp_path / "b").serial_number


def test_a_folder_that_cannot_be_written_is_told_with_the_option_that_names_another(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="Name a folder with --tls-dir"):
        SelfSigned(tmp_path / "file", must=MUST)


def test_the_folder_is_where_programs_keep_their_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert default_folder() == Path("/home/ada/.local/state/hocket")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")  # to be ignored, says the specification
    assert default_folder() == Path("/home/ada/.local/state/hocket")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/ada")
    assert default_folder() == Path("/var/lib/ada/hocket")
