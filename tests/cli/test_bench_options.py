"""The options of `hocket bench`, as far as nothing has to run."""

from __future__ import annotations

import pytest

from hocket import cli
from hocket.config import ConfigError
from hocket.load.options import BenchOptions, websocket_url
from hocket.load.own_server import arguments
from tests.cli.noted import noted


def options(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> BenchOptions:
    """What `hocket bench ARGUMENTS` would measure."""
    return noted(monkeypatch, "hocket.load.bench.bench", BenchOptions, "bench", *arguments)


def test_without_options_ten_people_speak_for_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = options(monkeypatch)
    assert (chosen.url, chosen.channels, chosen.participants, chosen.speaking, chosen.voices) == (None, 1, 10, 10, 10)
    assert chosen.sound_ms == 10_000


def test_every_option_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "--url ws://a:1/b --channels 2 --participants 3 --speakers 2 --talking 1 --listeners 1 --seconds 0.5 --json"
    more = (
        "--payload 80 --vary 20 --pid 7 --token-prefix t --guild 4 --first-channel 5 --joins 6 --threads 2 --sample 1"
    )
    assert options(monkeypatch, *line.split(), *more.split()) == BenchOptions(
        url="ws://a:1/b",
        channels=2,
        participants=3,
        speakers=2,
        talking=1,
        listeners=1,
        seconds=0.5,
        payload=80,
        vary=20,
        json=True,
        pid=7,
        token_prefix="t",
        guild=4,
        first_channel=5,
        joins=6,
        threads=2,
        sample=1,
    )


def test_options_for_the_own_server_are_taken_as_a_shell_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = options(monkeypatch, "--serve", "--workers 2 --log-level 'debug'")
    assert chosen.serve_words == ["--workers", "2", "--log-level", "debug"]
    assert options(monkeypatch, "--serve=--workers=2").serve_words == ["--workers=2"]


def test_what_is_said_to_the_own_server_wins_over_what_the_bench_chooses() -> None:
    chosen = BenchOptions(participants=3, serve="--media-port=5000 --limits.participants 7")
    words = arguments(chosen)
    assert (words.count("--media-port=5000"), words.count("--media-port")) == (1, 0)
    assert [words[at + 1] for at, word in enumerate(words) if word == "--limits.participants"] == ["7"]
    assert words[words.index("--port") + 1] == "0"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--channels 0", "--channels 0: must be at least 1."),
        ("--participants 0", "--participants 0"),
        ("--speakers 11", "--speakers 11: must be 0 to 10"),
        ("--listeners 4 --speakers 7", "--speakers 7: must be 0 to 6, those with a microphone"),
        ("--listeners 11", "--listeners 11: must be 0 to 10"),
        ("--speakers 3 --talking 4", "--talking 4: must be 0 to 3"),
        ("--seconds 0", "--seconds 0"),
        ("--url ws://a --serve=--workers=2", "--serve: these are options of the server that is started without --url"),
        ("--serve='", "--serve ': No closing quotation."),
        ("--pid 1", "--pid: the server that is started without --url"),
        ("--payload 11", "--payload 11: must be 12 to 1200."),
        ("--payload 80 --vary 69", "--vary 69: must leave the payload of 80 bytes within 12 to 1200."),
        ("--threads 17", "--threads 17: must be 1 to 16."),
        ("--sample 0", "--sample 0"),
        ("--url ftp://x", "--url ftp://x: must be ws://"),
        ("--url ws://:1", "--url ws://:1"),
        ("--first-channel -1", "--first-channel -1"),
    ],
)
def test_wrong_options_are_named(line: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", *line.split()])
    assert ended.value.code == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a", "ws://a"),
        ("https://a:1/p/", "wss://a:1/p"),
        ("ws://[::1]:8080/", "ws://[::1]:8080"),
        ("wss://a/x?y#z", "wss://a/x"),
    ],
)
def test_a_pages_address_is_as_good_as_the_streams(url: str, expected: str) -> None:
    assert websocket_url(url) == expected


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(ConfigError):
        websocket_url("ws://a:99999")
