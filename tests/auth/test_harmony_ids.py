"""Ids of several homeservers: apart, and the same after every restart; and what is kept on disk beside them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket.auth.harmony.ids import IdTable, SameIds
from hocket.auth.harmony.state import KEY_FILE, ids_secret, own_key
from hocket.config import ConfigError
from hocket.errors import ResourceExhausted


@pytest.fixture
def table() -> Iterator[IdTable]:
    made = IdTable(":memory:", b"secret")
    yield made
    made.close()


class Narrow(IdTable):
    """A table whose hash has four values: nearly everything collides."""

    def _hash(self, *what: object) -> int:
        return super()._hash(*what) % 16 + 1  # type: ignore[arg-type]


def test_one_homeservers_ids_are_ours() -> None:
    assert SameIds().local("user", "a", 2**64 - 1) == 2**64 - 1


@given(st.lists(st.tuples(st.sampled_from(["user", "guild"]), st.sampled_from("abc"), st.integers(1, 2**64 - 1))))
def test_ids_are_stable_and_never_collide(asked: list[tuple[str, str, int]]) -> None:
    table = IdTable(":memory:", b"secret")
    found = {each: table.local(*each) for each in asked}  # type: ignore[arg-type]
    assert all(0 < local < 2**63 for local in found.values())
    assert {each: table.local(*each) for each in asked} == found  # type: ignore[arg-type]
    for kind in ("user", "guild"):
        own = [local for each, local in found.items() if each[0] == kind]
        assert len(set(own)) == len(own)
    table.close()


def test_where_hashes_collide_the_next_one_is_taken() -> None:
    table = Narrow(":memory:", b"secret")
    locals_ = [table.local("user", homeserver, foreign) for homeserver in "ab" for foreign in range(1, 8)]
    assert len(set(locals_)) == 14
    table.close()


def test_ids_stay_over_restarts_and_without_the_key(tmp_path: Path) -> None:
    first = IdTable(tmp_path / "ids", b"secret")
    found = [first.local("user", "a", foreign) for foreign in (1, 7, 2**64 - 1)]
    first.close()
    second = IdTable(tmp_path / "ids", b"another secret")
    assert [second.local("user", "a", foreign) for foreign in (1, 7, 2**64 - 1)] == found
    assert second.local("user", "b", 7) not in found
    second.close()


def test_ids_stay_without_the_table_as_long_as_the_key_does(tmp_path: Path) -> None:
    tables = [IdTable(tmp_path / name, b"secret") for name in ("one", "other")]
    there = {homeserver: tables[0].local("user", homeserver, 7) for homeserver in "abc"}
    assert {homeserver: tables[1].local("user", homeserver, 7) for homeserver in "cba"} == there
    for table in tables:
        table.close()


def test_two_processes_may_share_a_table(tmp_path: Path) -> None:
    one, other = (IdTable(tmp_path / "ids", secret) for secret in (b"one", b"other"))
    assert one.local("user", "a", 7) == other.local("user", "a", 7)
    one.close()
    other.close()


def test_nobody_else_can_compute_an_id() -> None:
    tables = [IdTable(":memory:", secret) for secret in (b"one", b"other")]
    assert tables[0].local("guild", "a", 7) != tables[1].local("guild", "a", 7)
    for table in tables:
        table.close()


def test_names_cannot_run_into_each_other(table: IdTable) -> None:
    assert table.local("user", "a\0001", 1) != table.local("user", "a", 11)


def test_the_table_has_a_bound() -> None:
    table = IdTable(":memory:", b"secret", limit=2)
    first = table.local("user", "a", 1)
    table.local("user", "a", 2)
    with pytest.raises(ResourceExhausted):
        table.local("user", "a", 3)
    assert table.local("user", "a", 1) == first
    table.close()


def test_a_file_that_is_no_table_is_explained(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("hello " * 1_000)
    with pytest.raises(ConfigError, match="table of ids"):
        IdTable(tmp_path / "ids", b"secret")


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "state"
    key = own_key(folder)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert own_key(folder).private_bytes_raw() == key.private_bytes_raw()
    assert os.listdir(folder) == [KEY_FILE]
    assert own_key(tmp_path / "b").private_bytes_raw() != key.private_bytes_raw()
    assert ids_secret(key) not in (key.private_bytes_raw(), ids_secret(own_key(tmp_path / "b")))


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    own_key(tmp_path)
    (tmp_path / KEY_FILE).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        own_key(tmp_path)


@pytest.mark.parametrize("text", ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_explained_and_not_overwritten(tmp_path: Path, text: str) -> None:
    (tmp_path / KEY_FILE).write_text(text)
    (tmp_path / KEY_FILE).chmod(0o600)
    with pytest.raises(ConfigError, match="holds no private key"):
        own_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_text() == text


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="--harmony-state"):
        own_key(tmp_path / "file" / "state")
