from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class Token(_message.Message):
    __slots__ = ("sig", "data")
    SIG_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sig: bytes
    data: bytes
    def __init__(self, sig: _Optional[bytes] = ..., data: _Optional[bytes] = ...) -> None: ...
