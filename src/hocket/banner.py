"""The first lines of `hocket serve`: where to open, which media addresses and why, which authentication. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hocket.addresses import Announced


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lines are made of.

    Attributes:
        version: Hocket's.
        urls: where the page is, best first.
        local: the page is on loopback addresses alone.
        proxied: `local`, but media is announced to other machines, so a proxy lets others in.
        said: the operator chose the authentication.
        secure: https.
        page: the page is built.
        media_port: UDP.
        announced: what clients are told, with reasons.
        asked: the operator said what to announce.
        trusted: peers whose X-Forwarded-For is believed.
        fingerprint: of a self-signed certificate, `AA:BB:…`; empty for another or none.
        auth: `open`, `jwt`, `harmony`, or the name of the operator's own function.
        key: which key `jwt` checks tokens with: "the key in FILE".
        homeservers: of `harmony`, as the operator named them.
        server_id: ours, for them.
    """

    version: str
    urls: Sequence[str]
    local: bool
    proxied: bool
    said: bool
    secure: bool
    page: bool
    media_port: int
    announced: Sequence[Announced]
    asked: bool
    auth: str
    trusted: Sequence[str] = ()
    fingerprint: str = ""
    key: str = ""
    homeservers: Sequence[str] = ()
    server_id: str = ""


def lines(facts: Facts, *, colours: bool = False) -> list[str]:
    """The lines, without line ends. `colours`: for a terminal."""
    paint = _paint if colours else _plain
    told = [paint(f"Hocket {facts.version} is ready.", "1"), ""]
    told += _labelled("Open", [paint(url, "1;36") for url in facts.urls] + _open_notes(facts))
    if facts.fingerprint:
        told += _labelled("TLS", _tls_notes(facts))
    told += _labelled("Media", [f"UDP port {facts.media_port} at {_addresses(facts.announced)}", *_media_notes(facts)])
    told += _labelled("Auth", _auth_notes(facts))
    return [*told, "", "Ctrl-C stops the server."]


def _open_notes(facts: Facts) -> list[str]:
    notes = []
    if not facts.page:
        notes.append("The page is not built: run `make web` in the source folder. Other clients can connect already.")
    if facts.proxied:
        notes.append("Others open it through a proxy on this machine, which must pass the Host header on.")
        if not facts.trusted:
            notes.append("All of them count as one address; --trusted-proxy 127.0.0.1 believes what the proxy says.")
    elif facts.local:
        notes.append("Only this machine can open it; --host 0.0.0.0 serves your network.")
    elif not facts.secure:
        notes.append("Browsers give the microphone only to https and to localhost: over plain http, people on other")
        notes.append("machines can listen but not speak. Give --tls self-signed for a network at home, or --tls-cert")
        notes.append("and --tls-key, or put a proxy with https before it.")
    if facts.trusted:
        notes.append(f"Whom {_listed(facts.trusted)} names in X-Forwarded-For counts as the client.")
    return notes


def _tls_notes(facts: Facts) -> list[str]:
    return [
        "self-signed: each browser warns once. The SHA-256 fingerprint that it then shows must be this one,",
        "with colons or without:",
        facts.fingerprint,
    ]


def _media_notes(facts: Facts) -> list[str]:
    if facts.asked:
        return ["because --announce says so. Clients must reach the port there, over UDP."]
    notes = ["because these are this machine's own addresses."]
    if facts.local:
        notes.append("The loopback serves browsers here even without a network. Before a proxy's clients come, name")
        notes.append("with --announce where they reach the port.")
    else:
        notes.append("Behind a NAT, give the public address with --announce and forward the UDP port.")
    return notes


def _auth_notes(facts: Facts) -> list[str]:
    if facts.auth == "jwt":
        return [f"jwt. Whoever brings a token that is signed with {facts.key} comes in."]
    if facts.auth == "harmony":
        return [
            f"harmony. Users of {', '.join(facts.homeservers)} come in, where their homeserver lets them.",
            f"To Harmony's clients this is the server {facts.server_id}.",
        ]
    if facts.auth != "open":
        return [f"{facts.auth} decides who comes in."]
    if not facts.local:
        who = "Everybody who can reach this server"
    elif facts.proxied and facts.said:
        who = "Everybody who can reach the proxy"
    else:
        who = "Everybody on this machine"
    notes = [f"open. {who} comes in, under the name that they type."]
    if facts.proxied and not facts.said:
        notes.append("The proxy's clients are refused: `--auth open` would let them all in.")
    return notes


def _listed(words: Sequence[str]) -> str:
    return " or ".join(words)


def _addresses(announced: Sequence[Announced]) -> str:
    return ", ".join(f"{entry.address} ({entry.why})" for entry in announced)


def _labelled(label: str, texts: Sequence[str]) -> list[str]:
    return [f"  {label if index == 0 else '':<7}{text}" for index, text in enumerate(texts)]


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, code: str) -> str:
    return text
