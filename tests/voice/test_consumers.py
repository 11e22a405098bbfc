"""WIRE.md, "What the reference leaves to us": consumers, resuming, the two transports, errors that say where."""

from __future__ import annotations

import json

import pytest

from hocket.errors import InvalidParameters, NotFound, OutOfOrder
from hocket.voice.pace import TokenBucket
from hocket.voice.session import Session, State
from tests.voice import shapes
from tests.voice.people import House, Person


def failure(person: Person) -> tuple[str, str]:
    assert person.error is not None
    return person.error.identifier, person.error.sentence


def paused(house: House) -> list[bool]:
    return [consumer.paused for consumer in house.media.consumers.values()]


def test_a_consumer_starts_paused_and_carries_nothing_until_resume_consumer() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    assert paused(house) == [True, True]
    second.say(shapes.resume(second.consumers()[1]))
    assert sorted(paused(house)) == [False, True]


def test_resuming_twice_is_harmless() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    second.say(shapes.resume(second.consumers()[1]), shapes.resume(second.consumers()[1]))
    assert second.error is None


def test_resuming_a_consumer_whose_user_has_just_left_is_silently_fine() -> None:
    house = House()
    first, second = house.join(1), house.join(2)
    consumer = second.consumers()[1]
    first.leave()
    second.say(shapes.resume(consumer))
    assert second.error is None
    assert second.words() == ["-1"]


def test_resuming_a_consumer_of_a_producer_whose_end_is_under_way_is_silently_fine() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    for producer in list(house.media.producers):
        house.media.close_producer(producer)
    second.say(shapes.resume(second.consumers()[1]))
    assert second.error is None


@pytest.mark.parametrize("consumer_id", ["", "0", "2", "01", "-1", "1 ", "\u0661", "9" * 5000, "nonsense", "1\x00"])
def test_resuming_an_id_that_never_existed_on_this_stream_is_an_error(consumer_id: str) -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    second.say(shapes.resume(consumer_id))
    assert isinstance(second.error, NotFound)
    assert "consumer_id" in second.error.sentence


def test_an_id_is_the_text_that_was_told_and_no_other_way_to_write_the_number() -> None:
    house = House()
    for user_id in range(1, 11):
        house.join(user_id)
    listener = house.join(99, speaks=False)
    assert listener.consumers()[1] == "1"
    listener.say(shapes.resume("01"))
    assert isinstance(listener.error, NotFound)


def test_a_consumer_of_another_stream_cannot_be_resumed() -> None:
    house = House()
    alone = house.join(1, channel=5)
    house.join(2, channel=6)
    other = house.join(3, channel=6)
    alone.say(shapes.resume(other.consumers()[2]))
    assert isinstance(alone.error, NotFound)


def test_resuming_after_deafening_lets_the_sound_flow_once_deafening_ends() -> None:
    house = House()
    house.join(1)
    deaf = house.join(2, hocket=1)
    deaf.say(shapes.set_deafened(True), shapes.resume(deaf.consumers()[1]))
    assert paused(house) == [True, True]
    deaf.say(shapes.set_deafened(False))
    assert sorted(paused(house)) == [False, True]


def test_who_comes_again_is_not_heard_through_the_consumer_of_before() -> None:
    house = House()
    listener = house.join(99, speaks=False)
    former = house.join(1)
    before = listener.consumers()[1]
    former.leave()
    house.join(1)
    listener.say(shapes.resume(before))
    assert listener.error is None
    assert all(paused(house))


def test_a_client_that_resumes_nothing_costs_no_more_as_people_come_and_go() -> None:
    house = House()
    listener = house.join(99, speaks=False)
    for user_id in range(1, 200):
        house.join(user_id).leave()
        listener.read()
    assert len(listener.seat._member._unresumed) < 4


def test_every_consumer_of_a_stream_has_its_own_id_ssrc_and_mid() -> None:
    house = House()
    listener = house.join(99, speaks=False)
    for user_id in (1, 2, 3):
        house.join(user_id).leave()
        house.join(user_id)
    listener.read()
    told = [response.user_joined.data for response in listener.heard if response.HasField("user_joined")]
    parameters = [json.loads(options.rtp_parameters) for options in told]
    assert len({options.consumer_id for options in told}) == 6
    assert len({each["mid"] for each in parameters}) == 6
    assert len({each["encodings"][0]["ssrc"] for each in parameters}) == 6


def test_the_consumers_ids_name_the_engines_producer() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    second.read()
    (options,) = second.heard[-1].joined_channel.other_users
    assert int(options.producer_id) in house.media.producers


def test_the_receiving_transport_gets_the_consumers_fingerprint_and_the_sending_one_the_producers() -> None:
    house = House()
    person = house.join(1)
    prepared = next(r for r in person.heard if r.HasField("prepared_for_join_channel")).prepared_for_join_channel
    receiving = house.media.connected[int(prepared.consumer_transport_options.id)]
    sending = house.media.connected[int(prepared.producer_transport_options.id)]
    assert receiving.fingerprints[0].value.startswith("CC")
    assert sending.fingerprints[0].value.startswith("AA")


def test_the_producer_lives_on_the_sending_transport_and_the_consumers_on_the_receiving_one() -> None:
    house = House()
    house.join(1)
    second = house.join(2)
    prepared = next(r for r in second.heard if r.HasField("prepared_for_join_channel")).prepared_for_join_channel
    assert int(prepared.producer_transport_options.id) in {made.transport for made in house.media.producers.values()}
    assert int(prepared.consumer_transport_options.id) in {made.transport for made in house.media.consumers.values()}


