"""Which URLs may be homeservers, and by which names clients may call them."""

from __future__ import annotations

import pytest

from hocket.auth.harmony.servers import by_name, check_server_id, check_token, read_homeserver
from hocket.config import ConfigError


@pytest.mark.parametrize(
    ("entry", "url", "names"),
    [
        ("https://Chat.org", "https://chat.org:443", "chat.org chat.org:443"),
        ("https://chat.org:2289/", "https://chat.org:2289", "chat.org chat.org:2289"),
        ("https://chat.org:8443/api/", "https://chat.org:8443/api", "chat.org:8443"),
        ("Chat.Org=https://10.0.0.1:9/x", "https://10.0.0.1:9/x", "chat.org"),
        ("http://127.0.0.1:2289", "http://127.0.0.1:2289", "127.0.0.1 127.0.0.1:2289"),
        ("http://[::1]:7", "http://[::1]:7", "[::1]:7"),
        ("http://localhost:7", "http://localhost:7", "localhost:7"),
    ],
)
def test_a_homeserver_has_a_url_and_names(entry: str, url: str, names: str) -> None:
    homeserver = read_homeserver(entry, "secret")
    assert homeserver.url == url
    assert homeserver.names == set(names.split())
    assert homeserver.name == names.split()[0]
    assert "secret" not in repr(homeserver)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "chat.example.org",
        "ftp://chat.example.org",
        "https://",
        "https://user:password@chat.example.org",
        "https://@chat.example.org",
        "https://chat.example.org/?x=1",
        "https://chat.example.org/#x",
        "https://chat.example.org:99999",
        "https://chat.example.org:x",
        "https://[::1",
        "https://chat example.org",
        "https://chät.example.org",
        "a b=https://chat.example.org",
    ],
)
def test_what_is_no_homeserver_is_refused(entry: str) -> None:
    with pytest.raises(ConfigError):
        read_homeserver(entry, "secret")


@pytest.mark.parametrize("url", ["http://chat.example.org", "http://10.0.0.1", "http://localhost.example.org"])
def test_plain_http_is_for_this_machine_unless_asked_for(url: str) -> None:
    with pytest.raises(ConfigError, match="--harmony-plain-http"):
        read_homeserver(url, "secret")
    assert read_homeserver(url, "secret", plain_http=True).url.startswith(url)


def test_two_homeservers_may_not_have_the_same_name() -> None:
    one = read_homeserver("https://chat.example.org", "a")
    with pytest.raises(ConfigError, match=r"server id chat\.example\.org"):
        by_name([one, read_homeserver("chat.example.org=https://10.0.0.1", "b")])
    other = read_homeserver("https://chat.example.com", "b")
    assert by_name([one, other])["chat.example.com:443"] is other
    with pytest.raises(ConfigError, match="needs --homeserver"):
        by_name([])


@pytest.mark.parametrize("server_id", ["", "a b", "a\n", "https://a", "ä", "x" * 256])
def test_what_can_be_no_server_id_is_refused(server_id: str) -> None:
    with pytest.raises(ConfigError):
        check_server_id(server_id, "--server-id")


def test_a_token_is_one_word() -> None:
    assert check_token(" abc.def\n", "x") == "abc.def"
    for wrong in ("", " \n", "a b", "a\r\nb", "ä", "x" * 5_000):
        with pytest.raises(ConfigError):
            check_token(wrong, "x")
