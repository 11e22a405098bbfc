"""The generated messages: up to date, numbered as the wire is, and alone in their descriptor pool."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from hocket.proto import auth, chat, extension, harmonytypes, hrpc, voice

ROOT = Path(__file__).resolve().parent.parent

# From the protocol's specification, beside the .proto files and not from them.
NUMBERS = {
    "UserConsumerOptions": {"user_id": 1, "producer_id": 2, "consumer_id": 3, "rtp_parameters": 4},
    "TransportOptions": {"id": 1, "dtls_parameters": 2, "ice_candidates": 3, "ice_parameters": 4},
    "StreamMessageRequest": {
        "initialize": 1,
        "prepare_for_join_channel": 2,
        "join_channel": 3,
        "resume_consumer": 4,
        "hocket": 1000,
    },
    "StreamMessageRequest.Initialize": {"guild_id": 1, "channel_id": 2, "hocket": 1000},
    "StreamMessageRequest.PrepareForJoinChannel": {"rtp_capabilities": 1},
    "StreamMessageRequest.JoinChannel": {
        "rtp_paramaters": 1,
        "producer_dtls_paramaters": 2,
        "consumer_dtls_paramaters": 3,
    },
    "StreamMessageRequest.ResumeConsumer": {"consumer_id": 1},
    "StreamMessageResponse": {
        "initialized": 1,
        "prepared_for_join_channel": 2,
        "joined_channel": 3,
        "user_joined": 4,
        "user_left": 5,
        "hocket": 1000,
    },
    "StreamMessageResponse.Initialized": {"rtp_capabilities": 1},
    "StreamMessageResponse.PreparedForJoinChannel": {"consumer_transport_options": 1, "producer_transport_options": 2},
    "StreamMessageResponse.JoinedChannel": {"other_users": 1},
    "StreamMessageResponse.UserJoined": {"data": 1},
    "StreamMessageResponse.UserLeft": {"user_id": 1},
}

HARMONY = {
    "protocol.harmonytypes.v1.Token": {"sig": 1, "data": 2},
    "protocol.auth.v1.KeyRequest": {},
    "protocol.auth.v1.KeyResponse": {"key": 1},
    "protocol.auth.v1.TokenData": {"user_id": 1, "server_id": 2, "username": 3, "avatar": 4},
    "protocol.auth.v1.LoginFederatedRequest": {"auth_token": 1, "server_id": 2},
    "protocol.auth.v1.LoginFederatedResponse": {"session": 1},
    "protocol.auth.v1.Session": {"user_id": 1, "session_token": 2},
    "protocol.chat.v1.QueryHasPermissionRequest": {"guild_id": 1, "channel_id": 2, "check_for": 3, "as": 4},
    "protocol.chat.v1.QueryHasPermissionResponse": {"ok": 1},
    "protocol.chat.v1.GetGuildChannelsRequest": {"guild_id": 1},
    "protocol.chat.v1.GetGuildChannelsResponse": {"channels": 1},
    "protocol.chat.v1.ChannelWithId": {"channel_id": 1, "channel": 2},
    "protocol.chat.v1.Channel": {"channel_name": 1, "kind": 2},
}


def test_the_committed_code_is_what_the_generator_makes(tmp_path: Path) -> None:
    made = tmp_path / "proto"
    subprocess.run([sys.executable, ROOT / "tools" / "generate_proto.py", made], check=True)
    assert _texts(ROOT / "src" / "hocket" / "proto") == _texts(made)


def test_names_and_numbers_are_the_wires() -> None:
    found: dict[str, dict[str, int]] = {}

    def collect(message: Descriptor, prefix: str) -> None:
        found[prefix + message.name] = {field.name: field.number for field in message.fields}
        for nested in message.nested_types:
            collect(nested, f"{prefix}{message.name}.")

    for message in voice.DESCRIPTOR.message_types_by_name.values():
        collect(message, "")
    assert found == NUMBERS
    assert voice.DESCRIPTOR.package == "protocol.voice.v1"
    assert (hrpc.DESCRIPTOR.package, extension.DESCRIPTOR.package) == ("hrpc.v1", "hocket.voice.v1")


def test_names_and_numbers_of_harmonys_other_services_are_the_wires() -> None:
    found = {
        message.full_name: {field.name: field.number for field in message.fields}
        for file in (auth, chat, harmonytypes)
        for message in file.DESCRIPTOR.message_types_by_name.values()
    }
    assert found == HARMONY
    assert chat.CHANNEL_KIND_VOICE_MEDIA == 1
    methods = {
        method.full_name
        for file in (auth, chat)
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert methods == {
        "protocol.auth.v1.AuthService.Key",
        "protocol.auth.v1.AuthService.LoginFederated",
        "protocol.chat.v1.ChatService.QueryHasPermission",
        "protocol.chat.v1.ChatService.GetGuildChannels",
    }


def test_bytes_on_the_wire() -> None:
    initialize = voice.StreamMessageRequest.Initialize(guild_id=1, channel_id=2**64 - 1)
    request = voice.StreamMessageRequest(initialize=initialize)
    assert request.SerializeToString() == bytes.fromhex("0a0d0801 10ffffffffffffffffff01")
    left = voice.StreamMessageResponse(user_left=voice.StreamMessageResponse.UserLeft(user_id=7))
    assert left.SerializeToString() == bytes.fromhex("2a020807")
    error = hrpc.Error(identifier="a", human_message="b", details=b"c")
    assert error.SerializeToString() == bytes.fromhex("0a0161 120162 1a0163")
    asked = chat.QueryHasPermissionRequest(guild_id=1, channel_id=0, check_for="a", **{"as": 9})
    assert asked.SerializeToString() == bytes.fromhex("0801 1000 1a0161 2009")


@pytest.mark.parametrize("message", [voice.StreamMessageRequest, voice.StreamMessageResponse])
def test_one_who_does_not_know_the_extension_skips_it(message: type[Message]) -> None:
    event = bytes.fromhex("c23e00")  # field 1000, an empty message
    assert message.FromString(event).WhichOneof("message") == "hocket"
    reference = _without_extension(message.DESCRIPTOR.full_name)
    assert reference.FromString(event).WhichOneof("message") is None


def test_an_initialize_that_asks_for_the_extension_reads_the_same_without_it() -> None:
    initialize = voice.StreamMessageRequest.Initialize(guild_id=1, channel_id=2, hocket=1)
    data = voice.StreamMessageRequest(initialize=initialize).SerializeToString()
    read = str(_without_extension("protocol.voice.v1.StreamMessageRequest").FromString(data))
    assert "guild_id: 1" in read
    assert "channel_id: 2" in read


def test_another_package_may_ship_the_same_protocol() -> None:
    """A chat server's own generated hrpc.v1.Error, with other fields, registers in the process's pool beside ours."""
    for name in ("hrpc/v1/hrpc.proto", "protocol/voice/v1/voice.proto", "hocket/voice/v1/extension.proto"):
        with pytest.raises(KeyError):
            descriptor_pool.Default().FindFileByName(name)
    theirs = descriptor_pb2.FileDescriptorProto(name="hrpc/v1/hrpc.proto", package="hrpc.v1")
    theirs.message_type.add(name="Error").field.add(name="other", number=9, type=9, label=1)
    code = (
        "from google.protobuf import descriptor_pool as p;"
        f"p.Default().AddSerializedFile({theirs.SerializeToString()!r});"
        "from hocket.proto import hrpc; assert hrpc.Error(identifier='x').identifier == 'x'"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def _texts(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def _without_extension(name: str) -> type[Message]:
    """The message as a program sees it that was built from the reference alone."""
    file = descriptor_pb2.FileDescriptorProto()
    voice.DESCRIPTOR.CopyToProto(file)
    del file.dependency[:]
    for message in file.message_type:
        for part in (message, *message.nested_type):
            kept = [field for field in part.field if field.number != 1000]
            del part.field[:]
            part.field.extend(kept)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
