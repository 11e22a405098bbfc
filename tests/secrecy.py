"""T20 over the whole test run: what tests know to be secret, and all that servers say while they run.

Clients of the tests hand in the tokens that they show and the ICE passwords that they are told. Log records, what
server processes print, the errors that clients get and the servers' dumps are read; `tests/conftest.py` fails the test
in which one of those secrets turns up, or what looks like one.
"""

from __future__ import annotations

import logging
import re

from hocket.logging import Formatter

SHORTEST = 8
"""Characters of the shortest secret that is looked for: user ids, which are open authentication's tokens, are none."""

_MARKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"  # a signed JWT
    r"|(?i:authorization|cookie|sec-websocket-protocol)[\"']?[:=] *[\"']?\S+"  # a request's headers
    r"|ice-pwd|\\?\"password\\?\"\s*:"
)
"""What looks like a secret, whoever made it."""

_PASSWORD = re.compile(r'"password"\s*:\s*"([^"]+)"')


class Secrecy:
    """The secrets of one test, and what was said meanwhile."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._said: list[str] = []

    def keep(self, secret: str | None) -> None:
        """This must not be said from now on, and must not have been said in this test."""
        if secret and len(secret) >= SHORTEST and not secret.isdecimal():
            self._secrets.add(secret)

    def keep_passwords(self, json: str) -> None:
        """The ICE passwords of a transport's parameters are secret."""
        for password in _PASSWORD.findall(json):
            self.keep(password)

    def read(self, text: str) -> None:
        """A server has said this, to anybody."""
        self._said.append(text)

    def leaks(self) -> list[str]:
        """What was said and held a secret; begins anew."""
        said, secrets = self._said, self._secrets
        self._said, self._secrets = [], set()
        everything = "\n".join(said)
        found = {secret for secret in secrets if secret in everything} | {m[0] for m in _MARKS.finditer(everything)}
        return [text for text in said if any(secret in text for secret in found)]


class Listener(logging.Handler):
    """Reads every log record as it would be written."""

    def __init__(self, secrecy: Secrecy) -> None:
        super().__init__()
        self._secrecy = secrecy
        self.setFormatter(Formatter(colours=False))

    def emit(self, record: logging.LogRecord) -> None:
        self._secrecy.read(self.format(record))


secrecy = Secrecy()
