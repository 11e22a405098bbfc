"""Host candidates as RFC 8445 orders them."""

import pytest

from hocket.media.candidates import host_candidates


def test_a_host_candidate_has_the_priority_of_rfc_8445() -> None:
    (candidate,) = host_candidates(["192.0.2.1"], 4000)
    assert candidate.priority == 126 * 2**24 + 65_535 * 2**8 + 255
    assert (candidate.ip, candidate.address, candidate.port) == ("192.0.2.1", "192.0.2.1", 4000)
    assert (candidate.protocol, candidate.type) == ("udp", "host")


def test_the_first_announced_address_is_preferred_and_none_ties() -> None:
    candidates = host_candidates(["2001:db8::1", "192.0.2.1", "192.0.2.2"], 4000)
    priorities = [candidate.priority for candidate in candidates]
    assert priorities == sorted(set(priorities), reverse=True)
    assert len({candidate.foundation for candidate in candidates}) == 3


def test_an_address_written_twice_counts_once() -> None:
    assert len(host_candidates(["2001:db8::1", "2001:0db8:0::1", "192.0.2.1"], 4000)) == 2


@pytest.mark.parametrize("text", ["example.org", "", "192.0.2.1:80", "192.0.2.256"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        host_candidates([text], 4000)
