"""The command line, the environment and the settings file, as far as no server has to run."""

from __future__ import annotations

import dataclasses
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hocket import cli
from hocket.config import ConfigError, Limits, ServeOptions
from hocket.server import VoiceServer
from hocket.serving import choose_auth
from tests.cli.noted import noted
from tests.cli.test_serve import make_certificate

SAMPLE = Path(__file__).parents[2] / "config-sample.toml"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOCKET_CONFIG", "HOCKET_PORT", "HOCKET_HOST", "HOCKET_ANNOUNCE", "HOCKET_LIMITS_STREAMS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong option that is taken fails its test; it does not serve for ever."""

    def started(*_: object, **__: object) -> list[str]:
        raise AssertionError("the server has started")

    monkeypatch.setattr("hocket.banner.lines", started)


def options(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> ServeOptions:
    """What `hocket serve ARGUMENTS` would serve with."""
    monkeypatch.setattr("hocket.logging.configure", lambda level: None)
    return noted(monkeypatch, "hocket.serving.serve", ServeOptions, "serve", *arguments)


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `hocket serve ARGUMENTS` says of wrong options."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["serve", *arguments])
    assert ended.value.code == 2
    written = capsys.readouterr()
    assert not written.out
    assert written.err.startswith("Error: ")
    assert "\x1b" not in written.err, "colours only on a terminal"
    return written.err


def test_without_options_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options(monkeypatch) == ServeOptions()


def test_every_option_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "--host ::1 --port 1 --media-port 2 --announce 10.0.0.1 voice.example.org --workers 3 --auth open"
    more = "--one-channel reject --allow-origin https://a https://b --tls-cert c --tls-key k"
    tls = "--tls self-signed --tls-dir d --trusted-proxy 10.0.0.0/8 ::1 --drain-seconds 30"
    jwt = "--jwt-key k.pem --jwt-jwks https://c/d --jwt-issuer e --jwt-audience f"
    media = "--pin-workers off --gather-ms 0.5 --silence-dbov -45 --active-speakers 3 --ptime 40"
    rest = "--log-level debug --limits.streams 9"
    words = [*line.split(), *more.split(), *tls.split(), *jwt.split(), *media.split(), *rest.split()]
    assert options(monkeypatch, *words) == ServeOptions(
        host="::1",
        port=1,
        media_port=2,
        announce=("10.0.0.1", "voice.example.org"),
        workers=3,
        pin_workers="off",
        gather_ms=0.5,
        silence_dbov=-45,
        active_speakers=3,
        ptime=40,
        auth="open",
        jwt_key=Path("k.pem"),
        jwt_jwks="https://c/d",
        jwt_issuer="e",
        jwt_audience="f",
        one_channel="reject",
        allow_origin=("https://a", "https://b"),
        tls_cert=Path("c"),
        tls_key=Path("k"),
        tls="self-signed",
        tls_dir=Path("d"),
        trusted_proxy=("10.0.0.0/8", "::1"),
        drain_seconds=30.0,
        log_level="debug",
        limits=Limits(streams=9),
    )


def test_nothing_needs_to_count_as_silence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hocket.toml"
    file.write_text('silence_dbov = "off"\n')
    for arguments in (["--silence-dbov", "off"], ["--config", str(file)]):
        assert options(monkeypatch, *arguments).silence_dbov == "off"


def test_packets_are_20_40_or_60_ms_or_by_the_size_of_the_channel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "hocket.toml"
    for ptime in (20, 40, 60, "auto"):
        file.write_text(f"ptime = {json.dumps(ptime)}\n")
        assert options(monkeypatch, "--ptime", str(ptime)).ptime == ptime
        assert options(monkeypatch, "--config", str(file)).ptime == ptime


def test_announce_may_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options(monkeypatch, "--announce", "10.0.0.1", "--announce", "10.0.0.2").announce == ("10.0.0.1", "10.0.0.2")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "hocket.toml"
    file.write_text(
        'host = "::1"\nport = 1\nworkers = 1\nannounce = ["10.0.0.1"]\n[limits]\nstreams = 1\noutbox = 999\n'
    )
    monkeypatch.setenv("HOCKET_PORT", "2")
    monkeypatch.setenv("HOCKET_WORKERS", "2")
    monkeypatch.setenv("HOCKET_LIMITS_STREAMS", "2")
    chosen = options(monkeypatch, "--workers", "3", "--config", str(file))
    assert (chosen.host, chosen.port, chosen.workers) == ("::1", 2, 3)
    assert chosen.announce == ("10.0.0.1",)
    assert chosen.limits == Limits(streams=2, outbox=999)


def test_the_file_can_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hocket.toml"
    file.write_text("port = 7\n")
    monkeypatch.setenv("HOCKET_CONFIG", str(file))
    assert options(monkeypatch).port == 7


def test_a_list_in_the_environment_has_spaces_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCKET_ANNOUNCE", "10.0.0.1 10.0.0.2")
    assert options(monkeypatch).announce == ("10.0.0.1", "10.0.0.2")


OTHER_VALUES: dict[str, tuple[str, object]] = {
    "host": ("::1", "::1"),
    "announce": ("10.0.0.1 voice.example.org", ("10.0.0.1", "voice.example.org")),
    "silence_dbov": ("-45", -45),
    "ptime": ("60", 60),
    "auth": ("my_app:check", "my_app:check"),
    "jwt_key": ("k.pem", Path("k.pem")),
    "jwt_jwks": ("https://a/b", "https://a/b"),
    "jwt_issuer": ("a", "a"),
    "jwt_audience": ("a", "a"),
    "one_channel": ("reject", "reject"),
    "allow_origin": ("https://a https://b", ("https://a", "https://b")),
    "tls_cert": ("c", Path("c")),
    "tls_key": ("k", Path("k")),
    "tls": ("self-signed", "self-signed"),
    "tls_dir": ("d", Path("d")),
    "trusted_proxy": ("10.0.0.0/8 ::1", ("10.0.0.0/8", "::1")),
    "log_level": ("debug", "debug"),
    "pin_workers": ("off", "off"),
    "gather_ms": ("0.5", 0.5),
    "homeserver": ("https://a https://b", ("https://a", "https://b")),
    "server_id": ("voice.example.org", "voice.example.org"),
    "harmony_token_file": ("a:b", (Path("a"), Path("b"))),
    "harmony_state": ("state", Path("state")),
    "harmony_join": ("voice.join", "voice.join"),
    "harmony_listen": ("voice.listen", "voice.listen"),
    "harmony_speak": ("voice.speak", "voice.speak"),
    "harmony_session_seconds": ("61", 61.0),
    "harmony_outage": ("keep", "keep"),
    "harmony_plain_http": ("true", True),
}
"""What an option may be set to, as text and as value, where a number above its default will not do."""


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(ServeOptions) if each.name != "limits"])
def test_every_option_has_its_name_in_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    text, value = OTHER_VALUES.get(name, ("7", 7))
    monkeypatch.setenv(f"HOCKET_{name.upper()}", text)
    changed: dict[str, Any] = {name: value}
    if name in ("homeserver", "server_id", "harmony_state"):  # nothing without it
        monkeypatch.setenv("HOCKET_AUTH", "harmony")
        changed["auth"] = "harmony"
    assert options(monkeypatch) == dataclasses.replace(ServeOptions(), **changed) != ServeOptions()


@pytest.mark.parametrize("name", [each.name for each in dataclasses.fields(Limits)])
def test_every_limit_has_its_name_in_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = getattr(Limits(), name) + 1
    monkeypatch.setenv(f"HOCKET_LIMITS_{name.upper()}", str(value))
    changed: dict[str, Any] = {name: value}
    assert options(monkeypatch).limits == dataclasses.replace(Limits(), **changed)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--prot 5", "--prot"),
        ("--port x", "--port"),
        ("--port 65536", "--port 65536: must be 0 to 65535."),
        ("--media-port -1", "--media-port"),
        ("--workers 65", "--workers 65: must be 0 to 64."),
        ("--gather-ms 3.5", "--gather-ms 3.5: must be 0 to 3."),
        ("--silence-dbov 1", "--silence-dbov 1: must be -127 to 0, or off."),
        ("--silence-dbov -128", "--silence-dbov -128: must be -127 to 0, or off."),
        ("--silence-dbov never", "off"),
        ("--ptime 30", "60"),
        ("--active-speakers 65", "--active-speakers 65: must be 0 to 64."),
        ("--active-speakers -1", "--active-speakers -1: must be 0 to 64."),
        ("--gather-ms nan", "--gather-ms nan: must be 0 to 3."),
        ("--one-channel both", '"replace", "reject", "allow"'),
        ("--allow-origin example.org", "https://example.org"),
        ("--allow-origin https://example.org/", "nothing else"),
        ("8080", "8080: options have names"),
        ("--limits.streams 0", "streams must be above 0"),
        ("--limits.outbox 20", "outbox"),
        ("--config nowhere.toml", "--config nowhere.toml: No such file"),
        ("--host 0.0.0.0 --port 0", "--auth open"),
        ("--host nosuch.invalid", "--host nosuch.invalid"),
        ("--port 0 --announce nosuch.invalid", "--announce nosuch.invalid"),
        ("--port 0 --auth something", "--auth something"),
        ("--port 0 --announce 0.0.0.0", "--announce 0.0.0.0: no client can connect"),
        ("--port 0 --announce ::", "--announce ::: no client can connect"),
        ("--port 0 --announce 239.1.1.1", "--announce 239.1.1.1: no client can connect"),
        ("--port 0 --announce 127.0.0.1:80", "Give no scheme, port or path"),
        ("--port 0 --announce", "--announce"),
        ("--port 0 --auth no_such_module:f", "--auth no_such_module:f"),
        ("--port 0 --auth :f", "`module:function`"),
        ("--port 0 --auth json:", "`module:function`"),
        ("--port 0 --auth json:codecs", "the module json has no function codecs"),
        ("--port 0 --auth json:nothing", "the module json has no function nothing"),
        ("--port 0 --auth json:JSONDecoder", "JSONDecoder is a class; name a function, or an object of that class"),
        ("--port 0 --auth jwt", "--jwt-key FILE or --jwt-jwks URL"),
        ("--port 0 --auth jwt --jwt-key k --jwt-jwks https://a/b", "not from both"),
        ("--port 0 --auth jwt --jwt-key nowhere", "hocket token --new-key --jwt-key nowhere"),
        ("--port 0 --auth jwt --jwt-jwks http://example.org/", "must begin with https://"),
        ("--port 0 --jwt-key k", "--jwt-key is for --auth jwt alone"),
        ("--port 0 --auth open --jwt-issuer k", "--jwt-issuer is for --auth jwt alone"),
        ("--port 0 --auth json:dumps --jwt-jwks https://a/b", "--jwt-jwks is for --auth jwt alone"),
        ("--homeserver https://a", "--homeserver, --server-id and --harmony-state need --auth harmony."),
        ("--harmony-session-seconds 59", "--harmony-session-seconds 59.0: must be 60 to 86400."),
        ("--harmony-recheck-seconds nan", "--harmony-recheck-seconds nan: must be 5 to 3600."),
        ("--harmony-speak Messages.*", "--harmony-speak Messages.*: must be the name of a permission"),
        ("--harmony-outage perhaps", '"end", "keep"'),
        ("--port 0 --auth harmony", "--auth harmony needs --server-id"),
        ("--port 0 --auth harmony --server-id a/b", "--server-id: a server id is a host name"),
        ("--port 0 --auth harmony --server-id v.org", "--auth harmony needs --harmony-state"),
        ("--port 0 --auth harmony --server-id v.org --harmony-state s", "--auth harmony needs --homeserver"),
        (
            "--port 0 --auth harmony --server-id v.org --harmony-state s --homeserver https://a",
            "for each a --harmony-token-file",
        ),
        (
            "--port 0 --auth harmony --server-id v.org --harmony-state s --homeserver https://a "
            "--harmony-token-file nowhere",
            "--harmony-token-file nowhere: No such file",
        ),
        ("--port 0 --tls-cert nowhere.pem", "--tls-cert nowhere.pem: there is no such file"),
        ("--port 0 --tls-key nowhere.pem", "--tls-cert"),
        ("--port 0 --tls letsencrypt", "self-signed"),
        ("--port 0 --tls self-signed --tls-cert c.pem", "give it, or --tls-cert and --tls-key"),
        ("--port 0 --tls self-signed --tls-key k.pem", "give it, or --tls-cert and --tls-key"),
        ("--port 0 --tls-dir d", "goes with it alone"),
        ("--drain-seconds -1", "--drain-seconds -1.0: must be 0 to 86400."),
        ("--drain-seconds nan", "must be 0 to 86400."),
        ("--drain-seconds inf", "must be 0 to 86400."),
        ("--trusted-proxy proxy.example", "--trusted-proxy proxy.example: must be an IP address, or a network"),
        ("--trusted-proxy 10.0.0.1/8", "no bits behind its mask"),
        ("--trusted-proxy 0.0.0.0/0", "this is everybody"),
        ("--trusted-proxy ::/0", "this is everybody"),
    ],
)
def test_wrong_options_are_explained_in_one_line_and_exit_with_2(
    capsys: pytest.CaptureFixture[str], line: str, expected: str
) -> None:
    text = complaint(capsys, *line.split())
    assert expected in text
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("port = [", "hocket.toml"),
        ("prot = 1", "prot"),
        ("[serve]\nport = 1", "no section [serve]"),
        ("[limits]\nstream = 1", "streams"),
        ('host = "\udcff"', "no UTF-8"),
    ],
)
def test_a_wrong_file_is_explained(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "hocket.toml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    assert expected in complaint(capsys, "--config", str(file))


def test_an_own_function_is_looked_for_in_the_folder_where_the_command_is_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    (tmp_path / "hocket_rule.py").write_text("async def decide(credentials):\n    return None\n")
    assert choose_auth(ServeOptions(auth="hocket_rule:decide"), local=False, everywhere=True).__name__ == "decide"
    (tmp_path / "hocket_part.py").write_text(
        "class Part:\n"
        "    async def __call__(self, credentials):\n        return None\n"
        "    async def authorize(self, user, channel):\n        return None\n"
        "part = Part()\n"
    )
    part = choose_auth(ServeOptions(auth="hocket_part:part"), local=False, everywhere=True)
    assert VoiceServer(authenticate=part)._authorize.__qualname__ == "Part.authorize"
    (tmp_path / "hocket_fails.py").write_text("\n1 / 0\n")
    text = complaint(capsys, "--port", "0", "--auth", "hocket_fails:decide")
    assert "ZeroDivisionError: division by zero" in text
    assert "hocket_fails.py, line 2)" in text
    (tmp_path / "hocket_typo.py").write_text("\nasync deff\n")
    text = complaint(capsys, "--port", "0", "--auth", "hocket_typo:decide")
    assert "SyntaxError" in text
    assert "hocket_typo.py, line 2)" in text


def test_wrong_options_of_harmony_are_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    token, empty, state = tmp_path / "token", tmp_path / "empty", tmp_path / "state"
    token.write_text("the-token\n")
    empty.write_text("\n")
    for homeservers, files, expected in (
        (["http://chat.org"], [token], "must be https"),
        (["ftp://chat.org"], [token], "must be a URL such as"),
        (["https://chat.org"], [empty], f"--harmony-token-file {empty}: must hold one token"),
        (["https://chat.org"], [tmp_path], "Is a directory"),
        (["https://chat.org"], [token, token], "for each a --harmony-token-file"),
        (["https://chat.org", "https://chat.org/"], [token, token], "two of them have the server id"),
    ):
        line = ["--port", "0", "--auth", "harmony", "--server-id", "v.org", f"--harmony-state={state}"]
        line += [f"--homeserver={each}" for each in homeservers]
        text = complaint(capsys, *line, *(f"--harmony-token-file={file}" for file in files))
        assert expected in text
        assert text.count("\n") == 1
        assert "the-token" not in text
    assert not state.exists(), "nothing is made for options that are wrong"


def test_a_certificate_that_cannot_be_loaded_is_explained(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    certificate, key, other, text = (tmp_path / name for name in ("cert.pem", "key.pem", "other.pem", "text.pem"))
    make_certificate(certificate, other)
    make_certificate(certificate, key)
    text.write_text("hello\n")
    for arguments, expected in (
        ((text,), f"--tls-cert {text} must hold a certificate in PEM, and a private key of its own"),
        ((certificate,), "a private key of its own"),
        ((certificate, text), f"and --tls-key {text} its private key"),
        ((certificate, other), "--tls-key is not the key of --tls-cert"),
    ):
        named = zip(("--tls-cert", "--tls-key"), arguments, strict=False)
        complained = complaint(capsys, "--port", "0", *(f"{option}={file}" for option, file in named))
        assert expected in complained
        assert complained.count("\n") == 1


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert not ended.value.code
    text = capsys.readouterr().out
    for word in ("hocket serve", "--auth open", "HOCKET_MEDIA_PORT", "--config"):
        assert word in text
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    text = capsys.readouterr().out
    assert "default: ()" not in text
    assert "default: None" not in text
    for each in dataclasses.fields(ServeOptions):
        if each.name != "limits":
            assert f"--{each.name.replace('_', '-')}" in text


def test_the_sample_shows_every_option_with_its_default() -> None:
    lines = SAMPLE.read_text().splitlines()
    written = [line.removeprefix("# ") for line in lines if " = " in line or line == "# [limits]"]
    shown = tomllib.loads("\n".join(written))
    limits = shown.pop("limits")
    assert limits == dataclasses.asdict(Limits())
    defaults = {each.name: each.default for each in dataclasses.fields(ServeOptions) if each.name != "limits"}
    # These have no default that a file can hold: the sample shows an example.
    examples: dict[str, Any] = {
        "media_port": 8080,
        "auth": "open",
        "jwt_key": "secret.txt",
        "jwt_jwks": "https://id.example.org/jwks.json",
        "jwt_issuer": "https://id.example.org",
        "jwt_audience": "voice",
        "server_id": "voice.example.org",
        "harmony_state": "harmony",
        "tls_cert": "cert.pem",
        "tls_key": "key.pem",
        "tls": "self-signed",
        "tls_dir": "certificates",
    }
    assert {name: shown[name] for name in examples} == examples
    expected = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    assert shown == {**expected, **examples}
    assert all(not line or line.startswith("#") for line in lines), "everything is commented out"


def test_every_line_of_the_sample_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hocket.toml"
    lines = SAMPLE.read_text().splitlines()
    text = "\n".join(line.removeprefix("# ") for line in lines if " = " in line or line == "# [limits]")
    file.write_text(text.replace('auth = "open"', 'auth = "harmony"'))
    chosen = options(monkeypatch, "--config", str(file))
    assert chosen == ServeOptions(
        media_port=8080,
        auth="harmony",
        server_id="voice.example.org",
        harmony_state=Path("harmony"),
        tls_cert=Path("cert.pem"),
        tls_key=Path("key.pem"),
        tls="self-signed",
        tls_dir=Path("certificates"),
        jwt_key=Path("secret.txt"),
        jwt_jwks="https://id.example.org/jwks.json",
        jwt_issuer="https://id.example.org",
        jwt_audience="voice",
    )


def test_limits_that_serve_nobody_are_refused() -> None:
    with pytest.raises(ConfigError):
        Limits(step_seconds=0)
