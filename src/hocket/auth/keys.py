"""Keys of tokens: what a key file and a JSON Web Key Set (RFC 7517) hold. Pure.

A key's kind decides the algorithm, never the token (RFC 8725 §2.1): a public key that everybody has is then no HMAC
secret, and nothing passes as signed with `none`.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import HMACAlgorithm

from hocket.config import ConfigError

Algorithm = Literal["HS256", "RS256", "EdDSA"]

SECRET_BYTES = 32
"""Shortest secret for HS256: as long as its hash (RFC 7518 §3.2)."""

RSA_BITS = range(2_048, 8_193)
"""Shorter keys can be broken (RFC 7518 §3.3); longer ones make each stranger's token cost milliseconds."""

_KEYS_LIMIT = 64
"""Keys of a set that are looked at."""

_PEM = b"-----BEGIN "
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Key:
    """What signatures are checked with.

    Attributes:
        algorithm: the only one that it checks.
        material: the secret, or a public key.
        id: its name in its set (`kid`), or None.
    """

    algorithm: Algorithm
    material: bytes | RSAPublicKey | Ed25519PublicKey = field(repr=False)
    id: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What tokens are signed with: the secret, or a private key."""

    algorithm: Algorithm
    material: bytes | RSAPrivateKey | Ed25519PrivateKey = field(repr=False)


def read_key(data: bytes, where: str) -> Key:
    """The key in a file: a public key in PEM, or else a secret, at the end of which line breaks do not count.

    Args:
        data: what the file holds.
        where: what to call it in sentences.

    Raises:
        ConfigError: it is no key that tokens can be checked with, a weak one, or one that the server should not have.
    """
    if _PEM not in data:
        return Key("HS256", _secret(data, where))
    if b"PRIVATE KEY-----" in data:
        raise ConfigError(
            f"{where} holds a private key, which only who makes tokens needs. Give the server its public key: "
            "`openssl pkey -in PRIVATE.pem -pubout -out PUBLIC.pem` makes it."
        )
    try:
        material = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{where} is in PEM, but holds no public key (`-----BEGIN PUBLIC KEY-----`).") from None
    if isinstance(material, RSAPublicKey):
        _check_rsa(material.key_size, where)
        return Key("RS256", material)
    if isinstance(material, Ed25519PublicKey):
        return Key("EdDSA", material)
    raise ConfigError(f"{where} holds a key of a kind that is not taken here: only RSA (RS256) and Ed25519 (EdDSA).")


def read_signing_key(data: bytes, where: str) -> SigningKey:
    """The key in a file that tokens can be signed with: a private key in PEM without a password, or else a secret.

    Raises:
        ConfigError: it is none, or a weak one.
    """
    if _PEM not in data:
        return SigningKey("HS256", _secret(data, where))
    try:
        material = load_pem_private_key(data, password=None)
    except TypeError:
        raise ConfigError(f"{where} holds a private key behind a password; give one without.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{where} is in PEM, but holds no private key: only that can sign.") from None
    if isinstance(material, RSAPrivateKey):
        _check_rsa(material.key_size, where)
        return SigningKey("RS256", material)
    if isinstance(material, Ed25519PrivateKey):
        return SigningKey("EdDSA", material)
    raise ConfigError(f"{where} holds a key of a kind that is not taken here: only RSA (RS256) and Ed25519 (EdDSA).")


def read_key_set(data: bytes) -> list[Key]:
    """The keys of a JSON Web Key Set that tokens can be checked with; others are passed over (RFC 7517 §5).

    Secrets and private keys are too: what anybody can fetch signs nothing.

    Raises:
        ValueError: it is no such set, or holds no such key. The sentence says which, and nothing of the data.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("the answer is no JSON") from None
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the answer is no JSON Web Key Set")
    keys = [key for entry in entries[:_KEYS_LIMIT] if (key := _read_web_key(entry)) is not None]
    if not keys:
        raise ValueError("the key set holds no public RSA or Ed25519 key for signatures")
    return keys


def base64url(text: object) -> bytes:
    """RFC 7515 §2: without padding.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        raise ValueError("no base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _secret(data: bytes, where: str) -> bytes:
    secret = data.rstrip(b"\r\n")
    if len(secret) < SECRET_BYTES:
        raise ConfigError(
            f"{where} holds a secret of {len(secret)} bytes; HS256 needs {SECRET_BYTES} at least. "
            "`hocket token --new-key --jwt-key FILE` makes a good one."
        )
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise ConfigError(f"{where} holds a key in a form that is not taken here; a public key must be PEM.") from None
    return secret


def _check_rsa(bits: int, where: str) -> None:
    if bits not in RSA_BITS:
        raise ConfigError(
            f"{where} holds an RSA key of {bits} bits; it must have {RSA_BITS.start} to {RSA_BITS.stop - 1}."
        )


def _read_web_key(entry: object) -> Key | None:
    """One JWK; None for what is no key for our algorithms and for checking signatures."""
    if not isinstance(entry, dict) or "d" in entry or entry.get("use", "sig") != "sig":
        return None
    kid = entry.get("kid")
    if kid is not None and not isinstance(kid, str):
        return None
    try:
        key = _read_material(entry, kid)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if key is not None and entry.get("alg", key.algorithm) == key.algorithm else None


def _read_material(entry: dict[str, Any], kid: str | None) -> Key | None:
    if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519":
        return Key("EdDSA", Ed25519PublicKey.from_public_bytes(base64url(entry.get("x"))), kid)
    if entry.get("kty") == "RSA":
        exponent, modulus = (int.from_bytes(base64url(entry.get(name))) for name in ("e", "n"))
        if modulus.bit_length() in RSA_BITS and exponent.bit_length() <= 32:
            return Key("RS256", RSAPublicNumbers(exponent, modulus).public_key(), kid)
    return None
