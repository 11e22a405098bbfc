from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ChannelKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_KIND_TEXT_UNSPECIFIED: _ClassVar[ChannelKind]
    CHANNEL_KIND_VOICE_MEDIA: _ClassVar[ChannelKind]
    CHANNEL_KIND_CATEGORY: _ClassVar[ChannelKind]
CHANNEL_KIND_TEXT_UNSPECIFIED: ChannelKind
CHANNEL_KIND_VOICE_MEDIA: ChannelKind
CHANNEL_KIND_CATEGORY: ChannelKind

class QueryHasPermissionRequest(_message.Message):
    __slots__ = ("guild_id", "channel_id", "check_for")
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHECK_FOR_FIELD_NUMBER: _ClassVar[int]
    AS_FIELD_NUMBER: _ClassVar[int]
    guild_id: int
    channel_id: int
    check_for: str
    def __init__(self, guild_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., check_for: _Optional[str] = ..., **kwargs) -> None: ...

class QueryHasPermissionResponse(_message.Message):
    __slots__ = ("ok",)
    OK_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    def __init__(self, ok: _Optional[bool] = ...) -> None: ...

class GetGuildChannelsRequest(_message.Message):
    __slots__ = ("guild_id",)
    GUILD_ID_FIELD_NUMBER: _ClassVar[int]
    guild_id: int
    def __init__(self, guild_id: _Optional[int] = ...) -> None: ...

class GetGuildChannelsResponse(_message.Message):
    __slots__ = ("channels",)
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    channels: _containers.RepeatedCompositeFieldContainer[ChannelWithId]
    def __init__(self, channels: _Optional[_Iterable[_Union[ChannelWithId, _Mapping[str, object]]]] = ...) -> None: ...

class ChannelWithId(_message.Message):
    __slots__ = ("channel_id", "channel")
    CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    channel_id: int
    channel: Channel
    def __init__(self, channel_id: _Optional[int] = ..., channel: _Optional[_Union[Channel, _Mapping[str, object]]] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("channel_name", "kind")
    CHANNEL_NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    channel_name: str
    kind: ChannelKind
    def __init__(self, channel_name: _Optional[str] = ..., kind: _Optional[_Union[ChannelKind, str]] = ...) -> None: ...
