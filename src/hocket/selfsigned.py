"""`--tls self-signed`: a certificate for a network at home, made here and kept, so that browsers warn but once.

Browsers give the microphone to secure pages alone, and no authority signs for addresses such as 192.168.1.10. One file
holds key and certificate, so that the two always belong together; nobody else may read it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import tempfile
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hocket.config import StartError

FILE = "self-signed.pem"

VALID = timedelta(days=397)
"""The longest that browsers accept of public authorities, and a habit for the others."""

SPARE = timedelta(days=30)
"""A new one is made so long before the end."""

_EARLIER = timedelta(days=1)
"""So long ago it began to hold, for clocks that are slow."""


class SelfSigned:
    """A certificate in a file.

    Attributes:
        file: where it is, key and certificate.
    """

    def __init__(self, folder: Path, *, must: Collection[str], may: Iterable[str] = ()) -> None:
        """Takes the one that is in `folder`, or makes one.

        Args:
            folder: made if it is not there.
            must: names and addresses that it has to hold for; one that does not is not taken.
            may: further ones for one that is made: those that come and go are not worth a new warning.

        Raises:
            StartError: the folder cannot be written.
        """
        self.file = folder / FILE
        self._must = frozenset(must)
        self._names = list(dict.fromkeys([*must, *may]))
        self._due = datetime.min.replace(tzinfo=UTC)
        self.renew()

    def renew(self) -> None:
        """Makes a new one if the end of this one is near; the file is replaced as a whole.

        Raises:
            StartError: it cannot be written.
        """
        now = datetime.now(UTC)
        if now < self._due:
            return
        try:
            end = _end_of(self.file, self._must)
            if end is None or end <= now + SPARE:
                end = now - _EARLIER + VALID
                _write(self.file, _make(self._names, now - _EARLIER, end))
        except OSError as error:
            raise StartError(
                f"The certificate cannot be kept in {self.file.parent}: {error.strerror}. Name a folder with --tls-dir."
            ) from None
        self._due = end - SPARE


def default_folder() -> Path:
    """Where programs keep what is theirs: `$XDG_STATE_HOME/hocket`, else `~/.local/state/hocket`.

    Raises:
        StartError: this user has no home.
    """
    chosen = os.environ.get("XDG_STATE_HOME", "")
    try:
        base = Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        raise StartError("This user has no home folder to keep the certificate in: name one with --tls-dir.") from None
    return base / "hocket"


def _end_of(file: Path, must: frozenset[str]) -> datetime | None:
    """Until when the certificate in a file holds; None for one that is not to be taken.

    Raises:
        OSError: there is a file, and it cannot be read.
    """
    try:
        if file.stat().st_mode & 0o077:  # others could have read the key
            return None
        pem = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = load_pem_private_key(pem, None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound):
        return None
    held = {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
    if key.public_key() != certificate.public_key() or not must <= held:
        return None
    return certificate.not_valid_after_utc


def _make(names: Iterable[str], begin: datetime, end: datetime) -> bytes:
    """A new key and its certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hocket, self-signed")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        # Not an authority: Firefox refuses a server that shows one as its own certificate.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, written = tempfile.mkstemp(dir=file.parent)  # for this user alone from its first moment
    try:
        with os.fdopen(handle, "wb") as target:
            target.write(content)
        os.replace(written, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(written)
        raise
