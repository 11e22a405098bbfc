"""Limits count people, not the proxy that they come through, where it is trusted; and nobody lies to get around."""

from __future__ import annotations

import pytest

from hocket.auth import Credentials, User
from hocket.auth.open import OpenAuth
from hocket.config import Limits
from tests.server.running import running
from tests.server.wire import Client, Refused

LIMITS = Limits(streams_per_address=2)


def through(*addresses: str) -> dict[str, str]:
    """The header that a proxy on this machine adds."""
    return {"X-Forwarded-For": ", ".join(addresses)}


async def test_behind_a_trusted_proxy_streams_count_for_each_forwarded_address() -> None:
    everywhere = OpenAuth(everywhere=True)
    async with running(limits=LIMITS, trusted_proxies=["127.0.0.0/8"], authenticate=everywhere) as (voice, base):
        for address in ("203.0.113.1", "203.0.113.2"):
            for _ in range(2):
                await Client.open(base, headers=through("198.51.100.9", address))
            with pytest.raises(Refused) as caught:
                await Client.open(base, headers=through("198.51.100.10", address))
            assert (caught.value.status, caught.value.identifier) == (429, "hrpc.resource-exhausted")
        counts = voice.dump()["counts"]
        assert isinstance(counts, dict)
        assert {key[1]: n for key, n in counts.items() if key[0] == "address"} == {"203.0.113.1": 2, "203.0.113.2": 2}


async def test_without_a_trusted_proxy_a_client_cannot_count_as_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's, which would believe everybody
    everywhere = OpenAuth(everywhere=True)
    async with running(limits=LIMITS, authenticate=everywhere) as (_, base):
        for number in (1, 2):
            await Client.open(base, headers=through(f"203.0.113.{number}"))
        with pytest.raises(Refused) as caught:
            await Client.open(base, headers=through("203.0.113.3"))
        assert caught.value.status == 429


async def test_an_app_is_told_the_forwarded_address() -> None:
    seen: list[str | None] = []

    async def authenticate(credentials: Credentials) -> User:
        seen.append(credentials.address)
        return User(1)

    async with running(trusted_proxies=["127.0.0.1"], authenticate=authenticate) as (_, base):
        for headers in ({}, through("2001:db8::1"), through("[2001:db8::2]:9"), through("unknown")):
            async with await Client.open(base, headers=headers):
                pass
    assert seen == ["127.0.0.1", "2001:db8::1", "2001:db8::2", "127.0.0.1"]
