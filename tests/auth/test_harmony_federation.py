"""Tokens that homeservers sign, and their keys: what is taken, and everything that is not."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from hocket.auth.harmony.federation import (
    _SMALL_ORDER,
    DATA_LIMIT,
    Claims,
    KeyCache,
    Login,
    WrongKey,
    is_signed,
    read_claims,
    read_key,
    read_login,
)
from hocket.errors import BadUnaryRequest, Unauthenticated
from hocket.proto import auth, harmonytypes

OURS = "voice.example.org"
THEIRS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


def data(user_id: int = 7, server_id: str = OURS, username: str = "Ada") -> bytes:
    return auth.TokenData(user_id=user_id, server_id=server_id, username=username).SerializeToString()


def body(signature: bytes, signed: bytes, server_id: str = "chat.example.org") -> bytes:
    token = harmonytypes.Token(sig=signature, data=signed)
    return auth.LoginFederatedRequest(auth_token=token, server_id=server_id).SerializeToString()


def test_what_a_homeserver_signed_for_us_is_taken() -> None:
    signed = data()
    login = read_login(body(THEIRS.sign(signed), signed, "Chat.Example.ORG"))
    assert login == Login("chat.example.org", THEIRS.sign(signed), signed)
    assert is_signed(login, THEIRS.public_key())
    assert read_claims(login.data, server_id=OURS) == Claims(7, "Ada")
    assert "Ada" not in repr(login)


def test_the_signature_of_another_key_is_none() -> None:
    assert not is_signed(read_login(body(OTHER.sign(data()), data())), THEIRS.public_key())


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 128])
def test_a_signature_has_64_bytes(length: int) -> None:
    with pytest.raises(Unauthenticated, match="64 bytes"):
        read_login(body((THEIRS.sign(data()) * 2)[:length], data()))


@pytest.mark.parametrize("length", [0, DATA_LIMIT + 1])
def test_signed_data_has_a_length(length: int) -> None:
    with pytest.raises(Unauthenticated, match="data must have"):
        read_login(body(bytes(64), bytes(length)))


@given(position=st.integers(0, 63), bit=st.integers(0, 7))
def test_every_changed_bit_of_a_signature_spoils_it(position: int, bit: int) -> None:
    signature = bytearray(THEIRS.sign(data()))
    signature[position] ^= 1 << bit
    assert not is_signed(Login("", bytes(signature), data()), THEIRS.public_key())


@given(changed=st.integers(0, len(data()) * 8 - 1))
def test_every_changed_bit_of_the_data_spoils_the_signature(changed: int) -> None:
    spoilt = bytearray(data())
    spoilt[changed // 8] ^= 1 << changed % 8
    assert not is_signed(Login("", THEIRS.sign(data()), bytes(spoilt)), THEIRS.public_key())


@given(length=st.integers(0, len(data()) - 1))
def test_truncated_data_is_not_what_was_signed(length: int) -> None:
    assert not is_signed(Login("", THEIRS.sign(data()), data()[:length]), THEIRS.public_key())


@pytest.mark.parametrize(
    "server_id", ["", "other.example.org", "VOICE.example.org", "voice.example.org:2289", f"{OURS}\0"]
)
def test_a_token_for_another_server_is_refused(server_id: str) -> None:
    with pytest.raises(Unauthenticated, match="another server"):
        read_claims(data(server_id=server_id), server_id=OURS)


def test_user_0_is_nobody() -> None:
    with pytest.raises(Unauthenticated, match="user id"):
        read_claims(data(user_id=0), server_id=OURS)
    assert read_claims(data(user_id=2**64 - 1), server_id=OURS).user_id == 2**64 - 1


def test_names_are_tidied() -> None:
    assert read_claims(data(username=" A\n\u202eda\0 "), server_id=OURS).name == "A  da"
    assert len(read_claims(data(username="x" * 5_000), server_id=OURS).name) == 64
    assert read_claims(data(username=""), server_id=OURS).name == ""


@given(st.binary(max_size=300))
def test_garbage_is_a_mistake_of_the_client_and_never_more(garbage: bytes) -> None:
    with pytest.raises((BadUnaryRequest, Unauthenticated)):
        read_login(garbage)
    with pytest.raises(Unauthenticated):
        read_claims(garbage, server_id=OURS)


@given(st.binary(max_size=300), st.binary(max_size=80))
def test_garbage_in_a_whole_request_is_a_mistake_of_the_client(signed: bytes, signature: bytes) -> None:
    try:
        login = read_login(body(signature, signed))
    except Unauthenticated:
        return
    assert not is_signed(login, THEIRS.public_key())


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_has_32_bytes(length: int) -> None:
    with pytest.raises(WrongKey, match="32 bytes"):
        read_key(bytes(length))


@pytest.mark.parametrize("sign", [0, 0x80])
@pytest.mark.parametrize("key", sorted(_SMALL_ORDER))
def test_a_key_under_which_anybody_can_sign_is_refused(key: bytes, sign: int) -> None:
    with pytest.raises(WrongKey, match="small order"):
        read_key(bytes([*key[:-1], key[-1] | sign]))


def test_the_danger_of_such_a_key_is_real() -> None:
    """R = identity, S = 0: nobody knows a private key, and the signature of any text is good."""
    identity = bytes([1, *bytes(31)])
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything")
    with pytest.raises(InvalidSignature):
        THEIRS.public_key().verify(identity + bytes(32), b"anything")


def test_a_key_is_kept_and_then_asked_for_again() -> None:
    cache = KeyCache(keep=100.0, again=30.0, retry=5.0)
    assert cache.key(0.0) is None
    assert cache.wait(0.0) == 0.0
    key = THEIRS.public_key()
    cache.fetched(key, 10.0)
    assert cache.key(109.9) is key
    assert cache.key(110.0) is None


def test_bad_signatures_fetch_a_key_no_more_than_once_in_a_while() -> None:
    cache = KeyCache(keep=1000.0, again=30.0, retry=5.0)
    cache.fetched(THEIRS.public_key(), 10.0)
    assert cache.wait(10.0) == 30.0
    assert cache.wait(40.0) == 0.0
    cache.failed(40.0)
    assert cache.wait(40.0) == 30.0, "an outage does not make it ask more often"


def test_without_any_key_it_is_asked_for_sooner() -> None:
    cache = KeyCache(keep=100.0, again=30.0, retry=5.0)
    cache.failed(0.0)
    assert cache.wait(0.0) == 5.0
    assert cache.wait(5.0) == 0.0
