"""T20: the watch over the whole test run (`tests/secrecy.py`) finds a secret wherever one is said."""

from __future__ import annotations

import logging

import pytest

from tests.cli.test_serve import serving
from tests.secrecy import Listener, Secrecy, secrecy
from tests.server.running import running
from tests.server.wire import Client, Refused
from tests.voice import shapes

TOKEN = "77777777%3Atopsecret"


def test_a_secret_is_found_whether_it_was_said_before_or_after_it_was_known() -> None:
    watch = Secrecy()
    watch.read("first topsecret")
    watch.keep("topsecret")
    watch.read("then topsecret again")
    watch.read("nothing")
    assert watch.leaks() == ["first topsecret", "then topsecret again"]
    assert watch.leaks() == []


@pytest.mark.parametrize(
    "said",
    [
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----",
        "token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
        "authorization: Bearer abcdefghijk",
        "headers={'cookie': 'session=abcdef'}",
        "Sec-WebSocket-Protocol: hrpc1, abcdefgh",
        "a=ice-pwd:abcdef",
        '{"iceParameters": {"password": "x"}}',
    ],
)
def test_what_looks_like_a_secret_is_found_though_nobody_made_it_known(said: str) -> None:
    watch = Secrecy()
    watch.read(said)
    assert watch.leaks() == [said]


def test_the_trace_of_a_log_record_is_read_too() -> None:
    watch = Secrecy()
    watch.keep("topsecret")
    logger = logging.getLogger("tests.secrecy")
    listener = Listener(watch)
    logger.addHandler(listener)
    try:
        raise LookupError("topsecret")
    except LookupError:
        logger.exception("it failed")
    finally:
        logger.removeHandler(listener)
    assert len(watch.leaks()) == 1


async def test_the_tests_clients_hand_in_their_tokens_and_the_ice_passwords_that_they_are_told() -> None:
    async with running() as (_, base):
        async with await Client.open(base, TOKEN, headers={"Cookie": "session=topsecret"}) as ada:
            await ada.join()
        known = set(secrecy._secrets)
    assert {TOKEN, "session=topsecret"} <= known
    assert len(known) == 4, "two transports have a password each"


async def test_no_secret_is_logged_or_told_by_a_server_at_any_level() -> None:
    async with serving("--port", "0", "--log-level", "debug") as server:
        async with await Client.open(server.base, TOKEN) as ada:
            await ada.join()
        for headers in ({"Authorization": "othersecret"}, {"Authorization": "Bearer othersecret"}):
            with pytest.raises(Refused):
                await Client.open(server.base, headers=headers)
        async with await Client.open(server.base, headers={"Authorization": "8:thirdsecret"}) as bob:
            await bob.say(shapes.initialize(), shapes.prepare("[]"))
            await bob.end()
        _, _, errors = await server.end()
    assert "stream opened" in errors
    assert "topsecret" not in errors, "names stay out of the log too"
