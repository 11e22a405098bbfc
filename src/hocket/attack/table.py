"""A report for people. Pure."""

from __future__ import annotations

import textwrap

from hocket.attack.catalogue import Attack
from hocket.attack.report import Heard, Held, Outcome, Report

_BOLD, _RED, _GREEN, _PLAIN = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[0m"
_WIDTH = 110
_INDENT = " " * 16


def lines(report: Report, *, colours: bool = False) -> list[str]:
    """The report's lines, without line ends. `colours`: for a terminal."""
    bold, red, green, plain = (_BOLD, _RED, _GREEN, _PLAIN) if colours else ("", "", "", "")
    told = [f"{bold}{len(report.attacks)} attacks on {report.url}{plain}", ""]
    told += [f"{'nothing':<16}Two people talk: {_heard(report.unattacked)}"]
    for one in report.attacks:
        verdict = f"{red}HARMED{plain}" if one.harm else f"{green}unharmed{plain}"
        told += ["", f"{bold}{one.name:<16}{plain}{verdict}", *_facts(one)]
        told += [_INDENT + red + line + plain for sentence in one.harm for line in textwrap.wrap(sentence, _WIDTH - 16)]
    harmful = [one.name for one in report.attacks if one.harm]
    verdict = f"{red}Harmed by: {', '.join(harmful)}.{plain}" if harmful else f"{green}Unharmed by all.{plain}"
    if not report.attacks:
        verdict = "Ended before the first attack was over: nothing can be said."
    return [*told, "", verdict]


def catalogue(attacks: tuple[Attack, ...]) -> list[str]:
    """The attacks that there are."""
    return [f"{attack.name:<16}{attack.classes + ':':<12}{attack.sentence}" for attack in attacks]


def _facts(one: Outcome) -> list[str]:
    sent = f"{one.inputs:,} sent in {one.seconds:g} s"
    if one.bytes_out:
        sent += f", {one.bytes_out:,} bytes; {one.answers:,} came back, {one.bytes_back:,} bytes"
    said = f"{one.classes}: {one.sentence}"
    told = [said, " ".join([f"{sent}.", *one.notes]), f"Two people: {_heard(one.heard)}"]
    if one.before is not None and one.after is not None:
        told.append(f"Server: {_process(one.before, one.peak or one.after, one.after)}")
    return [_INDENT + line for sentence in told for line in textwrap.wrap(sentence, _WIDTH - 16)]


def _heard(heard: Heard) -> str:
    delay = "" if heard.p50 is None else f", delay p50 {heard.p50:.2f} ms, p99 {heard.p99:.2f}, max {heard.max:.2f}"
    dropped = f", {heard.own_drops} dropped by this client" if heard.own_drops else ""
    return f"{heard.lost} of {heard.asked} packets lost ({heard.loss:.2%}){dropped}{delay}"


def _process(before: Held, peak: Held, after: Held) -> str:
    mebibytes = " / ".join(f"{one.memory / 2**20:.1f}" for one in (before, peak, after))
    descriptors = " / ".join(str(one.descriptors) for one in (before, peak, after))
    threads = " / ".join(str(one.threads) for one in (before, peak, after))
    return f"{mebibytes} MiB, {descriptors} descriptors, {threads} threads before / at most / after"
