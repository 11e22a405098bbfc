"""All attacks of `hocket attack`, in the order in which they run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hocket.attack import connections, floods, signalling
from hocket.attack.effort import Budget, Effort
from hocket.attack.target import Target
from hocket.config import ConfigError


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: its name, the classes of SECURITY.md that it belongs to, and how it is done."""

    name: str
    classes: str
    perform: Callable[[Target, Budget], Awaitable[Effort]]

    @property
    def sentence(self) -> str:
        """What it does."""
        return (self.perform.__doc__ or "").partition("\n")[0]


ATTACKS: tuple[Attack, ...] = (
    Attack("client-hellos", "T1", floods.client_hellos),
    Attack("stun-forged", "T10", floods.stun_forged),
    Attack("stun-huge", "T10", floods.stun_huge),
    Attack("stun-sources", "T10", floods.stun_sources),
    Attack("spray", "T4, T5, T9", floods.spray),
    Attack("seat-garbage", "T2, T4, T9", floods.garbage_with_a_seat),
    Attack("wrong-requests", "T12", signalling.wrong_requests),
    Attack("wrong-frames", "T13", connections.wrong_frames),
    Attack("stalls", "T13", connections.stalls),
    Attack("pings", "T13", connections.pings),
    Attack("half-closed", "T13", connections.half_closed),
    Attack("slow-reader", "T13", signalling.slow_reader),
    Attack("requests", "T13, T19", signalling.requests),
    Attack("joins", "T19", signalling.joins),
    Attack("loud-people", "T19", signalling.loud_people),
)


def chosen(names: Sequence[str]) -> list[Attack]:
    """The attacks of these names, in the catalogue's order; all for none.

    Raises:
        ConfigError: there is no such attack.
    """
    known = {attack.name for attack in ATTACKS}
    for name in names:
        if name not in known:
            raise ConfigError(f"--only {name}: there is no such attack; `hocket attack --list` shows all.")
    return [attack for attack in ATTACKS if not names or attack.name in names]
