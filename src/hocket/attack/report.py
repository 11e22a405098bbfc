"""What an attack did, what it did to others, and whether that is harm. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Struct

LOSS_LIMIT = 0.005
"""Share of their packets that two people who talk may lose meanwhile, and are still unharmed."""

KEPT_BYTES = 32 * 2**20
"""Memory that a server may have kept after an attack: pages that its allocators keep for the next one, not a leak of
as many inputs as a flood has."""

TAKEN_BYTES = 32 * 2**20
"""Memory that it may take meanwhile: several times what all clients of an attack may have waiting."""

KEPT_DESCRIPTORS = 4
KEPT_THREADS = 2
"""More than before an attack: what a server opens for itself once it is used."""


class Heard(Struct, frozen=True, kw_only=True):
    """What two people heard of each other.

    Attributes:
        asked: packets that both should have sent. Fewer were `sent` when the attack cut one of them off.
        received: packets that arrived, each once.
        lost: those that did not, and that the server or the network lost.
        own_drops: datagrams that the client itself lost: no fault of the server's, and not among the lost.
        foreign: packets that came and were not the other's, or could not be opened.
        p50: one-way delay in ms, from sealing a packet to taking it off the other's socket; likewise `p99` and `max`.
            None when nothing arrived.
    """

    asked: int
    sent: int
    received: int
    lost: int
    own_drops: int = 0
    foreign: int = 0
    p50: float | None = None
    p99: float | None = None
    max: float | None = None

    @property
    def loss(self) -> float:
        """Share of all packets that were lost."""
        return self.lost / self.asked if self.asked else 0.0


class Held(Struct, frozen=True, kw_only=True):
    """What a server's process holds: resident bytes, open descriptors, threads."""

    memory: int
    descriptors: int
    threads: int


class Outcome(Struct, frozen=True, kw_only=True):
    """One attack.

    Attributes:
        classes: of the attack classes in SECURITY.md, such as `T13`.
        inputs: what it sent: datagrams, frames, connections or joins.
        bytes_out: of its datagrams; 0 where they are not counted. Likewise `answers` and `bytes_back`.
        heard: by the two people meanwhile.
        harm: what it did, a sentence each; empty when everybody is unharmed.
        before: what the server's process held then; None when it cannot be looked at. `peak` meanwhile, `after` once
            it had gone back, or patience had ended.
    """

    name: str
    classes: str
    sentence: str
    seconds: float
    inputs: int
    bytes_out: int
    answers: int
    bytes_back: int
    notes: list[str]
    heard: Heard
    harm: list[str]
    before: Held | None = None
    peak: Held | None = None
    after: Held | None = None


class Report(Struct, frozen=True, kw_only=True):
    """All attacks of a run.

    Attributes:
        unattacked: what the two people heard before the first attack.
        harmed: whether any attack did harm.
    """

    url: str
    unattacked: Heard
    attacks: list[Outcome]
    harmed: bool


def lost(asked: int, received: int, own_drops: int) -> int:
    """How many packets the server or the network lost, when the client itself dropped so many datagrams."""
    return max(0, asked - received - own_drops)


def harm_to_pair(heard: Heard, cut_off: list[str]) -> list[str]:
    """What happened to the two people that must not, a sentence each."""
    found = [f"One of the two people was cut off: {reason}." for reason in cut_off]
    if heard.foreign:
        found.append(f"The two people got {heard.foreign} packets that neither had sent.")
    if heard.loss >= LOSS_LIMIT:
        found.append(f"The two people lost {heard.loss:.2%} of their packets ({heard.lost} of {heard.asked}).")
    return found


def harm_to_process(before: Held | None, peak: Held | None, after: Held | None) -> list[str]:
    """What the server's process took meanwhile without a bound, or has not given back, a sentence each."""
    if before is None:
        return []
    if after is None:
        return ["The server's process has ended."]
    found = []
    if peak is not None and peak.memory > before.memory + TAKEN_BYTES:
        found.append(f"The server took {(peak.memory - before.memory) / 2**20:.0f} MiB of memory meanwhile.")
    if after.descriptors > before.descriptors + KEPT_DESCRIPTORS:
        found.append(f"The server keeps descriptors: {before.descriptors} before, {after.descriptors} afterwards.")
    if after.threads > before.threads + KEPT_THREADS:
        found.append(f"The server keeps threads: {before.threads} before, {after.threads} afterwards.")
    if after.memory > before.memory + KEPT_BYTES:
        grown = (after.memory - before.memory) / 2**20
        found.append(f"The server keeps {grown:.0f} MiB of memory.")
    return found


def harm_to_others(bytes_out: int, bytes_back: int) -> list[str]:
    """Whether whoever's address an attacker forges would get more from the server than the attacker spends (T10)."""
    if bytes_back <= bytes_out:
        return []
    return [f"It amplifies: {bytes_back} bytes came back for {bytes_out}, to whoever did not prove who they are."]


def to_json(report: Report) -> str:
    """The report as indented JSON; the members are those of the classes here."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode()
