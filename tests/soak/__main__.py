"""The soak by hand: `python -m tests.soak`, for an hour with SOAK_SECONDS=3600 in the environment."""

import asyncio

from tests.soak.soak import soak
from tests.soak.test_soak import JOINS, SECONDS

if __name__ == "__main__":
    print("\n".join(asyncio.run(soak(JOINS, SECONDS, print)).lines()))
