"""Host candidates for the announced addresses (RFC 8445 §5.1). Pure."""

import ipaddress
from collections.abc import Sequence

from hocket.ortc.parameters import IceCandidate

_HOST_PREFERENCE = 126
"""Type preference of a host candidate (RFC 8445 §5.1.2.2)."""

_RTP_COMPONENT = 1
"""The one component there is: RTP and RTCP share it (RFC 8445 §5.1.2.1, RFC 5761)."""


def host_candidates(announced: Sequence[str], port: int) -> tuple[IceCandidate, ...]:
    """Give one UDP candidate for each announced address, the first the most preferred.

    Args:
        announced: IPv4 or IPv6 addresses as text, in order of preference; repeated ones count once.
        port: the media port, 1 … 65535.

    Raises:
        ValueError: an entry is not an IP address, or there are more than 65,536 of them.
    """
    addresses = list(dict.fromkeys(str(ipaddress.ip_address(address)) for address in announced))
    return tuple(
        IceCandidate(
            # One foundation a base address (RFC 8445 §5.1.1.3); letters and digits only (RFC 8839 §5.1).
            foundation=f"host{index}",
            priority=_priority(65_535 - index),
            ip=address,
            address=address,
            port=port,
        )
        for index, address in enumerate(addresses)
    )


def _priority(local_preference: int) -> int:
    """Priority of a host candidate, RFC 8445 §5.1.2.1."""
    if local_preference < 0:
        raise ValueError("more announced addresses than local preferences")
    return (_HOST_PREFERENCE << 24) + (local_preference << 8) + (256 - _RTP_COMPONENT)
