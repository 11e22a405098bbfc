"""A second implementation of the client, pymediasoup on aiortc, meets the same rules of the protocol as the page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from .nat import Nat
from .pymediasoup_client import PymediasoupClient
from .server import Server
from .tone import TONES
from .voice_stream import StreamError
from .waiting import more_packets, until, until_heard, until_true

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALICE, BOB, CAROL = 2**64 - 2, 2**63 + 1, 2**53 + 1
"""User ids at the borders where a double, a signed integer and a uint64 end."""

IN_FLIGHT = 5
"""Packets that may still be under way when the server says that someone left: 100 ms."""

TONE = {ALICE: TONES["alice"], BOB: TONES["bob"], CAROL: TONES["carol"]}


@contextlib.asynccontextmanager
async def in_channel(
    server: Server, channel: int, *users: int, resumes: bool = True, listens: bool = False
) -> AsyncIterator[list[PymediasoupClient]]:
    """These people join one after the other, and leave in the end."""
    clients = [PymediasoupClient(user, None if listens else TONE[user], resumes=resumes) for user in users]
    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            stack.push_async_callback(client.leave)
            await client.join(server.stream_url, channel)
        yield clients


async def test_three_clients_hear_each_other(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB, CAROL) as clients:
        for client in clients:
            await until_heard(client, {user: tone for user, tone in TONE.items() if user != client.user})


async def test_joined_channel_lists_the_others_in_the_order_in_which_they_joined(server: Server, channel: int) -> None:
    async with in_channel(server, channel, CAROL, ALICE, BOB) as (carol, alice, bob):
        assert bob.history == [("joined", CAROL), ("joined", ALICE)]
        await until_true(lambda: carol.history == [("joined", ALICE), ("joined", BOB)])
        await until_true(lambda: alice.history == [("joined", CAROL), ("joined", BOB)])


async def test_nothing_is_sent_before_the_consumer_is_resumed(server: Server, channel: int) -> None:
    async with (
        in_channel(server, channel, ALICE, BOB) as (_, witness),
        in_channel(server, channel, CAROL, resumes=False) as (carol,),
    ):
        await until_heard(witness, {ALICE: TONE[ALICE], CAROL: TONE[CAROL]})
        await more_packets(witness, ALICE, 50)
        assert await carol.packets() == {ALICE: 0, BOB: 0}
        await carol.resume(ALICE)
        await until_heard(carol, {ALICE: TONE[ALICE]})
        assert (await carol.packets())[BOB] == 0
        await carol.resume(BOB)
        await carol.resume(BOB)
        await until_heard(carol, {ALICE: TONE[ALICE], BOB: TONE[BOB]})


async def test_who_leaves_falls_silent(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB, CAROL) as (alice, bob, carol):
        await until_heard(alice, {BOB: TONE[BOB], CAROL: TONE[CAROL]})
        await bob.leave()
        await until_true(lambda: ("left", BOB) in alice.history and ("left", BOB) in carol.history)
        await more_packets(alice, CAROL, 50)
        assert await alice.heard() == {CAROL: TONE[CAROL]}


async def test_who_ends_the_stream_and_goes_on_sending_is_not_forwarded(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB, CAROL) as (alice, bob, _):
        await until_heard(alice, {BOB: TONE[BOB], CAROL: TONE[CAROL]})
        ear = alice.ears[BOB]
        await bob.stream.close()
        await until_true(lambda: ("left", BOB) in alice.history)
        await more_packets(alice, CAROL, IN_FLIGHT)
        before = ear.packets
        await more_packets(alice, CAROL, 50)
        assert ear.packets == before


async def test_who_is_cut_off_has_left(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB) as (alice, bob):
        await until_heard(alice, {BOB: TONE[BOB]})
        await bob.kill()
        await until_true(lambda: alice.history == [("joined", BOB), ("left", BOB)])


async def test_a_listener_hears_everyone_and_is_announced_to_nobody(server: Server, channel: int) -> None:
    async with (
        in_channel(server, channel, ALICE, BOB) as (alice, bob),
        in_channel(server, channel, CAROL, listens=True) as (carol,),
    ):
        await until_heard(carol, {ALICE: TONE[ALICE], BOB: TONE[BOB]})
        await until_heard(alice, {BOB: TONE[BOB]})
        assert alice.history == [("joined", BOB)]
        assert bob.history == [("joined", ALICE)]


async def test_the_newest_stream_of_a_user_replaces_the_older_one(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB) as (alice, bob):
        await until_heard(alice, {BOB: TONE[BOB]})
        async with in_channel(server, channel, BOB) as (newer,):
            await until_true(lambda: bob.ended is not None)
            assert isinstance(bob.ended, StreamError)
            assert bob.ended.identifier == "hocket.joined-elsewhere"
            await until_true(lambda: alice.history == [("joined", BOB), ("left", BOB), ("joined", BOB)])
            await until_heard(alice, {BOB: TONE[BOB]})
            await until_heard(newer, {ALICE: TONE[ALICE]})


async def test_a_consumer_that_never_was_cannot_be_resumed(server: Server, channel: int) -> None:
    async with in_channel(server, channel, ALICE, BOB) as (alice, bob):
        await until_heard(alice, {BOB: TONE[BOB]})
        await bob.stream.resume("no-such-consumer")
        await until_true(lambda: bob.ended is not None)
        assert isinstance(bob.ended, StreamError)
        assert bob.ended.identifier == "hocket.not-found"
        await until(alice.heard, lambda heard: heard == {})
        assert alice.history == [("joined", BOB), ("left", BOB)]


async def test_a_nat_that_forgets_its_mappings_interrupts_the_sound_and_ends_no_call(
    server: Server, channel: int
) -> None:
    async with Nat() as nat, in_channel(server, channel, ALICE) as (alice,):
        bob = PymediasoupClient(BOB, TONE[BOB], nat=nat)
        try:
            await bob.join(server.stream_url, channel)
            await until_heard(alice, {BOB: TONE[BOB]})
            await until_heard(bob, {ALICE: TONE[ALICE]})
            before = nat.mappings
            await nat.forget()
            assert not set(before) & set(nat.mappings)
            # aioice checks every 4 to 6 s and never nominates anew: its second check from the new port moves us.
            await more_packets(alice, BOB, 10)
            await more_packets(bob, ALICE, 10)
            await until_heard(alice, {BOB: TONE[BOB]})
            await until_heard(bob, {ALICE: TONE[ALICE]})
            assert alice.history == [("joined", BOB)]
            assert bob.ended is None
        finally:
            await bob.leave()
