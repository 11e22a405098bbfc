"""Generated from `proto/` by `make proto`. Do not edit.

`voice` holds the messages of `protocol.voice.v1`, `hrpc` those of `hrpc.v1`, `extension` those of `hocket.voice.v1`.
"""

from hocket.proto.hocket.voice.v1 import extension_pb2 as extension
from hocket.proto.hrpc.v1 import hrpc_pb2 as hrpc
from hocket.proto.protocol.voice.v1 import voice_pb2 as voice

__all__ = ["extension", "hrpc", "voice"]
