"""Key files: read within bounds, and made so that nobody else can read them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from hocket.auth.keys import SECRET_BYTES
from hocket.config import ConfigError

_SIZE_LIMIT = 64 * 1024
"""Longest key file, in bytes. An RSA key of 8,192 bits in PEM has 7 KiB."""


def read(file: Path) -> bytes:
    """What a key file holds.

    Raises:
        ConfigError: there is none, it cannot be read, or it is too long to be one.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(_SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"The key file {file} does not exist: `hocket token --new-key --jwt-key {file}` makes it."
        ) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        raise ConfigError(f"The key file {file} cannot be read: {reason}.") from None
    if len(data) > _SIZE_LIMIT:
        raise ConfigError(f"The key file {file} is longer than {_SIZE_LIMIT // 1024} KiB: it is no key.")
    return data


def create(file: Path) -> None:
    """Makes a file with a new random secret, which only this user can read. What is there already stays.

    Raises:
        ConfigError: there is a file of this name, or it cannot be made.
    """
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{file} is there already, and a new key would end every token of the old one.") from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        raise ConfigError(f"{file} cannot be made: {reason}.") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(secrets.token_hex(SECRET_BYTES) + "\n")
