"""`hocket serve --auth harmony` as people run it: a process, its first lines, and what outlasts its restart."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx

from hocket.auth.harmony.login import KEY
from hocket.auth.harmony.state import KEY_FILE
from hocket.proto import auth
from tests.cli.test_serve import serving
from tests.server.homeserver import Chat, chatting
from tests.server.test_harmony import HRPC, OURS, Clients
from tests.server.wire import Client


def arguments(folder: Path, *homes: Chat) -> list[str]:
    line = ["--port", "0", "--auth", "harmony", "--server-id", OURS, "--harmony-state", str(folder / "state")]
    for number, home in enumerate(homes):
        token = folder / f"token{number}"
        token.write_text(f"{home.token}\n")
        line += ["--homeserver", f"chat{number or ''}.example.org={home.base}", "--harmony-token-file", str(token)]
    return line


async def test_members_of_a_homeserver_join_and_no_token_is_written(tmp_path: Path) -> None:
    async with chatting() as home:
        home.admit(7)
        async with serving(*arguments(tmp_path, home), "--log-level", "debug") as process:
            assert "Auth   harmony. Users of chat.example.org=http://127.0.0.1:" in process.text
            assert f"this is the server {OURS}." in process.text
            session = await Clients(process.base, home).log_in(7)
            assert session.user_id == 7
            async with await Client.open(process.base, session.session_token) as ada:
                assert (await ada.join())[-1] == "joined[]"
            code, _, errors = await process.end()
        assert code == 0
        assert "logged in" in errors
        for secret in (session.session_token, home.token):
            assert secret not in errors + process.text
        assert stat.S_IMODE((tmp_path / "state" / KEY_FILE).stat().st_mode) == 0o600


async def test_a_restart_keeps_the_key_and_the_ids_of_several_homeservers(tmp_path: Path) -> None:
    keys, ids = [], []
    async with chatting() as home, chatting() as second, httpx.AsyncClient() as http:
        for _ in range(2):
            async with serving(*arguments(tmp_path, home, second)) as process:
                answer = await http.post(process.base + KEY, headers=HRPC)
                keys.append(auth.KeyResponse.FromString(answer.content).key)
                one = await Clients(process.base, home).log_in(7)
                other = await Clients(process.base, second, "chat1.example.org").log_in(7)
                ids.append((one.user_id, other.user_id))
                code, _, _ = await process.end()
                assert code == 0
    assert keys[0] == keys[1]
    assert ids[0] == ids[1]
    assert ids[0][0] != ids[0][1]
