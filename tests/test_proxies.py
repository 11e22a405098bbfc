"""Whose address counts behind a proxy: the rightmost that no trusted proxy has."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.config import ConfigError, read_networks
from hocket.proxies import client_address

TRUSTED = read_networks(["127.0.0.1", "10.0.0.0/8", "fd00::/8", "::1"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("::1", ["203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7", "10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("127.0.0.1", ["2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", [" \t203.0.113.7 "], "203.0.113.7"),
        ("127.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["fe80::7%eth0"], "fe80::7"),
    ],
)
def test_a_trusted_peer_says_who_asked_it(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8::9", "192.168.0.1"])
def test_nobody_else_is_believed(peer: str) -> None:
    assert client_address(peer, ["127.0.0.1", "198.51.100.1"], TRUSTED) == peer


@pytest.mark.parametrize("claimed", ["127.0.0.1", "198.51.100.1", "127.0.0.1, 10.0.0.1", "rubbish", ", ,,"])
def test_what_a_client_claims_stands_left_of_its_address_and_counts_for_nothing(claimed: str) -> None:
    assert client_address("127.0.0.1", [f"{claimed}, 203.0.113.7"], TRUSTED) == "203.0.113.7"
    assert client_address("127.0.0.1", [claimed, "203.0.113.7, 10.1.2.3"], TRUSTED) == "203.0.113.7"


@pytest.mark.parametrize(
    "rubbish", ["unknown", "", "_hidden", "203.0.113", "203.0.113.7.9", "[2001:db8::1", "1.2.3.4:", "1.2.3.4:x", "\x00"]
)
def test_what_is_no_address_ends_the_list_at_the_proxy_that_wrote_it(rubbish: str) -> None:
    assert client_address("127.0.0.1", [f"198.51.100.1, {rubbish}"], TRUSTED) == "127.0.0.1"
    assert client_address("127.0.0.1", [f"198.51.100.1, {rubbish}, 10.1.2.3"], TRUSTED) == "10.1.2.3"


def test_if_all_are_trusted_the_first_one_asked() -> None:
    assert client_address("127.0.0.1", ["10.0.0.1, 10.0.0.2"], TRUSTED) == "10.0.0.1"


def test_a_peer_without_an_address_stays_what_it_is() -> None:
    assert client_address("", ["203.0.113.7"], TRUSTED) == ""


_entry = st.one_of(st.ip_addresses().map(str), st.text(max_size=20), st.just("10.1.2.3"))


@given(st.lists(_entry, max_size=6), st.ip_addresses(v=4).filter(lambda ip: not any(ip in net for net in TRUSTED)))
def test_whatever_a_client_sends_the_address_that_the_proxy_saw_counts(
    claimed: list[str], seen: ipaddress.IPv4Address
) -> None:
    assert client_address("127.0.0.1", [*claimed, str(seen)], TRUSTED) == str(seen)


def test_networks_are_read_with_an_error_that_names_the_wrong_one() -> None:
    assert [str(network) for network in TRUSTED] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8", "::1/128"]
    assert read_networks(["[::1]"]) == read_networks(["::1"])
    for wrong in ("proxy.example", "10.0.0.1/8", "1.2.3.4/33", "", "0.0.0.0/0", "::/0"):
        with pytest.raises(ConfigError, match=wrong or "trusted_proxies"):
            read_networks(["127.0.0.1", wrong])
