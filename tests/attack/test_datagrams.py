"""An attacker's datagrams are what they say, by others' implementations: else a server's silence would mean nothing."""

from __future__ import annotations

import json
import time
from random import Random

from aioice import stun

from hocket.attack import datagrams, garbage
from hocket.attack.effort import Budget, Pace
from hocket.load.stream import Request
from hocket.proto import voice


def test_a_check_is_signed_as_stun_says_or_not_at_all() -> None:
    signed = stun.parse_message(datagrams.stun_request(Random(1), "server:client", "secret"))
    assert signed.check_message_integrity(b"secret")
    assert signed.attributes["USERNAME"] == "server:client"
    assert "MESSAGE-INTEGRITY" in signed.attributes
    bare = stun.parse_message(datagrams.stun_request(Random(1), "server:client"))
    assert "MESSAGE-INTEGRITY" not in bare.attributes


def test_garbage_is_of_every_class_that_rfc_7983_tells_apart() -> None:
    chance = Random(1)
    firsts = {datagrams.garbage(chance)[0] for _ in range(2_000)}
    assert {True for first in firsts if first < 4}
    assert {True for first in firsts if 20 <= first < 64}
    assert {True for first in firsts if 128 <= first < 192}


def test_the_right_capabilities_are_json_and_the_unknown_fields_are_unknown() -> None:
    assert json.loads(garbage.RIGHT)["codecs"]
    whole = Request(initialize=Request.Initialize(guild_id=1, channel_id=2)).SerializeToString()
    read = voice.StreamMessageRequest.FromString(garbage.with_unknown_fields(whole))
    assert (read.initialize.guild_id, read.initialize.channel_id) == (1, 2)


def test_a_flood_stays_within_its_budget() -> None:
    pace, sent = Pace(Budget(seconds=0.3, packets_per_second=1_000, connections=1)), 0
    began = time.monotonic()
    while (due := pace.due()) is not None:
        sent += due
    assert sent <= 300
    assert time.monotonic() - began < 5
