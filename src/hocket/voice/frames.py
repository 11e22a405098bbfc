"""What the server says, as frames ready to send. Pure.

What a join brings is written where it stands in its frame: a message made for itself is copied into the next outer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from hocket.auth import User
from hocket.hrpc.codec import encode_response
from hocket.ortc.negotiate import router_capabilities
from hocket.ortc.parameters import IceParameters, encode
from hocket.proto import extension, voice
from hocket.voice.media import Quality, Transport


@cache
def initialized(ptime: int) -> bytes:
    """Initialized: what every router can receive. `ptime`: ms of sound that a packet had best hold, 20, 40 or 60."""
    capabilities = encode(router_capabilities(ptime))
    answer = voice.StreamMessageResponse.Initialized(rtp_capabilities=capabilities)
    return encode_response(voice.StreamMessageResponse(initialized=answer))


def prepared(*, receiving: Transport, sending: Transport) -> bytes:
    """PreparedForJoinChannel: the transport on which the client receives, and the one on which it sends."""
    response = voice.StreamMessageResponse()
    _describe(receiving, response.prepared_for_join_channel.consumer_transport_options)
    _describe(sending, response.prepared_for_join_channel.producer_transport_options)
    return encode_response(response)


def joined(others: Iterable[voice.UserConsumerOptions]) -> bytes:
    """JoinedChannel: who is heard here, in the order in which they joined."""
    response = voice.StreamMessageResponse()
    response.joined_channel.SetInParent()  # also where nobody is
    response.joined_channel.other_users.extend(others)
    return encode_response(response)


def user_joined(data: voice.UserConsumerOptions) -> bytes:
    """UserJoined, for one receiver."""
    response = voice.StreamMessageResponse()
    response.user_joined.data.CopyFrom(data)
    return encode_response(response)


def user_left(user_id: int) -> bytes:
    """UserLeft, the same for everybody."""
    answer = voice.StreamMessageResponse.UserLeft(user_id=user_id)
    return encode_response(voice.StreamMessageResponse(user_left=answer))


def welcome(version: int, user: User) -> bytes:
    """Welcome: the extension is on, and this is who the client is taken for."""
    return _event(extension.Event(welcome=extension.Event.Welcome(version=version, user_id=user.id, name=user.name)))


def participant(
    user: User,
    *,
    muted: bool,
    deafened: bool,
    speaking: bool,
    may_speak: bool,
    may_not_listen: bool,
    may_moderate: bool,
) -> bytes:
    """The whole present state of one participant."""
    state = extension.Event.Participant(
        user_id=user.id,
        name=user.name,
        muted=muted,
        deafened=deafened,
        speaking=speaking,
        may_speak=may_speak,
        may_not_listen=may_not_listen,
        may_moderate=may_moderate,
    )
    return _event(extension.Event(participant=state))


def quality(measured: Quality) -> bytes:
    """How the client's own connection does."""
    told = extension.Event.Quality(loss=measured.loss, rtt_ms=measured.rtt_ms, jitter_ms=measured.jitter_ms)
    return _event(extension.Event(quality=told))


def notice(code: str, text: str, retry_after: int = 0) -> bytes:
    """A sentence for people. `retry_after`: seconds after which to connect again, 0 for nothing to do."""
    return _event(extension.Event(notice=extension.Event.Notice(code=code, text=text, retry_after=retry_after)))


def ice_restarted(transport_id: str, ice: IceParameters) -> bytes:
    """The answer to RestartIce."""
    told = extension.Event.IceRestarted(transport_id=transport_id, ice_parameters=encode(ice))
    return _event(extension.Event(ice_restarted=told))


@cache
def ptime(ms: int) -> bytes:
    """How much sound a packet had best hold from now on, 20, 40 or 60 ms."""
    return _event(extension.Event(ptime=extension.Event.Ptime(ms=ms)))


def pong(id: int) -> bytes:
    """The answer to Ping."""
    return _event(extension.Event(pong=extension.Event.Pong(id=id)))


def _event(event: extension.Event) -> bytes:
    return encode_response(voice.StreamMessageResponse(hocket=event))


def _describe(transport: Transport, options: voice.TransportOptions) -> None:
    options.id = str(transport.id)
    options.dtls_parameters = encode(transport.dtls)
    options.ice_candidates.extend(encode(candidate) for candidate in transport.candidates)
    options.ice_parameters = encode(transport.ice)
