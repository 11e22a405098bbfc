"""Keys and tokens for tests, made without Hocket's own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

SECRET = b"a secret of tests, which is long enough"
NOW = 1_000_000.0
GOOD: dict[str, Any] = {"sub": "5", "exp": NOW + 60}

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey
Signing = bytes | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key(bits: int = 2_048, number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, bits)


@cache
def ed_key(number: int = 0) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: Private) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: Private) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def signed(claims: object = GOOD, key: Signing = SECRET, algorithm: str = "HS256", **header: object) -> str:
    """A token as a careful maker makes it; `claims` may be any JSON."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), key, algorithm=algorithm, headers=header)


def forged(claims: object, key: bytes, **header: object) -> str:
    """A token with whatever header, signed with HMAC-SHA-256 whatever the key is."""
    parts = [_encoded(json.dumps(each).encode()) for each in (header, claims)]
    signature = hmac.new(key, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, _encoded(signature)])


def key_set(**keys: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    """A JSON Web Key Set of the public keys, by their names."""
    return json.dumps({"keys": [{**web_key(key), "kid": kid} for kid, key in keys.items()]}).encode()


def web_key(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
