from hocket.proto.hocket.voice.v1 import extension_pb2 as _extension_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UserConsumerOptions(_message.Message):
    __slots__ = ("user_id", "producer_id", "consumer_id", "rtp_parameters")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PRODUCER_ID_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    RTP_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    producer_id: str
    consumer_id: str
    rtp_parameters: str
    def __init__(self, user_id: _Optional[int] = ..., producer_id: _Optional[str] = ..., consumer_id: _Optional[str] = ..., rtp_parameters: _Optional[str] = ...) -> None: ...

class TransportOptions(_message.Message):
    __slots__ = ("id", "dtls_parameters", "ice_candidates", "ice_parameters")
    ID_FIELD_NUMBER: _ClassVar[int]
    DTLS_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    ICE_CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    ICE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    id: str
    dtls_parameters: str
    ice_candidates: _containers.RepeatedScalarFieldContainer[str]
    ice_parameters: str
    def __init__(self, id: _Optional[str] = ..., dtls_parameters: _Optional[str] = ..., ice_candidates: _Optional[_Iterable[str]] = ..., ice_parameters: _Optional[str] = ...) -> None: ...

class StreamMessageRequest(_message.Message):
    __slots__ = ("initialize", "prepare_for_join_channel", "join_channel", "resume_consumer", "hocket")
    class Initialize(_message.Message):
        __slots__ = ("guild_id", "channel_id", "hocket")
        GUILD_ID_FIELD_NUMBER: _ClassVar[int]
        CHANNEL_ID_FIELD_NUMBER: _ClassVar[int]
        HOCKET_FIELD_NUMBER: _ClassVar[int]
        guild_id: int
        channel_id: int
        hocket: int
        def __init__(self, guild_id: _Optional[int] = ..., channel_id: _Optional[int] = ..., hocket: _Optional[int] = ...) -> None: ...
    class PrepareForJoinChannel(_message.Message):
        __slots__ = ("rtp_capabilities",)
        RTP_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
        rtp_capabilities: str
        def __init__(self, rtp_capabilities: _Optional[str] = ...) -> None: ...
    class JoinChannel(_message.Message):
        __slots__ = ("rtp_paramaters", "producer_dtls_paramaters", "consumer_dtls_paramaters")
        RTP_PARAMATERS_FIELD_NUMBER: _ClassVar[int]
        PRODUCER_DTLS_PARAMATERS_FIELD_NUMBER: _ClassVar[int]
        CONSUMER_DTLS_PARAMATERS_FIELD_NUMBER: _ClassVar[int]
        rtp_paramaters: str
        producer_dtls_paramaters: str
        consumer_dtls_paramaters: str
        def __init__(self, rtp_paramaters: _Optional[str] = ..., producer_dtls_paramaters: _Optional[str] = ..., consumer_dtls_paramaters: _Optional[str] = ...) -> None: ...
    class ResumeConsumer(_message.Message):
        __slots__ = ("consumer_id",)
        CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
        consumer_id: str
        def __init__(self, consumer_id: _Optional[str] = ...) -> None: ...
    INITIALIZE_FIELD_NUMBER: _ClassVar[int]
    PREPARE_FOR_JOIN_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    JOIN_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    RESUME_CONSUMER_FIELD_NUMBER: _ClassVar[int]
    HOCKET_FIELD_NUMBER: _ClassVar[int]
    initialize: StreamMessageRequest.Initialize
    prepare_for_join_channel: StreamMessageRequest.PrepareForJoinChannel
    join_channel: StreamMessageRequest.JoinChannel
    resume_consumer: StreamMessageRequest.ResumeConsumer
    hocket: _extension_pb2.Request
    def __init__(self, initialize: _Optional[_Union[StreamMessageRequest.Initialize, _Mapping[str, object]]] = ..., prepare_for_join_channel: _Optional[_Union[StreamMessageRequest.PrepareForJoinChannel, _Mapping[str, object]]] = ..., join_channel: _Optional[_Union[StreamMessageRequest.JoinChannel, _Mapping[str, object]]] = ..., resume_consumer: _Optional[_Union[StreamMessageRequest.ResumeConsumer, _Mapping[str, object]]] = ..., hocket: _Optional[_Union[_extension_pb2.Request, _Mapping[str, object]]] = ...) -> None: ...

class StreamMessageResponse(_message.Message):
    __slots__ = ("initialized", "prepared_for_join_channel", "joined_channel", "user_joined", "user_left", "hocket")
    class Initialized(_message.Message):
        __slots__ = ("rtp_capabilities",)
        RTP_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
        rtp_capabilities: str
        def __init__(self, rtp_capabilities: _Optional[str] = ...) -> None: ...
    class PreparedForJoinChannel(_message.Message):
        __slots__ = ("consumer_transport_options", "producer_transport_options")
        CONSUMER_TRANSPORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
        PRODUCER_TRANSPORT_OPTIONS_FIELD_NUMBER: _ClassVar[int]
        consumer_transport_options: TransportOptions
        producer_transport_options: TransportOptions
        def __init__(self, consumer_transport_options: _Optional[_Union[TransportOptions, _Mapping[str, object]]] = ..., producer_transport_options: _Optional[_Union[TransportOptions, _Mapping[str, object]]] = ...) -> None: ...
    class JoinedChannel(_message.Message):
        __slots__ = ("other_users",)
        OTHER_USERS_FIELD_NUMBER: _ClassVar[int]
        other_users: _containers.RepeatedCompositeFieldContainer[UserConsumerOptions]
        def __init__(self, other_users: _Optional[_Iterable[_Union[UserConsumerOptions, _Mapping[str, object]]]] = ...) -> None: ...
    class UserJoined(_message.Message):
        __slots__ = ("data",)
        DATA_FIELD_NUMBER: _ClassVar[int]
        data: UserConsumerOptions
        def __init__(self, data: _Optional[_Union[UserConsumerOptions, _Mapping[str, object]]] = ...) -> None: ...
    class UserLeft(_message.Message):
        __slots__ = ("user_id",)
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        user_id: int
        def __init__(self, user_id: _Optional[int] = ...) -> None: ...
    INITIALIZED_FIELD_NUMBER: _ClassVar[int]
    PREPARED_FOR_JOIN_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    JOINED_CHANNEL_FIELD_NUMBER: _ClassVar[int]
    USER_JOINED_FIELD_NUMBER: _ClassVar[int]
    USER_LEFT_FIELD_NUMBER: _ClassVar[int]
    HOCKET_FIELD_NUMBER: _ClassVar[int]
    initialized: StreamMessageResponse.Initialized
    prepared_for_join_channel: StreamMessageResponse.PreparedForJoinChannel
    joined_channel: StreamMessageResponse.JoinedChannel
    user_joined: StreamMessageResponse.UserJoined
    user_left: StreamMessageResponse.UserLeft
    hocket: _extension_pb2.Event
    def __init__(self, initialized: _Optional[_Union[StreamMessageResponse.Initialized, _Mapping[str, object]]] = ..., prepared_for_join_channel: _Optional[_Union[StreamMessageResponse.PreparedForJoinChannel, _Mapping[str, object]]] = ..., joined_channel: _Optional[_Union[StreamMessageResponse.JoinedChannel, _Mapping[str, object]]] = ..., user_joined: _Optional[_Union[StreamMessageResponse.UserJoined, _Mapping[str, object]]] = ..., user_left: _Optional[_Union[StreamMessageResponse.UserLeft, _Mapping[str, object]]] = ..., hocket: _Optional[_Union[_extension_pb2.Event, _Mapping[str, object]]] = ...) -> None: ...
