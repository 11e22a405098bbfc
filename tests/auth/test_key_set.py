"""`jwt` auth with the keys of a URL, over a real HTTP server on this machine, and a clock that the tests turn."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from hocket import ConfigError, Credentials, JwtAuth
from hocket.auth import key_set
from hocket.auth.key_set import AGAIN_SECONDS, FRESH_SECONDS, SIZE_LIMIT, KeySet, check_url
from hocket.auth.keys import read_key_set
from hocket.errors import Unauthenticated, Unavailable
from tests.auth.tokens import GOOD, NOW, SECRET, ed_key, forged, rsa_key, signed, web_key
from tests.auth.tokens import key_set as set_of
from tests.clock import Clock

PATIENCE = 10.0


class Publisher:
    """An HTTP server with a key set.

    Attributes:
        asked: how often it was.
        body: what it answers.
        head: lines of the answer before the body.
        open: an answer is held back until this is set.
        drips: after the body, a space comes now and then, without end.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.body = set_of(a=rsa_key())
        self.head = ["HTTP/1.1 200 OK"]
        self.open = asyncio.Event()
        self.open.set()
        self.drips = False
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            assert b"authorization" not in request.lower()
            self.asked += 1
            await self.open.wait()
            writer.write("\r\n".join([*self.head, "Connection: close", "", ""]).encode() + self.body)
            await writer.drain()
            while self.drips:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def publishing() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    server = await asyncio.start_server(publisher.serve, "127.0.0.1", 0)
    async with server:
        publisher.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json?hidden-in-the-query"
        yield publisher
        publisher.drips = False
        publisher.open.set()


@pytest_asyncio.fixture
async def publisher() -> AsyncIterator[Publisher]:
    async with publishing() as publisher:
        yield publisher


@pytest.fixture
def keys(publisher: Publisher, clock: Clock) -> KeySet:
    return KeySet(publisher.url, now=clock)


async def failure(asking: Awaitable[object]) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        await asking
    assert 1 <= caught.value.retry_after <= AGAIN_SECONDS
    return caught.value


async def unknown(asking: Awaitable[object]) -> None:
    with pytest.raises(Unauthenticated):
        await asking


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - of what tells nobody
            await asyncio.sleep(0.005)


async def test_a_token_is_checked_with_the_key_that_it_names(publisher: Publisher) -> None:
    publisher.body = set_of(a=rsa_key(), b=ed_key(), c=ed_key(1))
    auth = JwtAuth(jwks=publisher.url, clock=lambda: NOW)
    for token in (
        signed(GOOD, rsa_key(), "RS256", kid="a"),
        signed(GOOD, ed_key(), "EdDSA", kid="b"),
        signed(GOOD, rsa_key(), "RS256"),
    ):
        assert (await auth(Credentials(token=token))).id == 5
    for token in (
        signed(GOOD, ed_key(), "EdDSA", kid="c"),
        signed(GOOD, ed_key(), "EdDSA"),
        signed(GOOD, rsa_key(number=1), "RS256", kid="a"),
    ):
        await unknown(auth(Credentials(token=token)))
    assert publisher.asked == 1


@pytest.mark.parametrize("alg", ["none", "HS256", "ES256", "PS256", None, ["RS256"]])
async def test_nothing_is_fetched_for_a_token_of_another_algorithm(publisher: Publisher, alg: object) -> None:
    await unknown(JwtAuth(jwks=publisher.url)(Credentials(token=forged(GOOD, publisher.body, alg=alg, kid="a"))))
    await unknown(JwtAuth(jwks=publisher.url)(Credentials(token=forged(GOOD, SECRET, alg="RS256", kid=["a"]))))
    assert publisher.asked == 0


async def test_all_who_ask_at_once_wait_for_one_fetch(publisher: Publisher, keys: KeySet) -> None:
    publisher.open.clear()
    asking = [asyncio.ensure_future(keys.find("a", "RS256")) for _ in range(50)]
    strangers = [asyncio.ensure_future(keys.find(f"x{number}", "RS256")) for number in range(50)]
    await until(lambda: publisher.asked == 1)
    publisher.open.set()
    assert {key.id for key in await asyncio.gather(*asking)} == {"a"}
    for each in strangers:
        await unknown(each)
    assert publisher.asked == 1


