"""The options of `hocket attack`, as far as nothing has to run."""

from __future__ import annotations

import pytest

from hocket import cli
from hocket.attack.catalogue import ATTACKS, chosen
from hocket.attack.options import AttackOptions, is_here
from hocket.config import ConfigError
from tests.cli.noted import noted


def options(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> AttackOptions:
    """What `hocket attack ARGUMENTS` would do."""
    return noted(monkeypatch, "hocket.attack.attack.attack", AttackOptions, "attack", *arguments)


def test_every_option_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "ws://a:1/b --only joins --only pings --seconds 2 --packets-per-second 100 --connections 3 --json --pid 7"
    more = "--token-prefix t --guild 4 --first-channel 5 --yes --list"
    assert options(monkeypatch, *line.split(), *more.split()) == AttackOptions(
        url="ws://a:1/b",
        only=("joins", "pings"),
        seconds=2,
        packets_per_second=100,
        connections=3,
        json=True,
        pid=7,
        token_prefix="t",
        guild=4,
        first_channel=5,
        yes=True,
        list=True,
    )


def test_the_url_may_be_an_option_too_but_not_another(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert options(monkeypatch, "--url", "ws://a").url == "ws://a"
    with pytest.raises(SystemExit) as ended:
        cli.main(["attack", "ws://a", "--url", "ws://b"])
    assert ended.value.code == 2
    assert "ws://b" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0.5},
        {"seconds": 61},
        {"packets_per_second": 5_001},
        {"connections": 201},
        {"url": "ftp://a"},
        {"url": "ws://a", "serve": "--workers 1"},
        {"pid": 3},
        {"serve": "'"},
    ],
)
def test_what_is_out_of_its_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        AttackOptions(**wrong).check_server()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("ws://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("ws://[::1]:8080", True),
        ("ws://127.0.0.1.example.org", False),
        ("ws://10.0.0.1", False),
        ("wss://localhost.example.org", False),
    ],
)
def test_only_a_loopback_address_is_this_machine(url: str, here: bool) -> None:
    assert is_here(url) == here


def test_attacks_are_chosen_by_name() -> None:
    assert [one.name for one in chosen(["pings", "joins"])] == ["pings", "joins"]
    assert chosen([]) == list(ATTACKS)
    with pytest.raises(ConfigError, match="nonsense"):
        chosen(["nonsense"])


def test_every_attack_says_what_it_does_and_of_which_class_it_is() -> None:
    for one in ATTACKS:
        assert one.sentence.endswith((".", ","))
        assert one.classes.startswith("T")
