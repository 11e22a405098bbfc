"""Our sessions: random, short, of one user, taken back, and never too many."""

from __future__ import annotations

import pytest

from hocket.auth.harmony.sessions import Session, Sessions
from hocket.errors import ResourceExhausted


def opened(sessions: Sessions, user_id: int = 7, now: float = 0.0) -> str:
    return sessions.open(user_id, "Ada", "chat.example.org", user_id + 1_000, now)


def found(sessions: Sessions, token: str, now: float) -> Session:
    session = sessions.find(token, now)
    assert session is not None
    return session


def test_a_token_is_random_and_leads_to_its_user_alone() -> None:
    sessions = Sessions()
    tokens = [opened(sessions, user_id) for user_id in (1, 1, 2)]
    assert len(set(tokens)) == 3
    assert all(len(token) == 43 for token in tokens), "256 bits"
    assert [found(sessions, token, 1.0).user_id for token in tokens] == [1, 1, 2]
    assert found(sessions, tokens[2], 1.0).foreign_id == 1_002


def test_no_token_is_kept() -> None:
    sessions = Sessions()
    token = opened(sessions)
    assert token not in repr([sessions._by_hash, sessions._of_user])


@pytest.mark.parametrize("token", ["", "x", "7", "\ud800"])
def test_what_is_no_token_leads_to_nobody(token: str) -> None:
    sessions = Sessions()
    opened(sessions)
    assert sessions.find(token, 1.0) is None


def test_a_session_ends_when_it_is_not_used() -> None:
    sessions = Sessions(idle_seconds=60.0)
    token = opened(sessions)
    assert sessions.find(token, 59.9) is not None
    assert sessions.find(token, 119.8) is not None, "using it extends it"
    assert sessions.find(token, 179.8) is None
    assert sessions.find(token, 100.0) is None, "an end is one"
    assert len(sessions) == 0


def test_a_session_ends_at_last_however_much_it_is_used() -> None:
    sessions = Sessions(idle_seconds=60.0, longest_seconds=100.0)
    token = opened(sessions)
    assert found(sessions, token, 50.0).ends_at == 100.0
    assert sessions.find(token, 99.9) is not None
    assert sessions.find(token, 100.0) is None


def test_a_call_in_progress_is_use() -> None:
    sessions = Sessions(idle_seconds=60.0)
    token = opened(sessions)
    session = found(sessions, token, 0.0)
    for now in (50.0, 100.0, 150.0):
        assert sessions.use(session, now)
    assert sessions.find(token, 200.0) is not None
    assert not sessions.use(session, 260.0), "an end is not undone"
    assert sessions.find(token, 200.0) is None


def test_a_session_can_be_taken_back() -> None:
    sessions = Sessions()
    one, other = opened(sessions), opened(sessions)
    session = found(sessions, one, 0.0)
    assert sessions.revoke(one) is session
    assert session.revoked
    assert sessions.find(one, 0.0) is None
    assert not sessions.use(session, 0.0)
    assert sessions.revoke(one) is None
    assert sessions.find(other, 0.0) is not None


def test_all_sessions_of_a_user_can_be_taken_back() -> None:
    sessions = Sessions()
    tokens, other = [opened(sessions) for _ in range(3)], opened(sessions, 8)
    assert sessions.revoke_user(7) == 3
    assert [sessions.find(token, 0.0) for token in tokens] == [None] * 3
    assert sessions.find(other, 0.0) is not None
    assert sessions.revoke_user(7) == 0


def test_a_user_has_only_so_many_and_the_unused_one_makes_room() -> None:
    sessions = Sessions(per_user=3)
    tokens = [opened(sessions, now=float(number)) for number in range(3)]
    other = opened(sessions, 8)
    assert sessions.find(tokens[0], 5.0) is not None
    tokens.append(opened(sessions, now=6.0))
    assert [sessions.find(token, 7.0) is not None for token in tokens] == [True, False, True, True]
    assert sessions.find(other, 7.0) is not None


def test_all_together_have_only_so_many_until_some_end() -> None:
    sessions = Sessions(in_all=2, idle_seconds=60.0)
    opened(sessions, 1)
    opened(sessions, 2, 30.0)
    with pytest.raises(ResourceExhausted):
        opened(sessions, 3, 59.0)
    token = opened(sessions, 3, 60.0)
    assert len(sessions) == 2
    assert sessions.find(token, 60.0) is not None


def test_nothing_is_left_of_sessions_that_ended() -> None:
    sessions = Sessions(idle_seconds=60.0, per_user=2)
    for number in range(100):
        opened(sessions, number % 5 + 1, float(number))
    opened(sessions, 1, 1_000.0)
    assert (len(sessions), list(sessions._of_user)) == (1, [1])
