"""The native load client: the one door to it, as `hocket.media.engine` is to the engine."""

from hocket._media import (  # noqa: TID251 - this is the load client's one importer
    Latency,
    LoadClient,
    LoadReport,
    LoadThread,
    MediaError,
)

__all__ = ["THREADS", "Latency", "LoadClient", "LoadReport", "LoadThread", "MediaError"]

THREADS = "hocket-load-"
"""How the names of its threads begin."""
