"""How far a long step is, on stderr: one line that is written over on a terminal, a line each quarter elsewhere."""

from __future__ import annotations

import sys
from typing import TextIO


class ProgressLine:
    """See the module's documentation."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Writes to `stream`, or to stderr."""
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._told = ("", 0)

    def tell(self, step: str, done: int, total: int) -> None:
        """Says that `done` of `total` are done of a step such as "joining"."""
        quarter = 4 * done // max(1, total)
        if self._terminal:
            self._stream.write(f"\r\x1b[K{step}: {done} of {total}")
        elif (step, quarter) != self._told:
            self._stream.write(f"{step}: {done} of {total}\n")
        self._told = (step, quarter)
        self._stream.flush()

    def clear(self) -> None:
        """Takes the line off a terminal."""
        if self._terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
