"""What a browser is told before a page of another site may make a unary call."""

from __future__ import annotations

import pytest

from hocket.hrpc.cors import cors_headers, preflight

PAGE = "https://web.example.org"
ASKS = {"origin": PAGE, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def test_a_page_that_the_operator_allows_may_call() -> None:
    answer = preflight("OPTIONS", ASKS, {PAGE})
    assert answer is not None
    assert (answer.status, answer.body) == (204, b"")
    assert dict(answer.headers) == {
        "vary": "origin",
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "authorization, content-type, hrpc-version",
        "access-control-max-age": "600",
    }


@pytest.mark.parametrize(
    ("verb", "changed", "allowed"),
    [
        ("OPTIONS", {}, set()),
        ("OPTIONS", {}, {"https://other.example.org"}),
        ("OPTIONS", {"origin": "null"}, {PAGE}),
        ("OPTIONS", {"origin": PAGE.upper()}, {PAGE}),
        ("OPTIONS", {"access-control-request-method": "DELETE"}, {PAGE}),
        ("OPTIONS", {"access-control-request-method": ""}, {PAGE}),
        ("POST", {}, {PAGE}),
        ("GET", {}, {PAGE}),
    ],
)
def test_nobody_else_is_told_anything(verb: str, changed: dict[str, str], allowed: set[str]) -> None:
    assert preflight(verb, {**ASKS, **changed}, allowed) is None


def test_a_page_that_is_allowed_may_read_the_answer() -> None:
    assert dict(cors_headers(PAGE, {PAGE})) == {
        "vary": "origin",
        "access-control-allow-origin": PAGE,
        "access-control-expose-headers": "hrpc-version, retry-after",
    }


@pytest.mark.parametrize("origin", [None, "null", "https://other.example.org"])
def test_another_page_may_not_and_caches_keep_them_apart(origin: str | None) -> None:
    assert cors_headers(origin, {PAGE}) == (("vary", "origin"),)
    assert cors_headers(origin, set()) == ()


def test_cookies_are_never_asked_for() -> None:
    answer = preflight("OPTIONS", ASKS, {PAGE})
    assert answer is not None
    assert "credentials" not in str(answer.headers + cors_headers(PAGE, {PAGE}))
