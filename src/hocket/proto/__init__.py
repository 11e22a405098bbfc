"""Generated from `proto/` by `make proto`. Do not edit.

`voice` holds the messages of `protocol.voice.v1`, `hrpc` those of `hrpc.v1`, `extension` those of `hocket.voice.v1`;
`auth`, `chat` and `harmonytypes` those of Harmony's services of these names.
"""

from hocket.proto.hocket.voice.v1 import extension_pb2 as extension
from hocket.proto.hrpc.v1 import hrpc_pb2 as hrpc
from hocket.proto.protocol.auth.v1 import auth_pb2 as auth
from hocket.proto.protocol.chat.v1 import chat_pb2 as chat
from hocket.proto.protocol.harmonytypes.v1 import types_pb2 as harmonytypes
from hocket.proto.protocol.voice.v1 import voice_pb2 as voice

__all__ = ["auth", "chat", "extension", "harmonytypes", "hrpc", "voice"]