async def test_a_new_key_is_found_and_a_flood_of_names_asks_no_more_than_it_may(
    publisher: Publisher, keys: KeySet, clock: Clock
) -> None:
    await keys.find("a", "RS256")
    clock.now += 1
    for number in range(300):
        await failure(keys.find(f"x{number}", "RS256"))
    assert publisher.asked == 1
    publisher.body = set_of(a=rsa_key(), b=ed_key())
    clock.now += AGAIN_SECONDS - 1.1
    assert (await failure(keys.find("b", "EdDSA"))).retry_after == 1
    clock.now += 0.2
    assert (await keys.find("b", "EdDSA")).id == "b"
    assert publisher.asked == 2
    for number in range(100):
        clock.now += 1
        with pytest.raises((Unauthenticated, Unavailable)):
            await keys.find(f"x{number}", "RS256")
        assert (await keys.find("a", "RS256")).id == "a", "who has a good token notices nothing"
    assert publisher.asked <= 2 + 100 / AGAIN_SECONDS + 1


async def test_a_key_that_was_taken_out_is_forgotten(publisher: Publisher, keys: KeySet, clock: Clock) -> None:
    await keys.find("a", "RS256")
    publisher.body = set_of(b=rsa_key(number=1))
    clock.now += FRESH_SECONDS
    assert (await keys.find("a", "RS256")).id == "a"
    clock.now += 1
    await unknown(keys.find("a", "RS256"))
    assert publisher.asked == 2


BAD_ANSWERS: dict[str, tuple[list[str], bytes]] = {
    "an error": (["HTTP/1.1 500 Sorry"], b""),
    "nothing there": (["HTTP/1.1 404 Not Found"], set_of(a=rsa_key())),
    "a redirect": (["HTTP/1.1 302 Found", "Location: http://127.0.0.1:1/"], set_of(a=rsa_key())),
    "no HTTP": (["SSH-2.0-OpenSSH"], b""),
    "nothing": (["HTTP/1.1 200 OK"], b""),
    "a page": (["HTTP/1.1 200 OK"], b"<html></html>"),
    "another object": (["HTTP/1.1 200 OK"], b'{"issuer": "x"}'),
    "no object": (["HTTP/1.1 200 OK"], b"[]"),
    "an empty set": (["HTTP/1.1 200 OK"], b'{"keys": []}'),
    "depth": (["HTTP/1.1 200 OK"], b'{"keys":' + b"[" * 50_000),
    "huge": (["HTTP/1.1 200 OK"], set_of(a=rsa_key()) + b" " * SIZE_LIMIT),
    "cut off": (["HTTP/1.1 200 OK", "Content-Length: 100000"], set_of(a=rsa_key())),
    "compressed": (["HTTP/1.1 200 OK", "Content-Encoding: gzip"], gzip.compress(set_of(a=rsa_key()))),
    "a secret": (["HTTP/1.1 200 OK"], b'{"keys": [{"kty": "oct", "k": "' + b"A" * 50 + b'", "kid": "a"}]}'),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
async def test_old_keys_stay_while_the_answers_are_bad_and_it_is_logged_once(
    publisher: Publisher, keys: KeySet, clock: Clock, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    caplog.set_level(logging.INFO, "hocket.auth")
    good = publisher.head, publisher.body
    publisher.head, publisher.body = BAD_ANSWERS[kind]
    for _ in range(3):
        await failure(keys.find("a", "RS256"))
    assert publisher.asked == 1
    clock.now += AGAIN_SECONDS
    publisher.head, publisher.body = good
    assert (await keys.find("a", "RS256")).id == "a"
    publisher.head, publisher.body = BAD_ANSWERS[kind]
    for _ in range(3):
        clock.now += FRESH_SECONDS + 1
        assert (await keys.find("a", "RS256")).id == "a"
        await failure(keys.find("b", "RS256"))
    assert publisher.asked == 5
    levels = [record.levelname for record in caplog.records if record.name == "hocket.auth"]
    assert levels == ["WARNING", "INFO", "WARNING"]
    assert "hidden-in-the-query" not in "".join(r.getMessage() for r in caplog.records if r.name == "hocket.auth")


async def test_an_outage_is_a_time_to_come_back(clock: Clock) -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await failure(KeySet(f"http://127.0.0.1:{port}/", now=clock).find("a", "RS256"))
    server.close()
    await server.wait_closed()
    await failure(KeySet(f"http://127.0.0.1:{port}/", now=clock).find("a", "RS256"))
    await failure(KeySet("https://nosuch.invalid/", now=clock).find("a", "RS256"))


async def test_a_slow_answer_is_given_up_and_keeps_nobody_waiting_whose_key_is_known(
    publisher: Publisher, keys: KeySet, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.find("a", "RS256")
    publisher.open.clear()
    clock.now += FRESH_SECONDS + 1
    first = asyncio.ensure_future(keys.find("a", "RS256"))
    await until(lambda: publisher.asked == 2)
    assert (await asyncio.wait_for(keys.find("a", "RS256"), PATIENCE)).id == "a"
    assert not first.done()
    publisher.open.set()
    assert (await first).id == "a"
    publisher.open.clear()
    monkeypatch.setattr(key_set, "FETCH_SECONDS", 0.1)
    clock.now += FRESH_SECONDS + 1
    assert (await keys.find("a", "RS256")).id == "a"
    assert publisher.asked == 3


async def test_an_answer_that_drips_without_end_is_given_up(
    publisher: Publisher, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_set, "FETCH_SECONDS", 0.3)
    publisher.drips = True
    await failure(asyncio.wait_for(keys.find("a", "RS256"), PATIENCE))


async def test_keys_come_from_nowhere_else_than_the_url_itself(publisher: Publisher, keys: KeySet) -> None:
    async with publishing() as elsewhere:
        publisher.head = ["HTTP/1.1 302 Found", f"Location: {elsewhere.url}"]
        await failure(keys.find("a", "RS256"))
        assert (publisher.asked, elsewhere.asked) == (1, 0)


async def test_who_gives_up_while_fetching_leaves_the_others_a_time_to_come_back(
    publisher: Publisher, keys: KeySet, clock: Clock
) -> None:
    publisher.open.clear()
    first, second = (asyncio.ensure_future(keys.find("a", "RS256")) for _ in range(2))
    await until(lambda: publisher.asked == 1)
    first.cancel()
    await failure(second)
    publisher.open.set()
    clock.now += AGAIN_SECONDS
    assert (await keys.find("a", "RS256")).id == "a"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jwks.json",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://example.org/jwks.json",
        "http://192.0.2.1/",
        "http://localhost.example.org/",
        "ftp://localhost/",
        "https://",
        "https:///path",
        "https://user:password@example.org/",
        "https://example.org/#x",
        "https://[::1",
        "https://example.org:port/",
        "https://exa\x00mple.org/",
    ],
)
def test_a_url_from_which_others_could_put_in_a_key_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="URL of a key set") as caught:
        JwtAuth(jwks=url)
    assert "password" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b", "http://localhost:1/", "http://[::1]:1/", "http://127.0.0.1/"]
)
def test_https_and_this_machine_are_fine(url: str) -> None:
    assert check_url(url).host


