from hocket.proto.protocol.harmonytypes.v1 import types_pb2 as _types_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class KeyResponse(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    def __init__(self, key: _Optional[bytes] = ...) -> None: ...

class TokenData(_message.Message):
    __slots__ = ("user_id", "server_id", "username", "avatar")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    server_id: str
    username: str
    avatar: str
    def __init__(self, user_id: _Optional[int] = ..., server_id: _Optional[str] = ..., username: _Optional[str] = ..., avatar: _Optional[str] = ...) -> None: ...

class LoginFederatedRequest(_message.Message):
    __slots__ = ("auth_token", "server_id")
    AUTH_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SERVER_ID_FIELD_NUMBER: _ClassVar[int]
    auth_token: _types_pb2.Token
    server_id: str
    def __init__(self, auth_token: _Optional[_Union[_types_pb2.Token, _Mapping[str, object]]] = ..., server_id: _Optional[str] = ...) -> None: ...

class LoginFederatedResponse(_message.Message):
    __slots__ = ("session",)
    SESSION_FIELD_NUMBER: _ClassVar[int]
    session: Session
    def __init__(self, session: _Optional[_Union[Session, _Mapping[str, object]]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("user_id", "session_token")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    session_token: str
    def __init__(self, user_id: _Optional[int] = ..., session_token: _Optional[str] = ...) -> None: ...
