"""The tree of errors: what each one says on the wire and over HTTP."""

import pytest

from hocket import errors
from hocket.errors import HocketError, InvalidParameters, ResourceExhausted, RetryableError, Unavailable
from hocket.proto import hrpc


def _leaves(kind: type[HocketError]) -> list[type[HocketError]]:
    """The tree's ends. A part may have a kind of its own of one of them, which says the same to clients."""
    below = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    return [leaf for child in below for leaf in _leaves(child)] if below else [kind]


LEAVES = _leaves(HocketError)


def test_every_class_has_its_own_identifier() -> None:
    identifiers = [leaf.identifier for leaf in LEAVES]
    assert len(set(identifiers)) == len(identifiers)
    assert all(identifier.startswith(("hrpc.", "hocket.")) for identifier in identifiers)
    assert HocketError.identifier not in identifiers


@pytest.mark.parametrize(
    ("identifier", "status"),
    [
        ("hrpc.internal-server-error", 500),
        ("hrpc.resource-exhausted", 429),
        ("hrpc.not-found", 404),
        ("hrpc.not-implemented", 501),
        ("hrpc.unavailable", 503),
        ("hrpc.http.bad-unary-request", 400),
        ("hrpc.http.bad-streaming-request", 400),
    ],
)
def test_reserved_identifiers_have_hrpcs_status(identifier: str, status: int) -> None:
    assert [leaf.status for leaf in LEAVES if leaf.identifier == identifier] == [status]


def test_only_reserved_names_begin_with_hrpc() -> None:
    assert sum(leaf.identifier.startswith("hrpc.") for leaf in LEAVES) == 7


def test_the_module_doc_lists_every_class() -> None:
    assert errors.__doc__ is not None
    assert [leaf.__name__ for leaf in LEAVES if leaf.__name__ not in errors.__doc__] == []


def test_an_error_on_the_wire() -> None:
    error = errors.NotFound("There is no consumer x.")
    assert error.to_proto() == hrpc.Error(identifier="hocket.not-found", human_message="There is no consumer x.")
    assert str(error) == "There is no consumer x."
    assert errors.NotFound().sentence == errors.NotFound.default


def test_a_bad_member_is_named_by_its_path() -> None:
    error = InvalidParameters("rtp_paramaters.codecs[0].payloadType", "is missing")
    assert (error.path, error.problem) == ("rtp_paramaters.codecs[0].payloadType", "is missing")
    assert error.to_proto().human_message == "rtp_paramaters.codecs[0].payloadType: is missing"


@pytest.mark.parametrize("kind", [ResourceExhausted, Unavailable])
@pytest.mark.parametrize(("given", "said"), [(5, 5), (0, 1), (-3, 1), (2**40, 2**32 - 1)])
def test_what_goes_away_says_when_to_come_back(kind: type[RetryableError], given: int, said: int) -> None:
    details = kind(retry_after=given).to_proto().details
    assert hrpc.RetryInfo.FromString(details).retry_after == said


def test_a_sentence_is_short_and_printable_whatever_it_quotes() -> None:
    error = InvalidParameters("a", "\x00\r\n\ud800" + "x" * 10_000)
    assert error.sentence.startswith("a: \ufffd\ufffd\ufffd\ufffdxxx")
    assert len(error.sentence) == errors.SENTENCE_LIMIT
    assert error.to_proto().SerializeToString()


def test_our_own_fault_tells_nothing() -> None:
    assert errors.InternalError().to_proto().human_message == "The server made a mistake."
