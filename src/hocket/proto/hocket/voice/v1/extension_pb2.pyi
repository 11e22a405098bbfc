from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Request(_message.Message):
    __slots__ = ("set_muted", "set_deafened", "restart_ice", "ping", "mute_user", "kick_user")
    class SetMuted(_message.Message):
        __slots__ = ("muted",)
        MUTED_FIELD_NUMBER: _ClassVar[int]
        muted: bool
        def __init__(self, muted: _Optional[bool] = ...) -> None: ...
    class SetDeafened(_message.Message):
        __slots__ = ("deafened",)
        DEAFENED_FIELD_NUMBER: _ClassVar[int]
        deafened: bool
        def __init__(self, deafened: _Optional[bool] = ...) -> None: ...
    class RestartIce(_message.Message):
        __slots__ = ("transport_id",)
        TRANSPORT_ID_FIELD_NUMBER: _ClassVar[int]
        transport_id: str
        def __init__(self, transport_id: _Optional[str] = ...) -> None: ...
    class Ping(_message.Message):
        __slots__ = ("id",)
        ID_FIELD_NUMBER: _ClassVar[int]
        id: int
        def __init__(self, id: _Optional[int] = ...) -> None: ...
    class MuteUser(_message.Message):
        __slots__ = ("user_id", "muted")
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        MUTED_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        muted: bool
        def __init__(self, user_id: _Optional[int] = ..., muted: _Optional[bool] = ...) -> None: ...
    class KickUser(_message.Message):
        __slots__ = ("user_id", "reason")
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        reason: str
        def __init__(self, user_id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...
    SET_MUTED_FIELD_NUMBER: _ClassVar[int]
    SET_DEAFENED_FIELD_NUMBER: _ClassVar[int]
    RESTART_ICE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    MUTE_USER_FIELD_NUMBER: _ClassVar[int]
    KICK_USER_FIELD_NUMBER: _ClassVar[int]
    set_muted: Request.SetMuted
    set_deafened: Request.SetDeafened
    restart_ice: Request.RestartIce
    ping: Request.Ping
    mute_user: Request.MuteUser
    kick_user: Request.KickUser
    def __init__(self, set_muted: _Optional[_Union[Request.SetMuted, _Mapping[str, object]]] = ..., set_deafened: _Optional[_Union[Request.SetDeafened, _Mapping[str, object]]] = ..., restart_ice: _Optional[_Union[Request.RestartIce, _Mapping[str, object]]] = ..., ping: _Optional[_Union[Request.Ping, _Mapping[str, object]]] = ..., mute_user: _Optional[_Union[Request.MuteUser, _Mapping[str, object]]] = ..., kick_user: _Optional[_Union[Request.KickUser, _Mapping[str, object]]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("participant", "quality", "notice", "ice_restarted", "welcome", "pong", "ptime")
    class Participant(_message.Message):
        __slots__ = ("user_id", "name", "muted", "deafened", "speaking", "may_speak", "may_not_listen", "may_moderate")
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        MUTED_FIELD_NUMBER: _ClassVar[int]
        DEAFENED_FIELD_NUMBER: _ClassVar[int]
        SPEAKING_FIELD_NUMBER: _ClassVar[int]
        MAY_SPEAK_FIELD_NUMBER: _ClassVar[int]
        MAY_NOT_LISTEN_FIELD_NUMBER: _ClassVar[int]
        MAY_MODERATE_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        name: str
        muted: bool
        deafened: bool
        speaking: bool
        may_speak: bool
        may_not_listen: bool
        may_moderate: bool
        def __init__(self, user_id: _Optional[int] = ..., name: _Optional[str] = ..., muted: _Optional[bool] = ..., deafened: _Optional[bool] = ..., speaking: _Optional[bool] = ..., may_speak: _Optional[bool] = ..., may_not_listen: _Optional[bool] = ..., may_moderate: _Optional[bool] = ...) -> None: ...
    class Quality(_message.Message):
        __slots__ = ("loss", "rtt_ms", "jitter_ms")
        LOSS_FIELD_NUMBER: _ClassVar[int]
        RTT_MS_FIELD_NUMBER: _ClassVar[int]
        JITTER_MS_FIELD_NUMBER: _ClassVar[int]
        loss: float
        rtt_ms: float
        jitter_ms: float
        def __init__(self, loss: _Optional[float] = ..., rtt_ms: _Optional[float] = ..., jitter_ms: _Optional[float] = ...) -> None: ...
    class Notice(_message.Message):
        __slots__ = ("code", "text", "retry_after")
        CODE_FIELD_NUMBER: _ClassVar[int]
        TEXT_FIELD_NUMBER: _ClassVar[int]
        RETRY_AFTER_FIELD_NUMBER: _ClassVar[int]
        code: str
        text: str
        retry_after: int
        def __init__(self, code: _Optional[str] = ..., text: _Optional[str] = ..., retry_after: _Optional[int] = ...) -> None: ...
    class IceRestarted(_message.Message):
        __slots__ = ("transport_id", "ice_parameters")
        TRANSPORT_ID_FIELD_NUMBER: _ClassVar[int]
        ICE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
        transport_id: str
        ice_parameters: str
        def __init__(self, transport_id: _Optional[str] = ..., ice_parameters: _Optional[str] = ...) -> None: ...
    class Welcome(_message.Message):
        __slots__ = ("version", "user_id", "name")
        VERSION_FIELD_NUMBER: _ClassVar[int]
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        version: int
        user_id: int
        name: str
        def __init__(self, version: _Optional[int] = ..., user_id: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...
    class Pong(_message.Message):
        __slots__ = ("id",)
        ID_FIELD_NUMBER: _ClassVar[int]
        id: int
        def __init__(self, id: _Optional[int] = ...) -> None: ...
    class Ptime(_message.Message):
        __slots__ = ("ms",)
        MS_FIELD_NUMBER: _ClassVar[int]
        ms: int
        def __init__(self, ms: _Optional[int] = ...) -> None: ...
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    ICE_RESTARTED_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    PTIME_FIELD_NUMBER: _ClassVar[int]
    participant: Event.Participant
    quality: Event.Quality
    notice: Event.Notice
    ice_restarted: Event.IceRestarted
    welcome: Event.Welcome
    pong: Event.Pong
    ptime: Event.Ptime
    def __init__(self, participant: _Optional[_Union[Event.Participant, _Mapping[str, object]]] = ..., quality: _Optional[_Union[Event.Quality, _Mapping[str, object]]] = ..., notice: _Optional[_Union[Event.Notice, _Mapping[str, object]]] = ..., ice_restarted: _Optional[_Union[Event.IceRestarted, _Mapping[str, object]]] = ..., welcome: _Optional[_Union[Event.Welcome, _Mapping[str, object]]] = ..., pong: _Optional[_Union[Event.Pong, _Mapping[str, object]]] = ..., ptime: _Optional[_Union[Event.Ptime, _Mapping[str, object]]] = ...) -> None: ...