def test_keys_of_a_set_that_are_for_something_else_are_passed_over() -> None:
    good = {**web_key(rsa_key()), "kid": "good"}
    ed = {**web_key(ed_key()), "kid": "ed"}
    passed_over: list[object] = [
        None,
        [],
        "x",
        {},
        {**good, "use": "enc"},
        {**good, "alg": "RS512"},
        {**good, "alg": "HS256"},
        {**good, "kid": 5},
        {**good, "d": "AQAB"},
        {**good, "n": "AQAB"},
        {**good, "n": "A" * 3_000},
        {**good, "n": "!"},
        {**good, "n": 5},
        {**good, "e": "AA"},
        {**good, "e": good["n"]},
        {**web_key(rsa_key(1_024)), "kid": "short"},
        {**ed, "crv": "X25519"},
        {**ed, "x": "AAAA"},
        {**ed, "alg": "RS256"},
        {"kty": "oct", "k": "A" * 50},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
    ]
    document = json.dumps({"keys": [*passed_over, good, ed]}).encode()
    assert [(key.id, key.algorithm) for key in read_key_set(document)] == [("good", "RS256"), ("ed", "EdDSA")]


JWK_MEMBERS = ["kty", "kid", "alg", "use", "n", "e", "crv", "x", "d"]
JWK_VALUES = (
    st.none() | st.integers() | st.text(max_size=10) | st.sampled_from(["RSA", "OKP", "Ed25519", "sig", "AQAB"])
)


@given(
    st.binary(max_size=100)
    | st.lists(st.dictionaries(st.sampled_from(JWK_MEMBERS), JWK_VALUES)).map(
        lambda entries: json.dumps({"keys": entries}).encode()
    )
)
def test_any_bytes_are_keys_or_one_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert read_key_set(data)
