"""Datagrams as an attacker makes them: STUN, DTLS and RTP, byte by byte. Pure; `chance` makes them repeatable."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from random import Random

_MAGIC = 0x2112A442
_BINDING_REQUEST = 0x0001
_USERNAME, _INTEGRITY, _PRIORITY, _USE_CANDIDATE, _CONTROLLING, _FINGERPRINT = 0x06, 0x08, 0x24, 0x25, 0x802A, 0x8028
_FINGERPRINT_XOR = 0x5354554E

_DTLS_12 = b"\xfe\xfd"
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_SUITES = bytes.fromhex("c02bc02fcca9")
_USE_SRTP = bytes.fromhex("000e000700040007000100")
"""RFC 5764 §4.1.1: AES-128-GCM and AES-128-CM-HMAC-SHA1-80."""
_EXTENDED_SECRET = bytes.fromhex("00170000")
_GROUPS = bytes.fromhex("000a00060004001d0017")
_SIGNATURES = bytes.fromhex("000d0006000404030804")


def stun_request(chance: Random, username: str, password: str | None = None) -> bytes:
    """A connectivity check (RFC 8445 §7.1).

    Args:
        chance: the source of its transaction id.
        username: the server's fragment, a colon, and the client's.
        password: what signs it; None leaves MESSAGE-INTEGRITY out.
    """
    body = _attribute(_USERNAME, username.encode())
    body += _attribute(_PRIORITY, struct.pack("!I", 0x6E001EFF)) + _attribute(_USE_CANDIDATE, b"")
    body += _attribute(_CONTROLLING, chance.randbytes(8))
    transaction = chance.randbytes(12)
    if password is not None:
        signed = _stun_header(len(body) + 24, transaction) + body
        body += _attribute(_INTEGRITY, hmac.digest(password.encode(), signed, hashlib.sha1))
    checked = _stun_header(len(body) + 8, transaction) + body
    return checked + _attribute(_FINGERPRINT, struct.pack("!I", zlib.crc32(checked) ^ _FINGERPRINT_XOR))


def _stun_header(length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", _BINDING_REQUEST, length, _MAGIC) + transaction


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def client_hello(chance: Random) -> bytes:
    """A whole DTLS 1.2 ClientHello without a cookie (RFC 6347 §4.2.1), which asks for SRTP."""
    extensions = _GROUPS + _SIGNATURES + _EXTENDED_SECRET + _USE_SRTP
    body = _DTLS_12 + chance.randbytes(32) + b"\0\0"
    body += struct.pack("!H", len(_SUITES)) + _SUITES + b"\x01\x00" + struct.pack("!H", len(extensions)) + extensions
    length = len(body).to_bytes(3)
    message = bytes([_CLIENT_HELLO]) + length + b"\0\0" + b"\0\0\0" + length + body
    return dtls_record(_HANDSHAKE, 0, chance.randrange(2**48), message)


def dtls_record(kind: int, epoch: int, number: int, data: bytes) -> bytes:
    """One record (RFC 6347 §4.1)."""
    return (
        bytes([kind]) + _DTLS_12 + struct.pack("!H", epoch) + number.to_bytes(6) + struct.pack("!H", len(data)) + data
    )


def rtp(chance: Random, ssrc: int, length: int = 120) -> bytes:
    """An RTP header with a body of chance, as long as a packet of speech: SRTP without the key."""
    header = struct.pack("!BBHII", 0x80, 111, chance.randrange(2**16), chance.randrange(2**32), ssrc)
    return header + chance.randbytes(length)


def rtcp(chance: Random, ssrc: int) -> bytes:
    """A receiver report, a NACK or a BYE (RFC 3550 §6, RFC 4585 §6.2.1) with a body of chance, without a key."""
    kind, count = chance.choice([(201, 1), (205, 1), (203, 1)])
    words = chance.randrange(1, 8)
    return struct.pack("!BBHI", 0x80 | count, kind, words, ssrc) + chance.randbytes(4 * words + 10)


def garbage(chance: Random) -> bytes:
    """Any bytes of any length, of every class that RFC 7983 tells apart by the first byte."""
    first = chance.choice(
        [chance.randrange(4), chance.randrange(20, 64), chance.randrange(128, 192), chance.randrange(256)]
    )
    return bytes([first]) + chance.randbytes(chance.randrange(0, 1_200))
