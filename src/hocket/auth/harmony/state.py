"""What this server keeps on disk for Harmony: its own key, made at the first start, and the table of ids."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hocket.config import ConfigError

KEY_FILE = "server-key.pem"
IDS_FILE = "ids.sqlite"

_OTHERS = 0o077
"""What others than the owner may do with a file."""


def own_key(folder: Path) -> Ed25519PrivateKey:
    """This server's key: read from the folder, or made there, readable for its owner alone.

    Raises:
        ConfigError: the folder cannot be written, or what is there is no such key, or others may read it.
    """
    file = folder / KEY_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            _write_new(file)
        if file.stat().st_mode & _OTHERS:
            raise ConfigError(f"--harmony-state: {file} can be read by others: run `chmod 600 {file}`.")
        key = load_pem_private_key(file.read_bytes(), None)
    except OSError as error:
        raise ConfigError(f"--harmony-state {folder}: {error.strerror or error}.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"--harmony-state: {file} holds no private key. Without it a new one is made.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"--harmony-state: {file} holds a key of another kind than Ed25519.")
    return key


def ids_secret(key: Ed25519PrivateKey) -> bytes:
    """What the ids of several homeservers are hashed with: follows from the key and tells nothing of it."""
    return hmac.digest(key.private_bytes_raw(), b"hocket: ids of several homeservers", hashlib.sha256)


def _write_new(file: Path) -> None:
    """Writes a new key so that it is there whole or not at all; one that another process has just written stays."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(opened.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            return
    finally:
        draft.unlink()
