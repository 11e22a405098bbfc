"""`open` auth: the token is the user id in decimal, or `id:display name`; for this machine, unless told otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.auth import NAME_LIMIT, Authenticator, Credentials, User, tidy_name
from hocket.auth.open import OpenAuth, read_token
from hocket.errors import PermissionDenied, Unauthenticated
from hocket.policy import ChannelId, Permissions


@pytest.mark.parametrize(
    ("token", "user"),
    [
        ("1", User(1)),
        ("18446744073709551615", User(2**64 - 1)),
        ("007", User(7)),
        ("5:Ada", User(5, "Ada")),
        ("5:", User(5)),
        ("5%3AAda%20Lovelace", User(5, "Ada Lovelace")),
        ("5:Ada: the first", User(5, "Ada: the first")),
        ("5%3AZo%C3%AB%20%28she%29", User(5, "Zoë (she)")),
        ("5:Zoë", User(5, "Zoë")),
        ("5:a+b", User(5, "a+b")),
        ("5:line\nbreak\x00", User(5, "line break")),
        ("5:" + "x" * 1000, User(5, "x" * NAME_LIMIT)),
    ],
)
def test_a_token_names_a_user(token: str, user: User) -> None:
    assert read_token(token) == user


@pytest.mark.parametrize(
    "token",
    ["", ":", "Ada", "0", "-1", "+1", " 1", "1 ", "18446744073709551616", "9" * 30, "1;2", "%", "%FF", "\u0661", "0:x"],
)
def test_what_is_no_token_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        read_token(token)
    assert caught.value.sentence == "The token must be a user id from 1 to 2^64-1, or `id:display name`."


@given(st.text(max_size=200))
def test_any_text_is_a_user_or_one_error(token: str) -> None:
    try:
        user = read_token(token)
    except Unauthenticated:
        return
    assert 0 < user.id < 2**64
    assert user.name.isprintable()
    assert len(user.name) <= NAME_LIMIT


@given(st.text())
def test_a_tidy_name_is_printable_and_stays_as_it_is(name: str) -> None:
    tidy = tidy_name(name)
    assert tidy.isprintable()
    assert tidy_name(tidy) == tidy
    tidy.encode()


@pytest.mark.parametrize("id", [0, -1, 2**64])
def test_a_user_id_outside_uint64_is_refused(id: int) -> None:
    with pytest.raises(ValueError, match="user id"):
        User(id)


async def test_without_a_token_everybody_is_another_guest() -> None:
    auth = OpenAuth(everywhere=True)
    guests = {(await auth(Credentials())).id for _ in range(100)}
    assert len(guests) == 100
    assert all(2**53 < guest < 2**63 for guest in guests)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("127.0.0.1", "localhost:8080"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.8.8.8", "LOCALHOST:1"),
        ("::1", "[::1]:8080"),
        ("::1", "voice.localhost"),
        ("127.0.0.1", "localhost."),
        ("::ffff:127.0.0.1", "localhost"),
    ],
)
async def test_t21_open_auth_serves_this_machine(address: str, host: str) -> None:
    assert (await OpenAuth()(Credentials(token="3", address=address, host=host))).id == 3


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7", "localhost:8080"),
        ("2001:db8::1", "[::1]:8080"),
        ("127.0.0.1", "voice.example.org"),
        ("127.0.0.1", "localhost.example.org"),
        ("127.0.0.1", "127.0.0.1.example.org"),
        ("127.0.0.1", "[::1"),
        ("127.0.0.1", ""),
        ("127.0.0.1", None),
        ("testclient", "localhost"),
        (None, "localhost"),
    ],
)
async def test_t21_open_auth_serves_nobody_else_unless_told(address: str | None, host: str | None) -> None:
    credentials = Credentials(token="3", address=address, host=host)
    with pytest.raises(PermissionDenied):
        await OpenAuth()(credentials)
    assert (await OpenAuth(everywhere=True)(credentials)).id == 3


@pytest.mark.parametrize("header", ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"])
@pytest.mark.parametrize("value", ["127.0.0.1", "for=127.0.0.1", ""])
async def test_t21_what_a_proxy_passes_on_is_not_from_this_machine(header: str, value: str) -> None:
    credentials = Credentials(token="3", headers={header: value}, address="127.0.0.1", host="localhost")
    with pytest.raises(PermissionDenied):
        await OpenAuth()(credentials)
    assert (await OpenAuth(everywhere=True)(credentials)).id == 3


def test_t20_credentials_show_no_secret() -> None:
    shown = repr(Credentials(token="hidden1", headers={"cookie": "hidden2"}))
    assert "hidden" not in shown


async def test_open_auth_says_itself_that_everybody_may_do_everything() -> None:
    part: Authenticator = OpenAuth()
    assert await part.authorize(User(1), ChannelId(1, 2)) == Permissions()
