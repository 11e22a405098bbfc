"""Puts out those who may not stay: a ready way to authenticate finds them (`FindLost`), the voice service ends them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Final

from hocket.policy import FindLost
from hocket.voice.service import VoiceService

_AGAIN_SECONDS: Final = 5.0
"""How long to wait after a failure of ours."""

logger = logging.getLogger("hocket.voice")


async def put_out(find: FindLost, service: VoiceService) -> None:
    """Ends the streams of those whom `find` gives, for ever; a failure of it is logged, and it is asked again."""
    while True:
        try:
            async with aclosing(find(service.present)) as lost:
                async for user_id, channel, error in lost:
                    service.end(user_id, channel, error)
        except Exception:
            logger.exception("permissions could not be looked at again")
        await asyncio.sleep(_AGAIN_SECONDS)
