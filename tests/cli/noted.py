"""What a command of the command line would do, without doing it."""

from __future__ import annotations

from typing import TypeVar

import pytest

from hocket import cli

_Options = TypeVar("_Options")


def noted(monkeypatch: pytest.MonkeyPatch, runs: str, kind: type[_Options], *arguments: str) -> _Options:
    """The options that a command would run with.

    Args:
        monkeypatch: of the test.
        runs: the function that the command calls with them, which is not called.
        kind: their class.
        arguments: the command and its options.
    """
    seen: list[_Options] = []

    def note(options: _Options) -> int:
        assert isinstance(options, kind)
        seen.append(options)
        return 0

    monkeypatch.setattr(runs, note)
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert not ended.value.code
    (chosen,) = seen
    return chosen
