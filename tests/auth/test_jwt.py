"""`jwt` auth: what a token must be, and what it gives."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

import hocket
from hocket import Authenticator, ChannelId, ConfigError, Credentials, JwtAuth, PermissionDenied, Permissions, User
from hocket.auth import key_file
from hocket.auth.claims import LEEWAY, PLACES_LIMIT
from hocket.auth.keys import read_key, read_signing_key
from hocket.errors import Unauthenticated, Unavailable
from hocket.hrpc.codec import TOKEN_LIMIT
from tests.auth.tokens import GOOD, NOW, SECRET, Signing, ed_key, forged, private_pem, public_pem, rsa_key, signed


def auth(key: bytes = SECRET, *, issuer: str | None = None, audience: str | None = None) -> JwtAuth:
    return JwtAuth(key=key, issuer=issuer, audience=audience, clock=lambda: NOW)


async def user_of(claims: object, checker: JwtAuth | None = None) -> User:
    return await (checker or auth())(Credentials(token=signed(claims)))


async def refusal(token: str | None, checker: JwtAuth | None = None) -> str:
    """Why a token is refused."""
    with pytest.raises(Unauthenticated) as caught:
        await (checker or auth())(Credentials(token=token))
    return caught.value.sentence


def test_it_is_an_authenticator_in_the_public_names() -> None:
    part: Authenticator = auth()
    assert part is not None
    assert {"Authenticator", "JwtAuth"} <= set(hocket.__all__)


@pytest.mark.parametrize(
    ("key", "private", "algorithm"),
    [
        (SECRET, SECRET, "HS256"),
        (SECRET + b"\r\n", SECRET, "HS256"),
        (public_pem(rsa_key()), rsa_key(), "RS256"),
        (public_pem(ed_key()), ed_key(), "EdDSA"),
    ],
)
async def test_each_kind_of_key_checks_its_own_algorithm(key: bytes, private: Signing, algorithm: str) -> None:
    token = signed({**GOOD, "name": "Ada"}, private, algorithm)
    user = await auth(key)(Credentials(token=token))
    assert (user.id, user.name, user.expires_at) == (5, "Ada", NOW + 60)


async def test_a_key_file_does_what_its_content_does(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    key_file.create(file)
    assert file.stat().st_mode & 0o777 == 0o600
    secret = file.read_bytes().strip()
    assert (await JwtAuth(key=file, clock=lambda: NOW)(Credentials(token=signed(GOOD, secret)))).id == 5
    with pytest.raises(ConfigError, match="there already"):
        key_file.create(file)
    assert file.read_bytes().strip() == secret


@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "", None, "HS384", "HS512", "RS256", "ES256", "hs256", ["HS256"], {}, 1]
)
async def test_a_token_of_another_algorithm_is_refused(alg: object) -> None:
    assert "alg" in await refusal(forged(GOOD, SECRET, alg=alg))


async def test_a_token_without_a_signature_is_refused() -> None:
    unsigned = jwt.encode(GOOD, "", algorithm="none")
    for key in (SECRET, public_pem(rsa_key()), public_pem(ed_key())):
        await refusal(unsigned, auth(key))
    head, claims, _ = signed().split(".")
    assert "key" in await refusal(f"{head}.{claims}.")
    await refusal(f"{head}.{claims}")


@pytest.mark.parametrize("private", [rsa_key(), ed_key()])
async def test_a_public_key_is_no_hmac_secret(private: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> None:
    """Everybody has it; with libraries that let the token choose, everybody could sign."""
    pem = public_pem(private)
    raw = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), raw):
        assert "alg" in await refusal(forged(GOOD, secret, alg="HS256", typ="JWT"), auth(pem))
        await refusal(forged(GOOD, secret, alg="RS256"), auth(pem))
        await refusal(forged(GOOD, secret, alg="EdDSA"), auth(pem))


@pytest.mark.parametrize(
    ("token", "key"),
    [
        (signed(GOOD, b"x" * 32), SECRET),
        (signed(GOOD, rsa_key(number=1), "RS256"), public_pem(rsa_key())),
        (signed(GOOD, ed_key(1), "EdDSA"), public_pem(ed_key())),
        (signed(GOOD, rsa_key(), "RS256"), public_pem(ed_key())),
        (signed(GOOD, ed_key(), "EdDSA"), public_pem(rsa_key())),
        (signed(GOOD), public_pem(rsa_key())),
    ],
)
async def test_a_token_of_another_key_is_refused(token: str, key: bytes) -> None:
    await refusal(token, auth(key))


async def test_a_changed_token_is_refused() -> None:
    head, _, signature = signed().split(".")
    other = signed({**GOOD, "sub": "6"}).split(".")[1]
    assert await refusal(f"{head}.{other}.{signature}") == "The token is not signed with this server's key."


async def test_what_a_token_demands_to_be_understood_refuses_it() -> None:
    """RFC 7515 §4.1.11."""
    headers: list[dict[str, Any]] = [{"crit": ["x"], "x": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}]
    for header in headers:
        await refusal(forged(GOOD, SECRET, alg="HS256", **header))


HEADERS_OF_OTHER_KINDS = ["W10.e30.AA", "NQ.e30.AA", "IngI.e30.AA", "bnVsbA.e30.AA", "e30", "W1tb" * 500]
"""`[]`, `5`, `"x"`, `null`, no more than a header, and brackets without end."""


@pytest.mark.parametrize(
    "token",
    [None, "", ".", "..", "a.b.c", "5", "5:Ada", "ä.ö.ü", "\ud800", "a" * 100_000, *HEADERS_OF_OTHER_KINDS],
)
async def test_what_is_no_token_is_refused(token: str | None) -> None:
    await refusal(token)


async def test_an_oversized_token_is_refused_before_it_is_looked_at() -> None:
    token = signed({**GOOD, "x": "x" * TOKEN_LIMIT})
    assert await refusal(token) == "The token is too long."
    assert (await user_of({**GOOD, "x": "x" * 4_000})).id == 5


async def test_an_oversized_header_is_not_read() -> None:
    assert (await auth()(Credentials(token=signed(kid="x" * 1_000)))).id == 5
    assert await refusal(signed(kid="x" * 2_000)) == "The token is no signed JSON Web Token."


@pytest.mark.parametrize("sub", ["1", "18446744073709551615", 1, 2**64 - 1])
async def test_the_subject_is_a_user_id(sub: object) -> None:
    assert (await user_of({**GOOD, "sub": sub})).id == int(str(sub))


NO_NUMBERS: list[object] = [None, "", "x", "1e3", "-1", -1, True, False, [], {}, [[5]], float("nan"), 10**400]


@pytest.mark.parametrize(
    "sub", [*NO_NUMBERS, "0", 0, 2**64, str(2**64), "05", " 5", "5 ", "5\n", "+5", "\u0665", 5.0, 5.5]
)
async def test_a_subject_that_is_no_user_id_is_refused(sub: object) -> None:
    assert "sub" in await refusal(signed({**GOOD, "sub": sub}))


@pytest.mark.parametrize("missing", ["sub", "exp"])
async def test_a_token_says_whose_it_is_and_until_when(missing: str) -> None:
    claims = {name: value for name, value in GOOD.items() if name != missing}
    assert f"({missing})" in await refusal(signed(claims))


@pytest.mark.parametrize("claims", [[], "5", 5, None, True, [GOOD]])
async def test_claims_are_an_object(claims: object) -> None:
    await refusal(signed(claims))


@pytest.mark.parametrize("exp", [*NO_NUMBERS, "1000060", float("inf"), float("-inf"), 2**60])
async def test_an_end_that_is_no_date_is_refused(exp: object) -> None:
    assert "exp" in await refusal(signed({**GOOD, "exp": exp}))


@pytest.mark.parametrize("exp", [0, NOW - 1, NOW])
async def test_a_token_that_has_run_out_is_refused(exp: float) -> None:
    assert await refusal(signed({**GOOD, "exp": exp})) == "The token has run out (exp)."


async def test_a_token_holds_until_its_end() -> None:
    assert (await user_of({**GOOD, "exp": NOW + 0.5})).expires_at == NOW + 0.5


@pytest.mark.parametrize("nbf", [*NO_NUMBERS, "1", float("inf")])
async def test_a_beginning_that_is_no_date_is_refused(nbf: object) -> None:
    assert "nbf" in await refusal(signed({**GOOD, "nbf": nbf}))


async def test_a_token_holds_from_its_beginning_within_what_clocks_differ() -> None:
    assert (await user_of({**GOOD, "nbf": NOW + LEEWAY})).id == 5
    assert "(nbf)" in await refusal(signed({**GOOD, "nbf": NOW + LEEWAY + 1}))


@pytest.mark.parametrize("iss", [None, "", "other", "https://issuer.example ", 1, ["https://issuer.example"]])
async def test_another_issuer_is_refused_where_one_is_expected(iss: object) -> None:
    checker = auth(issuer="https://issuer.example")
    assert "iss" in await refusal(signed({**GOOD, "iss": iss}), checker)
    assert "iss" in await refusal(signed(GOOD), checker)
    assert (await user_of({**GOOD, "iss": "https://issuer.example"}, checker)).id == 5
    assert (await user_of({**GOOD, "iss": iss})).id == 5


@pytest.mark.parametrize("aud", [None, "", "other", "voicex", 1, [], ["other"], [["voice"]], {"voice": 1}])
async def test_a_token_for_somebody_else_is_refused(aud: object) -> None:
    assert "aud" in await refusal(signed({**GOOD, "aud": aud}), auth(audience="voice"))
    assert "aud" in await refusal(signed({**GOOD, "aud": aud}))
    assert "aud" in await refusal(signed(GOOD), auth(audience="voice"))


@pytest.mark.parametrize("aud", ["voice", ["voice"], ["other", "voice"]])
async def test_a_token_for_this_server_among_others_is_taken(aud: object) -> None:
    assert (await user_of({**GOOD, "aud": aud}, auth(audience="voice"))).id == 5


@pytest.mark.parametrize("name", [None, 5, True, ["Ada"], {}])
async def test_a_name_that_is_no_text_is_refused(name: object) -> None:
    assert "name" in await refusal(signed({**GOOD, "name": name}))


async def test_a_name_is_tidied() -> None:
    assert (await user_of({**GOOD, "name": "Ada\n\ud800 Lovelace"})).name == "Ada   Lovelace"


async def allowed(claims: dict[str, Any], guild: int, channel: int) -> Permissions | None:
    """What a token allows in a channel; None for: not even to ask."""
    checker = auth()
    user = await checker(Credentials(token=signed({**GOOD, **claims})))
    try:
        return await checker.authorize(user, ChannelId(guild, channel))
    except PermissionDenied:
        return None


@pytest.mark.parametrize(
    ("claims", "inside", "outside"),
    [
        ({}, [(0, 0), (1, 2), (2**64 - 1, 2**64 - 1)], []),
        ({"guild": 1}, [(1, 2), (1, 0)], [(0, 2), (2, 1)]),
        ({"guild": "18446744073709551615"}, [(2**64 - 1, 2)], [(1, 2)]),
        ({"guild": [1, "3"]}, [(1, 2), (3, 2)], [(2, 2)]),
        ({"guild": 1, "channel": 2}, [(1, 2)], [(1, 3), (2, 2)]),
        ({"guild": 0, "channel": "0"}, [(0, 0)], [(0, 1), (1, 0)]),
        ({"guild": "1", "channel": [2, 3]}, [(1, 2), (1, 3)], [(1, 4), (2, 2)]),
    ],
)
async def test_a_token_may_be_for_some_guilds_and_channels_alone(
    claims: dict[str, Any], inside: list[tuple[int, int]], outside: list[tuple[int, int]]
) -> None:
    assert [await allowed(claims, *place) for place in inside] == [Permissions()] * len(inside)
    assert [await allowed(claims, *place) for place in outside] == [None] * len(outside)


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, 2**64, 1.0, "01", [1, None], [[1]], [True], list(range(PLACES_LIMIT + 1))]
)
async def test_a_place_that_is_none_is_refused(value: object) -> None:
    assert "guild" in await refusal(signed({**GOOD, "guild": value}))
    assert "channel" in await refusal(signed({**GOOD, "guild": 1, "channel": value}))


async def test_a_channel_without_its_guild_is_refused_since_every_guild_may_have_one() -> None:
    assert "guild" in await refusal(signed({**GOOD, "channel": 2}))


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, Permissions(join=True, listen=True, speak=True, moderate=False)),
        ([], Permissions(join=False, listen=False, speak=False, moderate=False)),
        (["join", "listen"], Permissions(join=True, listen=True, speak=False, moderate=False)),
        (["moderate", "join", "join"], Permissions(join=True, listen=False, speak=False, moderate=True)),
    ],
)
async def test_a_token_allows_what_it_lists(listed: list[str] | None, expected: Permissions) -> None:
    assert await allowed({} if listed is None else {"permissions": listed}, 1, 2) == expected


@pytest.mark.parametrize("listed", [None, "join", 1, True, {"join": True}, ["Join"], ["join", "fly"], [1], [["join"]]])
async def test_permissions_of_another_form_are_refused(listed: object) -> None:
    assert "permissions" in await refusal(signed({**GOOD, "permissions": listed}))


async def test_a_user_of_another_authenticator_is_allowed_nothing() -> None:
    with pytest.raises(PermissionDenied):
        await auth().authorize(User(5), ChannelId(1, 2))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"", "0 bytes"),
        (b"x" * 31, "31 bytes; HS256 needs 32"),
        (b"x" * 31 + b"\n\n", "31 bytes"),
        (private_pem(rsa_key()), "openssl pkey"),
        (private_pem(ed_key()), "openssl pkey"),
        (public_pem(rsa_key(1_024)), "1024 bits"),
        (public_pem(ec.generate_private_key(ec.SECP256R1())), "only RSA"),
        (public_pem(ed448.Ed448PrivateKey.generate()), "only RSA"),
        (b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n", "no public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no public key"),
        (b"ssh-ed25519 " + b"A" * 60, "must be PEM"),
        (json.dumps({"kty": "oct", "k": "A" * 60}).encode(), "must be PEM"),
    ],
)
def test_t21_a_key_that_protects_nothing_is_refused_at_the_start(key: bytes, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        auth(key)
    assert str(caught.value).startswith("The key ")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (b"short", "5 bytes"),
        (public_pem(rsa_key()), "only that can sign"),
        (private_pem(rsa_key(1_024)), "1024 bits"),
        (private_pem(ec.generate_private_key(ec.SECP256R1())), "only RSA"),
        (ed_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), "password"),
    ],
)
def test_what_cannot_sign_is_refused(key: bytes, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        read_signing_key(key, "The key")


def test_a_key_file_that_cannot_be_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hocket token --new-key --jwt-key"):
        JwtAuth(key=tmp_path / "nothing")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        JwtAuth(key=tmp_path)
    (tmp_path / "huge").write_bytes(b"x" * 100_000)
    with pytest.raises(ConfigError, match="longer than 64 KiB"):
        JwtAuth(key=tmp_path / "huge")


def test_one_source_of_keys_must_be_given() -> None:
    with pytest.raises(ConfigError, match="one of the two"):
        JwtAuth()
    with pytest.raises(ConfigError, match="one of the two"):
        JwtAuth(key=SECRET, jwks="https://example.org/jwks.json")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
CLAIM_NAMES = ["sub", "exp", "nbf", "iss", "aud", "name", "guild", "channel", "permissions", "iat", "jti"]


async def _tried(token: str, checker: JwtAuth) -> None:
    try:
        user = await checker(Credentials(token=token))
    except (Unauthenticated, Unavailable):
        return
    assert 0 < user.id < 2**64
    assert user.expires_at is not None
    assert user.expires_at > NOW
    with contextlib.suppress(PermissionDenied):
        await checker.authorize(user, ChannelId(1, 2))


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*", fullmatch=True))
async def test_any_text_is_one_of_two_errors(token: str) -> None:
    await _tried(token, auth())


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u"]), JSON), st.booleans())
async def test_any_header_is_a_user_or_one_of_two_errors(header: dict[str, Any], fits: bool) -> None:
    await _tried(forged(GOOD, SECRET, **({**header, "alg": "HS256"} if fits else header)), auth())


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(st.sampled_from(CLAIM_NAMES), JSON), st.booleans())
async def test_any_claims_are_a_user_or_one_of_two_errors(claims: dict[str, Any], whole: bool) -> None:
    checker = auth(audience=claims["aud"]) if isinstance(claims.get("aud"), str) else auth()
    await _tried(signed({**claims, **GOOD} if whole else {**GOOD, **claims}), checker)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
async def test_any_signed_bytes_are_a_user_or_one_of_two_errors(payload: bytes) -> None:
    await _tried(jwt.PyJWS().encode(payload, SECRET, algorithm="HS256"), auth())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda data: b"-----BEGIN " + data + b"PUBLIC KEY-----"))
def test_any_bytes_are_a_key_or_a_sentence(data: bytes) -> None:
    for read in (read_key, read_signing_key):
        with contextlib.suppress(ConfigError):
            read(data, "The key")


async def test_claims_nested_without_end_are_one_error() -> None:
    deep = b'{"sub":' + b"[" * 2_000 + b"]" * 2_000 + b"}"
    await refusal(jwt.PyJWS().encode(deep, SECRET, algorithm="HS256"))
    digits = b'{"sub":' + b"9" * 5_000 + b"}"
    await refusal(jwt.PyJWS().encode(digits, SECRET, algorithm="HS256"))


async def test_t20_neither_token_nor_key_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    checker = auth()
    tokens = [
        signed({**GOOD, "sub": "wrong-sub-value"}),
        signed({**GOOD, "permissions": ["wrong-permission"]}),
        signed({**GOOD, "name": "right-name-value"}),
        signed(GOOD, b"y" * 40),
        "not-a-token-at-all",
        forged(GOOD, SECRET, alg="none", kid="wrong-kid-value"),
    ]
    told = [repr(checker), repr(read_key(SECRET, "x")), repr(read_signing_key(SECRET, "x"))]
    for token in tokens:
        try:
            told.append(repr(await checker(Credentials(token=token))))
        except Unauthenticated as error:
            told.append(repr(error) + error.sentence)
    text = "".join(told) + caplog.text
    for secret in (*tokens, *(part for token in tokens for part in token.split(".") if part), SECRET.decode()):
        assert secret not in text
    for value in ("wrong-sub-value", "wrong-permission", "wrong-kid-value"):
        assert value not in text
