"""Requests as a client makes them, with the least that is valid."""

from __future__ import annotations

import json

from hocket.proto import extension, voice

Request = voice.StreamMessageRequest

CAPABILITIES = json.dumps(
    {
        "codecs": [
            {"kind": "audio", "mimeType": "audio/opus", "preferredPayloadType": 100, "clockRate": 48000, "channels": 2}
        ],
        "headerExtensions": [],
    }
)


def rtp_parameters(ssrc: int = 1111) -> str:
    codec = {"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}
    return json.dumps({"codecs": [codec], "encodings": [{"ssrc": ssrc}], "rtcp": {"cname": "someone"}})


def dtls_parameters(byte: int = 0xAB, role: str = "client") -> str:
    value = ":".join([f"{byte:02x}"] * 32)
    return json.dumps({"role": role, "fingerprints": [{"algorithm": "sha-256", "value": value}]})


def initialize(guild: int = 1, channel: int = 2, hocket: int = 0) -> Request:
    return Request(initialize=Request.Initialize(guild_id=guild, channel_id=channel, hocket=hocket))


def prepare(capabilities: str = CAPABILITIES) -> Request:
    return Request(prepare_for_join_channel=Request.PrepareForJoinChannel(rtp_capabilities=capabilities))


def join(
    *, speaks: bool = True, rtp: str | None = None, sending: str | None = None, hearing: str | None = None
) -> Request:
    asked = Request.JoinChannel(consumer_dtls_paramaters=dtls_parameters(0xCC) if hearing is None else hearing)
    if speaks:
        asked.rtp_paramaters = rtp_parameters() if rtp is None else rtp
        asked.producer_dtls_paramaters = dtls_parameters(0xAA) if sending is None else sending
    return Request(join_channel=asked)


def resume(consumer_id: str) -> Request:
    return Request(resume_consumer=Request.ResumeConsumer(consumer_id=consumer_id))


def set_muted(muted: bool = True) -> Request:
    return Request(hocket=extension.Request(set_muted=extension.Request.SetMuted(muted=muted)))


def set_deafened(deafened: bool = True) -> Request:
    return Request(hocket=extension.Request(set_deafened=extension.Request.SetDeafened(deafened=deafened)))


def ping(id: int = 2**64 - 1) -> Request:
    return Request(hocket=extension.Request(ping=extension.Request.Ping(id=id)))


def restart_ice(transport_id: str) -> Request:
    return Request(hocket=extension.Request(restart_ice=extension.Request.RestartIce(transport_id=transport_id)))


def mute_user(user_id: int, muted: bool = True) -> Request:
    return Request(hocket=extension.Request(mute_user=extension.Request.MuteUser(user_id=user_id, muted=muted)))


def kick_user(user_id: int, reason: str = "") -> Request:
    return Request(hocket=extension.Request(kick_user=extension.Request.KickUser(user_id=user_id, reason=reason)))


def unknown_extension() -> Request:
    """A request of a newer version of our extension: `hocket` is there, of no kind that we know."""
    return Request(hocket=extension.Request())
