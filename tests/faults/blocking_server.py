"""`hocket serve` whose `authenticate` stops the event loop when asked to, as an app's own function may by mistake.

The token `block-seconds` sleeps, `busy-seconds` computes and holds Python's lock; any other is a user id.
`PING_SECONDS` in the environment stands for the seconds between WebSocket pings and for the answer to one.
"""

from __future__ import annotations

import os
import time

from hocket import serving
from hocket.auth import Credentials, User
from hocket.cli import main


async def authenticate(credentials: Credentials) -> User:
    what, _, seconds = (credentials.token or "").partition("-")
    if what == "block":
        time.sleep(float(seconds))  # noqa: ASYNC251 - the mistake that is tested
    elif what == "busy":
        end = time.monotonic() + float(seconds)
        while time.monotonic() < end:
            sum(range(1_000))
    return User(int(what) if what.isdigit() else 99)


if __name__ == "__main__":
    if "PING_SECONDS" in os.environ:
        seconds = float(os.environ["PING_SECONDS"])
        vars(serving).update(PING_INTERVAL=seconds, PING_TIMEOUT=seconds)
    main(["serve", "--port", "0", "--media-port", "0", "--auth", "tests.faults.blocking_server:authenticate"])
