"""The certificate of `hocket serve`: loaded, and replaced while the server runs when its files change.

Each load makes a context of its own. So a pair of files that is half written, or whose halves do not belong together,
never touches the one in use, and connections that are open keep theirs. uvicorn holds the first context for ever; at
each handshake that one hands over to the newest.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import ssl
from collections.abc import Callable
from pathlib import Path

from hocket.config import ConfigError, StartError

LOOK_SECONDS = 3.0
"""How often the files are looked at."""

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)

_Stamp = tuple[tuple[int, int, int, int] | None, ...]

logger = logging.getLogger("hocket.tls")


class Certificates:
    """What new connections are shown.

    Attributes:
        context: for the server's sockets.
    """

    def __init__(self, chain: Path, key: Path | None, *, renew: Callable[[], None] | None = None) -> None:
        """Loads a certificate chain (PEM) and its key, which may be in the same file.

        Args:
            chain: the file of `--tls-cert`.
            key: the file of `--tls-key`.
            renew: called before each look; it may write the files anew.

        Raises:
            ConfigError: they cannot be loaded; the sentence says why.
        """
        self._chain = chain
        self._key = key
        self._renew = renew
        self._seen = self._stamp()
        self._newest = self.context = _load(chain, key)
        self.context.sni_callback = self._hand_over  # called for clients that name no server, too

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate in the file, as browsers show it: `AA:BB:…`."""
        return fingerprint(self._chain.read_text())

    async def watch(self) -> None:
        """Looks at the files every few seconds, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Loads the files if they have changed; what cannot be loaded is said once, and the old one stays."""
        try:
            if self._renew is not None:
                self._renew()
        except StartError as error:
            if self._seen:
                logger.warning("the certificate was not renewed: %s", error)
            self._seen = ()
            return
        if self._stamp() != self._seen:
            self.reload()

    def reload(self) -> None:
        """Loads the files, changed or not; the old one stays if they cannot be."""
        # Taken first: what is written while we read is a change to look at again.
        self._seen = self._stamp()
        try:
            self._newest = _load(self._chain, self._key)
            logger.info("new connections get the certificate with SHA-256 fingerprint %s", self.fingerprint)
        except (ConfigError, OSError, ValueError) as error:
            logger.warning("the old certificate stays in use: %s", error)

    def _stamp(self) -> _Stamp:
        return tuple(_stamp(file) for file in (self._chain, self._key) if file is not None)

    def _hand_over(self, connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        connection.context = self._newest


def fingerprint(pem: str) -> str:
    """SHA-256 of the first certificate of a PEM text: `AA:BB:…`.

    Raises:
        ValueError: there is none.
    """
    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("there is no certificate in PEM.")
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found[0])).digest().hex(":").upper()


def _load(chain: Path, key: Path | None) -> ssl.SSLContext:
    for option, file in (("--tls-cert", chain), ("--tls-key", key)):
        if file is not None and not file.is_file():
            raise ConfigError(f"{option} {file}: there is no such file.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(chain, key, password=_no_passphrase)
    except ssl.SSLError as error:
        raise ConfigError(_why_not(error, chain, key)) from None
    except OSError as error:
        raise ConfigError(f"--tls-cert and --tls-key cannot be read: {error.strerror}.") from None
    return context


def _no_passphrase() -> str:
    """Instead of OpenSSL's question on the terminal, which would stop a running server."""
    raise ConfigError("The private key has a passphrase, and nobody is there to type it: give one without.")


def _why_not(error: ssl.SSLError, chain: Path, key: Path | None) -> str:
    """An operator's sentence for OpenSSL's, which names neither option."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return "--tls-key is not the key of --tls-cert."
    private = "and a private key of its own" if key is None else f"and --tls-key {key} its private key"
    return f"--tls-cert {chain} must hold a certificate in PEM, {private}: OpenSSL cannot load them."


def _stamp(file: Path) -> tuple[int, int, int, int] | None:
    """What changes when a file is written or replaced; None where it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
