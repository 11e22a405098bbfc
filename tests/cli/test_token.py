"""`hocket token`: what it prints is let in by a server with the same key, and it prints nothing else."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from hocket import ChannelId, Credentials, JwtAuth, PermissionDenied, Permissions, User, cli
from hocket.auth import wall_clock
from hocket.token.channels import channel_id
from tests.auth.tokens import SECRET, Signing, ed_key, private_pem, public_pem, rsa_key


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("HOCKET_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("secret.txt").write_bytes(SECRET + b"\n")


def run(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> tuple[str, str]:
    """What `hocket token LINE` writes to stdout and to stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["token", *line.split()])
    assert (ended.value.code or 0) == code
    written = capsys.readouterr()
    return written.out, written.err


def made(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """The token, which must be all that is written."""
    out, err = run(capsys, line)
    assert err == ""
    assert out.count("\n") == 1
    return out.removesuffix("\n")


def claims_of(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims


def user_of(auth: JwtAuth, token: str) -> User:
    return asyncio.run(auth(Credentials(token=token)))


async def test_the_server_lets_in_what_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    line = "--jwt-key secret.txt --user 5 --name Ada --guild 1 --channel 2 --permissions join speak --expires 2h"
    before = wall_clock()
    token = made(capsys, line)
    auth = JwtAuth(key=SECRET)
    user = await auth(Credentials(token=token))
    assert user == User(5, "Ada")
    assert user.expires_at is not None
    assert before - 1 <= user.expires_at - 7_200 <= wall_clock()
    assert await auth.authorize(user, ChannelId(1, 2)) == Permissions(listen=False)
    with pytest.raises(PermissionDenied):
        await auth.authorize(user, ChannelId(1, 3))


async def test_without_more_it_is_for_everywhere_and_an_hour(capsys: pytest.CaptureFixture[str]) -> None:
    token = made(capsys, "--jwt-key secret.txt --user 18446744073709551615")
    auth = JwtAuth(key=SECRET)
    user = await auth(Credentials(token=token))
    assert (user.id, user.name) == (2**64 - 1, "")
    assert await auth.authorize(user, ChannelId(7, 8)) == Permissions()
    claims = claims_of(token)
    assert claims["exp"] - claims["iat"] == 3_600
    assert claims.keys() == {"sub", "exp", "iat"}


@pytest.mark.parametrize("key", [rsa_key(), ed_key()])
def test_private_keys_sign_for_their_public_ones(capsys: pytest.CaptureFixture[str], key: Signing) -> None:
    assert not isinstance(key, bytes)
    Path("private.pem").write_bytes(private_pem(key))
    token = made(capsys, "--jwt-key private.pem --user 5 --jwt-issuer me --jwt-audience voice")
    auth = JwtAuth(key=public_pem(key), issuer="me", audience="voice")
    assert user_of(auth, token).id == 5


async def test_a_channel_may_be_named_as_in_the_pages_links(capsys: pytest.CaptureFixture[str]) -> None:
    token = made(capsys, "--jwt-key secret.txt --user 5 --channel Lobby 123")
    assert claims_of(token)["guild"] == ["0"]
    assert claims_of(token)["channel"] == ["5430708342605070626", "123"]
    assert channel_id("\u3000ＬＯＢＢＹ\t") == channel_id("lobby") == 5430708342605070626  # noqa: RUF001 - other widths
    assert channel_id("Friday \u00a0 rehearsal") == channel_id("friday-rehearsal")
    assert channel_id("x" * 100) == channel_id("x" * 150)
    assert channel_id("\ud800") == channel_id("\ufffd")


async def test_options_come_from_the_environment_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOCKET_JWT_KEY", "secret.txt")
    monkeypatch.setenv("HOCKET_PORT", "1")
    assert claims_of(made(capsys, "--user 5"))["sub"] == "5"


def test_a_new_key_is_random_for_its_owner_alone_and_never_written_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets = set()
    for name in ("a", "b"):
        assert run(capsys, f"--new-key --jwt-key {name}") == ("", "")
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
        secrets.add(Path(name).read_text())
        token = made(capsys, f"--jwt-key {name} --user 5")
        assert user_of(JwtAuth(key=Path(name)), token).id == 5
    assert len(secrets) == 2
    out, err = run(capsys, "--new-key --jwt-key a --user 5", 2)
    assert (out, "there already" in err) == ("", True)
    assert Path("a").read_text() in secrets
    Path("link").symlink_to("elsewhere")
    run(capsys, "--new-key --jwt-key link", 2)
    assert not Path("elsewhere").exists()
    assert claims_of(made(capsys, "--new-key --jwt-key c --user 6"))["sub"] == "6"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", "--jwt-key"),
        ("--user 5", "--jwt-key"),
        ("--jwt-key secret.txt", "--user is missing"),
        ("--jwt-key nowhere --user 5", "`hocket token --new-key --jwt-key nowhere` makes it"),
        ("--jwt-key . --user 5", "cannot be read"),
        ("--new-key --jwt-key no/where", "cannot be made"),
        ("--jwt-key short --user 5", "HS256 needs 32"),
        ("--jwt-key public.pem --user 5", "only that can sign"),
        ("--jwt-key secret.txt --user 0", "--user 0: must be 1 to 2^64-1"),
        ("--jwt-key secret.txt --user 18446744073709551616", "--user"),
        ("--jwt-key secret.txt --user Ada", "--user"),
        ("--jwt-key secret.txt --user 5 --guild -1", "--guild -1"),
        ("--jwt-key secret.txt --user 5 --guild 1 --channel lobby", "guild 0 alone"),
        ("--jwt-key secret.txt --user 5 --channel 18446744073709551616", "--channel"),
        ("--jwt-key secret.txt --user 5 --permissions fly", "fly"),
        ("--jwt-key secret.txt --user 5 --permissions speak", "without join"),
        ("--jwt-key secret.txt --user 5 --expires 0", "--expires 0"),
        ("--jwt-key secret.txt --user 5 --expires 1w", "--expires 1w"),
        ("--jwt-key secret.txt --user 5 --expires -1h", "--expires"),
        ("--jwt-key secret.txt --user 5 --expires 3651d", "--expires 3651d"),
    ],
)
def test_wrong_options_are_explained_in_one_line(capsys: pytest.CaptureFixture[str], line: str, expected: str) -> None:
    Path("short").write_text("hidden-secret")
    Path("public.pem").write_bytes(public_pem(ed_key()))
    out, err = run(capsys, line, 2)
    assert out == ""
    assert err.startswith("Error: ")
    assert expected in err
    assert err.count("\n") == 1
    assert "hidden-secret" not in err


@pytest.mark.parametrize(
    ("line", "link"),
    [
        ("", "…/#token="),
        ("--guild 1 --channel 2", "…/#/1/2&token="),
        ("--channel Straße", "…/#/stra%C3%9Fe&token="),
    ],
)
def test_on_a_terminal_it_says_what_to_do_with_the_token_and_does_not_repeat_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, link: str
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    out, err = run(capsys, f"--jwt-key secret.txt --user 5 {line}")
    assert link in err
    assert "UTC" in err
    assert out.strip() not in err
    assert SECRET.decode() not in out + err
    out, err = run(capsys, "--new-key --jwt-key new.txt")
    assert out == ""
    assert "hocket serve --auth jwt --jwt-key new.txt" in err
    assert Path("new.txt").read_text().strip() not in err
