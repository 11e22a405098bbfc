"""Which certificate `hocket serve` was asked for, and for what names it makes one itself."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterable

from hocket.addresses import is_virtual
from hocket.config import ConfigError, ServeOptions
from hocket.network import own_addresses
from hocket.policy import parse_address
from hocket.selfsigned import SelfSigned, default_folder
from hocket.tls import Certificates

_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?")


def load_certificates(options: ServeOptions) -> Certificates | None:
    """The certificate that was asked for, or None for plain http.

    Raises:
        ConfigError: the options contradict each other, or the files cannot be loaded.
        StartError: a self-signed certificate cannot be kept.
    """
    if options.tls_dir is not None and options.tls is None:
        raise ConfigError("--tls-dir is where --tls self-signed keeps its certificate, and goes with it alone.")
    if options.tls is not None:
        if options.tls_cert is not None or options.tls_key is not None:
            raise ConfigError("--tls self-signed makes a certificate of its own: give it, or --tls-cert and --tls-key.")
        own = SelfSigned(options.tls_dir or default_folder(), **_certificate_names(options))
        return Certificates(own.file, None, renew=own.renew)
    if options.tls_cert is None:
        if options.tls_key is not None:
            raise ConfigError("--tls-key needs --tls-cert beside it.")
        return None
    return Certificates(options.tls_cert, options.tls_key)


def _certificate_names(options: ServeOptions) -> dict[str, list[str]]:
    """What a certificate of our own has to hold for, and what else it may: addresses of IPv6 and of containers change
    too often to make everybody look at a new warning each time."""
    asked = [name.strip("[]").lower() for name in (options.host, *options.announce) if name not in ("0.0.0.0", "::")]
    own = own_addresses()
    people = [str(ip) for name, ip in own if ip.version == 4 and not (ip.is_link_local or is_virtual(name))]
    others = [str(ip) for _, ip in own if not ip.is_link_local]
    machine = socket.gethostname().lower()
    may = ["::1", *others, machine, f"{machine}.local"]
    return {"must": _names(["localhost", "127.0.0.1", *asked, *people]), "may": _names(may)}


def _names(entries: Iterable[str]) -> list[str]:
    """Those that a certificate can hold: addresses, and names as DNS writes them."""
    found = []
    for entry in entries:
        address = parse_address(entry)
        with contextlib.suppress(UnicodeError):
            name = entry.encode("idna").decode()
            if address is not None or _HOST_NAME.fullmatch(name):
                found.append(name if address is None else str(address))
    return found
