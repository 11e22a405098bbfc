"""Who may do what: the decisions, as tables."""

from __future__ import annotations

import pytest

from hocket.auth import User
from hocket.errors import JoinedElsewhere, Kicked, PermissionDenied
from hocket.policy import (
    ChannelId,
    Moderation,
    Permissions,
    allow_everything,
    check_elsewhere,
    check_join,
    check_origin,
    neighbourhood,
    without_ambient,
)

HERE, THERE = ChannelId(1, 1), ChannelId(1, 2)


@pytest.mark.parametrize(
    ("permissions", "speaks", "allowed"),
    [
        (Permissions(), True, True),
        (Permissions(), False, True),
        (Permissions(speak=False), True, False),
        (Permissions(speak=False), False, True),
        (Permissions(join=False), True, False),
        (Permissions(join=False), False, False),
        (Permissions(listen=False), True, True),
    ],
)
def test_who_may_join(permissions: Permissions, speaks: bool, allowed: bool) -> None:
    if allowed:
        check_join(permissions, speaks=speaks)
    else:
        with pytest.raises(PermissionDenied):
            check_join(permissions, speaks=speaks)


async def test_by_default_everybody_may_do_everything() -> None:
    assert await allow_everything(User(1), HERE) == Permissions(join=True, speak=True, listen=True)


def test_what_becomes_of_the_streams_in_other_channels() -> None:
    assert check_elsewhere("replace", elsewhere=True)
    assert not check_elsewhere("replace", elsewhere=False)
    assert not check_elsewhere("allow", elsewhere=True)
    assert not check_elsewhere("reject", elsewhere=False)
    with pytest.raises(JoinedElsewhere):
        check_elsewhere("reject", elsewhere=True)


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        (None, "voice.example.org", True),
        ("https://voice.example.org", "voice.example.org", True),
        ("https://VOICE.example.org:8443", "voice.example.org:8443", True),
        ("https://voice.example.org", "voice.example.org:8443", False),
        ("https://evil.example", "voice.example.org", False),
        ("https://friend.example", "voice.example.org", True),
        ("null", "voice.example.org", False),
        ("", "", False),
        ("http://[", "voice.example.org", False),
        ("https://evil.example", None, False),
        ("https://voice.example.org.evil.example", "voice.example.org", False),
    ],
)
def test_t14_a_foreign_origin_needs_a_token_and_has_nothing_but_that(
    origin: str | None, host: str | None, own: bool
) -> None:
    friends = {"https://friend.example"}
    assert check_origin(origin, host, token=True, allowed=friends) == own
    if own:
        assert check_origin(origin, host, token=False, allowed=friends)
    else:
        with pytest.raises(PermissionDenied):
            check_origin(origin, host, token=False, allowed=friends)


def test_t14_what_comes_by_itself_is_left_out() -> None:
    lent = {"cookie": "a=b", "authorization": "Basic YTpi", "x-forwarded-user": "ada", "x-ssl-client-s-dn": "CN=ada"}
    assert without_ambient(lent | {"host": "voice.example.org"}) == {"host": "voice.example.org"}


def test_a_kick_holds_until_it_is_taken_back() -> None:
    moderation = Moderation()
    moderation.kick(1, HERE)
    moderation.check(1, THERE)
    moderation.check(2, HERE)
    with pytest.raises(Kicked):
        moderation.check(1, HERE)
    moderation.kick(1, None)
    with pytest.raises(Kicked):
        moderation.check(1, THERE)
    moderation.allow(1, HERE)
    with pytest.raises(Kicked):
        moderation.check(1, HERE)
    moderation.allow(1, None)
    moderation.check(1, HERE)


def test_a_mute_holds_until_it_is_taken_back() -> None:
    moderation = Moderation()
    moderation.mute(1, HERE, True)
    assert moderation.is_muted(1, HERE)
    assert not moderation.is_muted(1, THERE)
    moderation.mute(1, None, True)
    assert moderation.is_muted(1, THERE)
    moderation.mute(1, None, False)
    assert not moderation.is_muted(1, HERE)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1" + 45 * "%", "::/64"),
        ("testclient", "testclient"),
        (46 * "0", 46 * "0"),
        (None, None),
    ],
)
def test_an_ipv6_network_of_64_bits_counts_as_one_address(address: str | None, counted: str | None) -> None:
    assert neighbourhood(address) == counted