def test_a_listener_needs_no_producer_dtls_parameters() -> None:
    house = House()
    assert house.join(1, speaks=False).error is None
    assert len(house.media.connected) == 1


def test_the_transport_options_are_the_json_shapes_of_mediasoup() -> None:
    person = House().person(1)
    person.say(shapes.initialize(), shapes.prepare())
    options = person.read()[-1].prepared_for_join_channel.consumer_transport_options
    assert set(json.loads(options.ice_parameters)) == {"usernameFragment", "password", "iceLite"}
    assert json.loads(options.ice_parameters)["iceLite"] is True
    assert json.loads(options.dtls_parameters)["role"] == "auto"


def test_initialized_carries_the_routers_capabilities() -> None:
    person = House().person(1)
    person.say(shapes.initialize())
    capabilities = json.loads(person.read()[0].initialized.rtp_capabilities)
    assert [codec["mimeType"] for codec in capabilities["codecs"]] == ["audio/opus", "audio/red"]


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        (shapes.join(rtp='{"codecs": [{"mimeType": "audio/opus", "payloadType": 300}]}'), "rtp_paramaters.codecs[0]"),
        (shapes.join(sending=""), "producer_dtls_paramaters"),
        (shapes.join(hearing=""), "consumer_dtls_paramaters"),
        (shapes.join(hearing='{"fingerprints": []}'), "consumer_dtls_paramaters.fingerprints"),
        (
            shapes.join(speaks=False, hearing='{"fingerprints": [{"algorithm": "sha-1", "value": "AA"}]}'),
            "consumer_dtls",
        ),
    ],
)
def test_an_error_says_what_was_wrong_and_where(request_: shapes.Request, where: str) -> None:
    house = House()
    person = house.person(1)
    person.say(shapes.initialize(), shapes.prepare(), request_)
    assert isinstance(person.error, InvalidParameters)
    assert person.error.sentence.startswith(where)
    assert house.media.empty


def test_a_stream_that_ends_gives_everything_back_at_every_step() -> None:
    steps = [shapes.initialize(), shapes.prepare(), shapes.join(), shapes.resume("1")]
    for length in range(len(steps) + 1):
        house = House()
        neighbour = house.join(7)
        person = house.person(1)
        person.say(*steps[:length])
        assert person.error is None
        person.leave()
        neighbour.leave()
        assert house.media.empty
        assert house.directory.dump() == {}


def test_each_step_of_the_handshake_has_its_own_time() -> None:
    house = House()
    person = house.person(1)
    limit = house.limits.step_seconds
    for request in (shapes.initialize(), shapes.prepare(), shapes.join()):
        deadline = person.session.deadline
        assert deadline == person.now + limit
        person.session.handle_timeout(deadline - 0.001)
        person.now = deadline - 0.001
        person.say(request)
    assert person.error is None
    assert person.session.deadline is None


def test_while_a_request_is_being_answered_the_time_is_the_servers() -> None:
    house = House()
    person = house.person(1)
    person.session.receive(shapes.initialize(), person.now)
    assert person.session.deadline is None
    person.session.handle_timeout(person.now + 10 * house.limits.step_seconds)
    person.session.answered(person.now + 5)
    assert person.session.deadline == person.now + 5 + house.limits.step_seconds


@pytest.mark.parametrize(
    ("requests", "name"),
    [
        ([], "Initialize"),
        ([shapes.initialize()], "PrepareForJoinChannel"),
        ([shapes.initialize(), shapes.prepare()], "JoinChannel"),
    ],
)
def test_a_stalled_handshake_ends_with_the_name_of_the_missing_step(requests: list[shapes.Request], name: str) -> None:
    person = House().person(1)
    person.say(*requests)
    deadline = person.session.deadline
    assert deadline is not None
    with pytest.raises(Exception, match=f"^{name} did not come") as caught:
        person.session.handle_timeout(deadline)
    assert caught.value.identifier == "hocket.timed-out"  # type: ignore[attr-defined]
    assert person.session.state is State.ENDED


def test_too_many_requests_at_once_end_the_stream_with_a_time_to_come_back() -> None:
    house = House()
    house.join(1)
    flooder = house.join(2)
    consumer = flooder.consumers()[1]
    for _ in range(house.limits.request_burst):
        flooder.say(shapes.resume(consumer))
    assert failure(flooder)[0] == "hrpc.resource-exhausted"


def test_requests_at_the_allowed_rate_go_on_for_ever() -> None:
    house = House()
    house.join(1)
    steady = house.join(2)
    consumer = steady.consumers()[1]
    for _ in range(5 * house.limits.request_burst):
        steady.now += 1 / house.limits.requests_per_second
        steady.say(shapes.resume(consumer))
    assert steady.error is None


def test_quiet_times_save_up_no_more_than_one_burst() -> None:
    bucket = TokenBucket(rate=10, burst=5, now=0.0)
    assert [bucket.take(1_000.0) for _ in range(6)] == [True] * 5 + [False]
    assert not bucket.take(1_000.05)
    assert bucket.take(1_000.1)
    assert not bucket.take(0.0), "a clock that went back fills nothing"


def test_a_session_that_refused_a_request_has_ended() -> None:
    person = House().person(1)
    with pytest.raises(OutOfOrder):
        person.session.receive(shapes.prepare(), 0.0)
    assert person.session.state is State.ENDED
    with pytest.raises(OutOfOrder):
        person.session.receive(shapes.initialize(), 0.0)


def test_the_session_is_a_table_that_can_be_shown() -> None:
    person = House().person(1)
    assert isinstance(person.session, Session)
    assert person.session.dump() == {"state": "OPENED", "extension": 0}
