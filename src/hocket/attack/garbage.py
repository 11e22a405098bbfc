"""What somebody may send in place of mediasoup's JSON and of protobuf (T12). Pure."""

from __future__ import annotations

from hocket.load.stream import Request

_CODEC = '{"kind":"audio","mimeType":"audio/opus","clockRate":48000,"channels":2,"preferredPayloadType":100}'

RIGHT = '{"codecs": [' + _CODEC + '], "headerExtensions": []}'
"""Capabilities with nothing wrong."""


def texts() -> dict[str, str]:
    """Wrong rtp_capabilities, each by what is wrong."""
    return {
        "nothing": "",
        "an array": "[]",
        "half an object": "{",
        "no codecs": '{"codecs": []}',
        "arrays 10,000 deep": '{"codecs": ' + "[" * 10_000,
        "objects 10,000 deep": '{"a":' * 10_000 + "1" + "}" * 10_000,
        "10,000 empty codecs": '{"codecs": [' + "{}," * 10_000 + "{}]}",
        "2,000 times the same codec": '{"codecs": [' + (_CODEC + ",") * 2_000 + _CODEC + "]}",
        "a member twice": '{"codecs": [], "codecs": []}',
        "NaN": '{"codecs": NaN}',
        "2^64": '{"codecs": [' + _CODEC.replace("48000", str(2**64)) + "]}",
        "1e999": '{"codecs": 1e999}',
        "a number of 100,000 digits": '{"codecs": ' + "9" * 100_000 + "}",
        "NUL": "\x00",
        "NUL in a name": '{"codecs": "\\u0000"}',
        "half a surrogate pair": '{"codecs": "\\ud800"}',
        "200,000 letters": "x" * 200_000,
        "a string of 1 MiB": '{"codecs": "' + "x" * 2**20 + '"}',
        "10^6 codecs": '{"codecs": [' + "{}," * 10**6 + "{}]}",
    }


def broken_frames() -> dict[str, bytes]:
    """Frames that are no request, by what they are."""
    whole = Request(
        prepare_for_join_channel=Request.PrepareForJoinChannel(rtp_capabilities="x" * 40)
    ).SerializeToString()
    frames = {f"a request cut after {length} bytes": whole[:length] for length in range(1, len(whole), 6)}
    return frames | {
        "a length beyond the end": b"\x0a\xff\xff\xff\xff\x0f",
        "a varint without end": b"\x08" + b"\xff" * 100,
        "groups 1,000 deep": b"\x0b" * 1_000,
        "a string that is no UTF-8": b"\x12\x04\x0a\x02\xff\xfe",
        "field number 0": b"\x00\x01",
    }


def with_unknown_fields(request: bytes) -> bytes:
    """The same request with fields of a later version, which a server must pass over (proto3)."""
    return request + b"\xfa\x3f\x05later" + b"\xf8\x7f\x01"
