"""The first lines of `hocket serve`, as text."""

from __future__ import annotations

import dataclasses

from hocket.addresses import Announced
from hocket.banner import Facts, lines

LOCAL = Facts(
    version="1.2.3",
    urls=["http://127.0.0.1:8080/"],
    local=True,
    proxied=False,
    said=False,
    secure=False,
    page=True,
    media_port=8080,
    announced=[Announced("127.0.0.1", "loopback"), Announced("10.0.0.5", "eth0")],
    asked=False,
    auth="open",
)


def test_the_lines_of_a_first_try() -> None:
    assert lines(LOCAL) == [
        "Hocket 1.2.3 is ready.",
        "",
        "  Open   http://127.0.0.1:8080/",
        "         Only this machine can open it; --host 0.0.0.0 serves your network.",
        "  Media  UDP port 8080 at 127.0.0.1 (loopback), 10.0.0.5 (eth0)",
        "         because these are this machine's own addresses.",
        "         The loopback serves browsers here even without a network. Before a proxy's clients come, name",
        "         with --announce where they reach the port.",
        "  Auth   open. Everybody on this machine comes in, under the name that they type.",
        "",
        "Ctrl-C stops the server.",
    ]


def test_plain_http_for_others_warns_of_the_microphone_and_https_does_not() -> None:
    public = dataclasses.replace(LOCAL, local=False)
    assert "microphone" in "\n".join(lines(public))
    assert "microphone" not in "\n".join(lines(dataclasses.replace(public, secure=True)))
    assert "microphone" not in "\n".join(lines(LOCAL))
    assert "--tls self-signed" in "\n".join(lines(public))


def test_the_fingerprint_of_a_self_signed_certificate_stands_on_a_line_of_its_own() -> None:
    told = lines(dataclasses.replace(LOCAL, secure=True, fingerprint="AA:BB"))
    assert "  TLS    self-signed: each browser warns once." in "\n".join(told)
    assert "         AA:BB" in told
    assert "TLS" not in "\n".join(lines(dataclasses.replace(LOCAL, secure=True)))


def test_whom_the_server_believes_is_said_and_that_a_proxy_is_not_believed() -> None:
    proxied = dataclasses.replace(LOCAL, proxied=True, said=True)
    assert "All of them count as one address; --trusted-proxy" in "\n".join(lines(proxied))
    told = "\n".join(lines(dataclasses.replace(proxied, trusted=("127.0.0.1", "::1"))))
    assert "Whom 127.0.0.1 or ::1 names in X-Forwarded-For counts as the client." in told
    assert "as one address" not in told


def test_behind_a_proxy_it_is_not_said_that_only_this_machine_comes_in() -> None:
    proxied = "\n".join(lines(dataclasses.replace(LOCAL, proxied=True, said=True, asked=True)))
    assert "nly this machine" not in proxied
    assert "through a proxy" in proxied
    assert "Everybody who can reach the proxy comes in" in proxied


def test_behind_a_proxy_open_authentication_that_nobody_asked_for_refuses_its_clients() -> None:
    told = "\n".join(lines(dataclasses.replace(LOCAL, proxied=True, asked=True)))
    assert "Everybody on this machine comes in" in told
    assert "clients are refused: `--auth open`" in told


def test_a_missing_page_is_told_with_the_command_that_builds_it() -> None:
    assert "make web" in "\n".join(lines(dataclasses.replace(LOCAL, page=False)))


def test_what_was_asked_for_is_the_reason() -> None:
    assert "because --announce says so" in "\n".join(lines(dataclasses.replace(LOCAL, asked=True)))


def test_another_authentication_is_named() -> None:
    assert "  Auth   my_app:check decides who comes in." in lines(dataclasses.replace(LOCAL, auth="my_app:check"))


def test_the_key_of_tokens_is_named() -> None:
    told = lines(dataclasses.replace(LOCAL, auth="jwt", key="the key in secret.txt"))
    assert "  Auth   jwt. Whoever brings a token that is signed with the key in secret.txt comes in." in told


def test_harmony_names_its_homeservers_and_our_id() -> None:
    facts = dataclasses.replace(LOCAL, auth="harmony", homeservers=("https://chat.org",), server_id="voice.org")
    assert lines(facts)[8:10] == [
        "  Auth   harmony. Users of https://chat.org come in, where their homeserver lets them.",
        "         To Harmony's clients this is the server voice.org.",
    ]


def test_colours_are_only_on_a_terminal() -> None:
    assert "\x1b" not in "".join(lines(LOCAL))
    assert "\x1b" in "".join(lines(LOCAL, colours=True))
