"""Which of its own addresses the machine announces."""

from __future__ import annotations

import ipaddress

import pytest

from hocket.addresses import OWN_LIMIT, Announced, IpAddress, choose
from hocket.config import ConfigError
from hocket.network import own_addresses, resolve


def own(*entries: tuple[str, str]) -> list[tuple[str, IpAddress]]:
    return [(name, ipaddress.ip_address(text)) for name, text in entries]


LO = [("lo", "127.0.0.1"), ("lo", "::1")]
USUAL = own(*LO, ("eth0", "192.168.1.5"), ("eth0", "fd00::5"), ("eth0", "fe80::5"))


def texts(announced: tuple[Announced, ...]) -> list[str]:
    return [entry.address for entry in announced]


def test_a_browser_on_this_machine_and_one_on_the_lan_both_have_an_address() -> None:
    assert texts(choose(USUAL, loopback=True)) == ["127.0.0.1", "192.168.1.5", "fd00::5"]
    assert texts(choose(USUAL, loopback=None)) == ["192.168.1.5", "fd00::5", "127.0.0.1"]


def test_a_public_server_announces_the_loopback_only_when_there_is_nothing_else() -> None:
    assert texts(choose(USUAL, loopback=False)) == ["192.168.1.5", "fd00::5"]
    assert texts(choose(own(*LO), loopback=False)) == ["127.0.0.1"]


def test_link_local_addresses_are_left_out() -> None:
    assert texts(choose(own(("eth0", "fe80::1"), ("eth0", "169.254.3.4")), loopback=False)) == []


def test_interfaces_of_containers_come_last() -> None:
    found = own(("docker0", "172.17.0.1"), ("wlan0", "fd00::7"), ("wlan0", "10.0.0.7"))
    assert texts(choose(found, loopback=False)) == ["10.0.0.7", "fd00::7", "172.17.0.1"]


def test_there_is_a_bound() -> None:
    many = own(*[("eth0", f"10.0.0.{number}") for number in range(1, 100)])
    assert len(choose(many, loopback=False)) == OWN_LIMIT


def test_each_address_says_where_it_comes_from() -> None:
    assert choose(USUAL, loopback=True)[:2] == (Announced("127.0.0.1", "loopback"), Announced("192.168.1.5", "eth0"))


def test_the_kernel_knows_the_loopback() -> None:
    assert ipaddress.ip_address("127.0.0.1") in [ip for _, ip in own_addresses()]


async def test_what_was_asked_for_is_announced_in_that_order() -> None:
    announced = await resolve(["203.0.113.9", "[2001:db8::1]", "203.0.113.9", "localhost"])
    assert texts(announced)[:2] == ["203.0.113.9", "2001:db8::1"]
    assert Announced("127.0.0.1", "localhost") in announced


async def test_a_name_without_an_address_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match=r"--announce nosuch\.invalid"):
        await resolve(["nosuch.invalid"])
