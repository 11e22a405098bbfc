"""What a homeserver's user may do in which channel, when they join and while they stay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
import pytest_asyncio

from hocket.auth import User
from hocket.auth.harmony import HarmonyAuth, IdTable, Nodes, Session, membership
from hocket.auth.harmony.permissions import has_lost
from hocket.config import HarmonyOutage
from hocket.errors import HocketError, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable
from hocket.policy import ChannelId, Lost, Permissions
from tests.auth.test_harmony_login import OURS, OWN_KEY, log_in, who
from tests.clock import Clock
from tests.server.homeserver import CATEGORY, OUTAGES, TEXT, VOICE, Chat, chatting, hrpc, status
from tests.server.running import until

HERE = ChannelId(1, 2)
ROUND = 30.0


def made(
    *homes: Chat, clock: Clock, nodes: Nodes | None = None, outage: HarmonyOutage = "end", ids: IdTable | None = None
) -> HarmonyAuth:
    return HarmonyAuth(
        server_id=OURS,
        homeservers=[home.known(f"chat{number or ''}.example.org") for number, home in enumerate(homes)],
        key=OWN_KEY,
        nodes=nodes,
        ids=ids,
        recheck_seconds=ROUND,
        outage=outage,
        clock=clock,
    )


@pytest_asyncio.fixture
async def harmony(home: Chat, clock: Clock) -> AsyncIterator[HarmonyAuth]:
    async with made(home, clock=clock) as entered:
        yield entered


async def user(harmony: HarmonyAuth, home: Chat, user_id: int = 7, server_id: str = "chat.example.org") -> User:
    session = await log_in(harmony, home.sign(user_id), server_id)
    return await who(harmony, session.session_token)


async def refused(harmony: HarmonyAuth, who: User, channel: ChannelId = HERE) -> HocketError:
    with pytest.raises(HocketError) as caught:
        await harmony.authorize(who, channel)
    return caught.value


class Watch:
    """The rounds, each when the test says so."""

    def __init__(self, harmony: HarmonyAuth, clock: Clock, *present: tuple[User, ChannelId]) -> None:
        self._harmony = harmony
        self._clock = clock
        self._lost: AsyncGenerator[Lost, None] = harmony.lost(lambda: list(present))

    def begin(self) -> asyncio.Task[Lost]:
        """Looks for the next who may not stay."""
        return asyncio.ensure_future(self._next())

    def round(self) -> None:
        """Lets the time of a round pass."""
        self._clock.now += ROUND
        self.wake()

    def wake(self) -> None:
        """Lets it look at the test's clock; the loop's is another."""
        self._harmony._woken.set()

    async def next(self, *, rounds: bool = True) -> Lost:
        """The next who may not stay, after as many rounds as it takes, or none."""
        found = self.begin()
        async with asyncio.timeout(10):
            while not found.done():
                if rounds:
                    self.round()
                await asyncio.wait({found}, timeout=0.05)
        return found.result()

    async def close(self) -> None:
        await self._lost.aclose()

    async def _next(self) -> Lost:
        return await anext(self._lost)


async def test_a_member_may_listen_and_speak_in_a_voice_channel(home: Chat, harmony: HarmonyAuth) -> None:
    home.admit(7)
    ada = await user(harmony, home)
    assert await harmony.authorize(ada, HERE) == Permissions()
    assert [(asked.guild_id, asked.channel_id, asked.check_for) for asked in home.questions] == [
        (1, 2, "messages.view"),
        (1, 2, "messages.send"),
    ]
    assert {getattr(asked, "as") for asked in home.questions} == {7}
    assert harmony.place(ada, HERE) == HERE


async def test_each_permission_stands_for_something(home: Chat, harmony: HarmonyAuth) -> None:
    home.admit(7, "messages.view")
    assert await harmony.authorize(await user(harmony, home), HERE) == Permissions(speak=False)
    home.admit(8, "messages.send")
    assert isinstance(await refused(harmony, await user(harmony, home, 8)), PermissionDenied)
    assert isinstance(await refused(harmony, await user(harmony, home, 9)), PermissionDenied)


async def test_the_operator_chooses_which_permission_stands_for_what(home: Chat, clock: Clock) -> None:
    async with made(home, clock=clock, nodes=Nodes("voice.join", "voice.listen", "voice.speak")) as harmony:
        home.admit(7, "voice.join", "voice.speak")
        assert await harmony.authorize(await user(harmony, home), HERE) == Permissions(listen=False)
        home.admit(8, "voice.join", "voice.listen")
        assert await harmony.authorize(await user(harmony, home, 8), HERE) == Permissions(speak=False)
        home.admit(9, "messages.view", "messages.send", "voice.listen", "voice.speak")
        assert isinstance(await refused(harmony, await user(harmony, home, 9)), PermissionDenied)


@pytest.mark.parametrize("kind", [TEXT, CATEGORY, 3, 127])
async def test_every_other_kind_of_channel_is_refused(home: Chat, harmony: HarmonyAuth, kind: int) -> None:
    home.admit(7)
    home.guilds[1][2] = kind
    assert isinstance(await refused(harmony, await user(harmony, home)), PermissionDenied)
    assert not home.questions, "nobody is asked about for a channel that is none"


@pytest.mark.parametrize("channel", [ChannelId(1, 0), ChannelId(1, 99), ChannelId(9, 2), ChannelId(0, 0)])
async def test_unknown_guilds_and_channels_are_refused(home: Chat, harmony: HarmonyAuth, channel: ChannelId) -> None:
    home.admit(7)
    home.guilds[5] = {2: VOICE}
    assert isinstance(await refused(harmony, await user(harmony, home), channel), PermissionDenied)


async def test_refusals_do_not_tell_what_there_is(home: Chat, harmony: HarmonyAuth) -> None:
    ada = await user(harmony, home)
    channels = [HERE, ChannelId(1, 3), ChannelId(1, 99), ChannelId(9, 2)]
    sentences = {(await refused(harmony, ada, channel)).sentence for channel in channels}
    assert len(sentences) == 1


@pytest.mark.parametrize("fault", ["500", "401", "garbage", "compressed"])
@pytest.mark.parametrize("method", ["GetGuildChannels", "QueryHasPermission"])
async def test_nobody_gets_in_while_the_homeserver_cannot_be_asked(
    home: Chat, harmony: HarmonyAuth, method: str, fault: str
) -> None:
    home.admit(7)
    ada = await user(harmony, home)
    home.faults[method] = OUTAGES[fault]
    error = await refused(harmony, ada)
    assert isinstance(error, Unavailable)
    assert error.retry_after > 0
    del home.faults[method]
    assert await harmony.authorize(ada, HERE) == Permissions(), "a failure is not kept"


async def test_answers_are_kept_for_seconds(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    home.admit(7)
    ada = await user(harmony, home)
    for _ in range(5):
        await harmony.authorize(ada, HERE)
    assert (home.asked["GetGuildChannels"], home.asked["QueryHasPermission"]) == (1, 2)
    home.admit(7, "messages.view")
    clock.now += 5
    assert await harmony.authorize(ada, HERE) == Permissions(speak=False)


async def test_who_asks_at_the_same_time_shares_a_call(home: Chat, harmony: HarmonyAuth) -> None:
    for user_id in range(1, 11):
        home.admit(user_id)
    people = [await user(harmony, home, user_id) for user_id in range(1, 11)]
    await asyncio.gather(*(harmony.authorize(each, HERE) for each in people for _ in range(3)))
    assert (home.asked["GetGuildChannels"], home.asked["QueryHasPermission"]) == (1, 20)


async def test_one_who_gives_up_takes_nothing_from_those_who_wait_with_it(home: Chat, harmony: HarmonyAuth) -> None:
    go_on = asyncio.Event()

    async def held() -> object:
        await go_on.wait()
        return hrpc(b"\x08\x01")

    home.faults["QueryHasPermission"] = held  # type: ignore[assignment]
    ada = await user(harmony, home)
    async with asyncio.TaskGroup() as tasks:
        first, second = (tasks.create_task(harmony.authorize(ada, HERE)) for _ in range(2))
        await until(lambda: home.asked["QueryHasPermission"] == 1)
        first.cancel()
        go_on.set()
    assert second.result() == Permissions()
    assert home.asked["QueryHasPermission"] == 2


async def test_a_call_that_nobody_waits_for_any_more_ends(home: Chat, harmony: HarmonyAuth) -> None:
    home.faults["GetGuildChannels"] = OUTAGES["silent"]
    ada = await user(harmony, home)
    waiting = asyncio.ensure_future(harmony.authorize(ada, HERE))
    await until(lambda: home.asked["GetGuildChannels"] == 1)
    waiting.cancel()
    await until(lambda: not [task for task in asyncio.all_tasks() if "_fetch" in repr(task)])


async def test_guilds_of_two_homeservers_with_the_same_number_are_two(home: Chat, clock: Clock) -> None:
    ids = IdTable(":memory:", b"secret")
    async with chatting() as second, made(home, second, clock=clock, ids=ids) as harmony:
        home.admit(7)
        second.admit(7)
        ada, bob = await user(harmony, home), await user(harmony, second, 7, "chat1.example.org")
        await harmony.authorize(ada, HERE)
        await harmony.authorize(bob, HERE)
        assert (len(home.questions), len(second.questions)) == (2, 2), "each is asked for its own user"
        assert harmony.place(ada, HERE) != harmony.place(bob, HERE)
        assert harmony.place(ada, HERE).channel == 2
    ids.close()


async def test_whoever_is_removed_may_not_stay(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    for user_id in (7, 8, 9):
        home.admit(user_id)
    people = [await user(harmony, home, user_id) for user_id in (7, 8, 9)]
    for each in people:
        await harmony.authorize(each, HERE)
    watch = Watch(harmony, clock, *((each, HERE) for each in people))
    del home.members[1, 8]
    lost = await watch.next()
    assert lost[:2] == (8, HERE)
    assert isinstance(lost.error, PermissionDenied)
    await watch.close()


async def test_what_was_allowed_and_is_no_more_ends_a_stay_and_more_does_not(
    home: Chat, harmony: HarmonyAuth, clock: Clock
) -> None:
    home.admit(7, "messages.view")
    home.admit(8)
    ada, bob = await user(harmony, home, 7), await user(harmony, home, 8)
    for each in (ada, bob):
        await harmony.authorize(each, HERE)
    home.admit(7)
    home.admit(8, "messages.view")
    watch = Watch(harmony, clock, (ada, HERE), (bob, HERE))
    assert (await watch.next()).user_id == 8
    await watch.close()


@pytest.mark.parametrize("what", ["kind", "channel", "guild"])
async def test_a_channel_that_is_gone_ends_its_stays(home: Chat, harmony: HarmonyAuth, clock: Clock, what: str) -> None:
    home.admit(7)
    ada = await user(harmony, home)
    await harmony.authorize(ada, HERE)
    match what:
        case "kind":
            home.guilds[1][2] = TEXT
        case "channel":
            del home.guilds[1][2]
        case _:
            del home.guilds[1]
    watch = Watch(harmony, clock, (ada, HERE))
    assert isinstance((await watch.next()).error, PermissionDenied)
    await watch.close()


async def test_an_outage_of_two_rounds_ends_stays(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    home.admit(7)
    home.admit(8)
    ada, bob = await user(harmony, home), await user(harmony, home, 8)
    await harmony.authorize(ada, HERE)
    watch = Watch(harmony, clock, (ada, HERE))
    found = watch.begin()
    await asyncio.sleep(0)
    home.faults["GetGuildChannels"] = status(500)
    await rounds(watch, home, 1)
    assert not found.done(), "one round may be a restart"
    await rounds(watch, home, 1)
    lost = await found
    assert isinstance(lost.error, Unavailable)
    assert lost.error.retry_after > 0
    assert isinstance(await refused(harmony, bob), Unavailable)
    await watch.close()


async def test_an_outage_between_rounds_that_work_ends_nothing(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    home.admit(7)
    ada = await user(harmony, home)
    await harmony.authorize(ada, HERE)
    watch = Watch(harmony, clock, (ada, HERE))
    found = watch.begin()
    await asyncio.sleep(0)
    for _ in range(3):
        home.faults["GetGuildChannels"] = status(500)
        await rounds(watch, home, 1)
        del home.faults["GetGuildChannels"]
        await rounds(watch, home, 1)
    assert not found.done()
    del home.members[1, 7]
    watch.round()
    assert isinstance((await found).error, PermissionDenied)
    await watch.close()


async def test_an_outage_may_keep_those_who_are_in(home: Chat, clock: Clock) -> None:
    async with made(home, clock=clock, outage="keep") as harmony:
        home.admit(7)
        home.admit(8)
        ada, bob = await user(harmony, home), await user(harmony, home, 8)
        for each in (ada, bob):
            await harmony.authorize(each, HERE)
        watch = Watch(harmony, clock, (ada, HERE), (bob, HERE))
        found = watch.begin()
        await asyncio.sleep(0)
        home.faults["GetGuildChannels"] = status(500)
        await rounds(watch, home, 5)
        assert not found.done()
        del home.faults["GetGuildChannels"]
        del home.members[1, 8]
        watch.round()
        assert (await found).user_id == 8, "back again, it is asked again"
        await watch.close()


async def rounds(watch: Watch, home: Chat, count: int) -> None:
    """Lets rounds pass that ask for channels, and waits until each is over."""
    for _ in range(count):
        before = home.asked["GetGuildChannels"]
        watch.round()
        await until(lambda before=before: home.asked["GetGuildChannels"] > before)  # type: ignore[misc]
        await until(lambda: not [task for task in asyncio.all_tasks() if "_look_again" in repr(task)])
        await asyncio.sleep(0.01)  # the round's own last step, which makes no call


async def test_a_session_that_is_taken_back_ends_its_stay_at_once(
    home: Chat, harmony: HarmonyAuth, clock: Clock
) -> None:
    home.admit(7)
    home.admit(8)
    session = await log_in(harmony, home.sign(7))
    ada, bob = await who(harmony, session.session_token), await user(harmony, home, 8)
    for each in (ada, bob):
        await harmony.authorize(each, HERE)
    watch = Watch(harmony, clock, (ada, HERE), (bob, HERE))
    harmony.revoke(session.session_token)
    lost = await watch.next(rounds=False)
    assert lost[:2] == (7, HERE)
    assert isinstance(lost.error, Unauthenticated)
    assert isinstance(await refused(harmony, ada), Unauthenticated), "nor does a stream that was open join"
    harmony.revoke_user(8)
    assert (await watch.next(rounds=False)).user_id == 8
    await watch.close()


async def test_a_call_in_progress_keeps_its_session(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    home.admit(7)
    home.admit(8)
    session = await log_in(harmony, home.sign(7))
    ada, bob = await who(harmony, session.session_token), await user(harmony, home, 8)
    for each in (ada, bob):
        await harmony.authorize(each, HERE)
    watch = Watch(harmony, clock, (ada, HERE), (bob, HERE))
    clock.now += 3_000
    del home.members[1, 8]
    await watch.next()
    clock.now += 3_000
    assert (await who(harmony, session.session_token)).id == 7
    await watch.close()


async def test_whoever_was_never_asked_about_may_not_stay(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    watch = Watch(harmony, clock, (await user(harmony, home), ChannelId(1, 5)))
    assert isinstance((await watch.next()).error, PermissionDenied)
    await watch.close()


async def test_nothing_is_remembered_of_those_who_left_long_ago(home: Chat, harmony: HarmonyAuth, clock: Clock) -> None:
    for user_id in range(1, 12):
        home.admit(user_id)
    people = [await user(harmony, home, user_id) for user_id in range(1, 12)]
    for each in people:
        await harmony.authorize(each, HERE)
    watch = Watch(harmony, clock, (people[0], HERE))
    clock.now += 301
    del home.members[1, 1]
    await watch.next()
    assert harmony._membership is not None
    assert len(harmony._membership._grants) == 1
    await watch.close()


async def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch, home: Chat, harmony: HarmonyAuth) -> None:
    monkeypatch.setattr(membership, "_GRANTS_KEPT", 2)
    for user_id in (7, 8, 9):
        home.admit(user_id)
    people = [await user(harmony, home, user_id) for user_id in (7, 8, 9)]
    for each in (*people[:2], *people[:2]):
        await harmony.authorize(each, HERE)
    assert isinstance(await refused(harmony, people[2]), ResourceExhausted)


def test_losing_is_not_gaining() -> None:
    every = [Permissions(a, b, c) for a in (False, True) for b in (False, True) for c in (False, True)]
    for before in every:
        for now in every:
            lost = any(getattr(before, name) and not getattr(now, name) for name in ("join", "speak", "listen"))
            assert has_lost(before, now) == lost


async def test_it_has_to_be_entered(home: Chat, clock: Clock) -> None:
    harmony = made(home, clock=clock)
    with pytest.raises(RuntimeError, match="VoiceServer"):
        await harmony.authorize(User(7, context=Session(7, "", "chat.example.org", 7, 0, 0, b"")), HERE)
    with pytest.raises(RuntimeError, match="VoiceServer"):
        await log_in(harmony, home.sign(7))
