"""The keys of a JWKS URL: fetched when they are needed, kept, and fetched again within bounds.

Tokens come from strangers, and each may name a key that nobody knows. So an unknown name has the set fetched again, but
never sooner than AGAIN_SECONDS after the last try, whoever asks; all who ask meanwhile wait for the same fetch. What is
known stays valid while the URL fails, so that an outage there keeps nobody out who holds a token.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable

import httpx

from hocket.auth.keys import Key, read_key_set
from hocket.config import ConfigError
from hocket.errors import Unauthenticated, Unavailable
from hocket.policy import is_local_host

FRESH_SECONDS = 300.0
"""After which the set is fetched again, so that a key that was taken out of it is forgotten."""

AGAIN_SECONDS = 15.0
"""Least time between two tries."""

FETCH_SECONDS = 5.0
"""Time for one try, from the look-up of the name to the last byte."""

SIZE_LIMIT = 256 * 1024
"""Longest key set, in bytes. One of ten RSA keys with certificates has 20 KiB."""

logger = logging.getLogger("hocket.auth")


class KeySet:
    """The keys at a URL."""

    def __init__(self, url: str, *, now: Callable[[], float] = time.monotonic) -> None:
        """Fetches nothing yet.

        Args:
            url: https; or http on this machine.
            now: a clock that never goes back, in seconds.

        Raises:
            ConfigError: it is no such URL.
        """
        self._url = check_url(url)
        # An SSL context takes tens of milliseconds, too long for a loop that serves voice.
        self._tls = httpx.create_ssl_context()
        self._now = now
        self._lock = asyncio.Lock()
        self._keys: list[Key] = []
        self._tried_at = -math.inf
        self._fetched_at = -math.inf
        self._failing = False

    async def find(self, kid: str | None, algorithm: str) -> Key:
        """The key that a token names, which checks this algorithm.

        Args:
            kid: the key's name; None where the token gives none, which will do where there is only one.
            algorithm: what the token says that it is signed with.

        Raises:
            Unauthenticated: the set has no such key.
            Unavailable: the set could not be fetched, or not again yet.
        """
        arrived = self._now()
        key = self._known(kid, algorithm)
        # One person waits for a refresh; the others go on with what is known, however slow the URL is.
        waits = key is None or (arrived - self._fetched_at > FRESH_SECONDS and not self._lock.locked())
        if waits:
            await self._refresh()
            key = self._known(kid, algorithm)
        if key is not None:
            return key
        if self._fetched_at < arrived:
            raise Unavailable("The keys that tokens are signed with cannot be looked up now.", retry_after=self._wait())
        raise Unauthenticated("The token is signed with a key that this server does not know.")

    def _known(self, kid: str | None, algorithm: str) -> Key | None:
        found = [key for key in self._keys if key.algorithm == algorithm and kid in (None, key.id)]
        if kid is None and len(found) > 1:
            raise Unauthenticated("The token must name the key that it is signed with (kid).")
        return found[0] if found else None

    def _wait(self) -> int:
        """Seconds until the next try may be made."""
        return max(1, math.ceil(self._tried_at + AGAIN_SECONDS - self._now()))

    async def _refresh(self) -> None:
        async with self._lock:
            if self._now() - self._tried_at < AGAIN_SECONDS:
                return
            self._tried_at = self._now()
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    self._keys = read_key_set(await self._download())
            except TimeoutError:
                self._log_failure(f"no answer within {FETCH_SECONDS:g} s")
            except (httpx.HTTPError, httpx.StreamError, OSError) as error:
                self._log_failure(str(error) or type(error).__name__)
            except ValueError as error:
                self._log_failure(str(error))
            else:
                self._fetched_at = self._now()
                if self._failing:
                    self._failing = False
                    logger.info("the keys of tokens can be fetched again")

    async def _download(self) -> bytes:
        """The answer's body.

        Raises:
            ValueError: the answer is another than 200, or too long.
            httpx.HTTPError: there is none.
        """
        # A proxy of the environment is for the way out of this machine.
        outside = self._url.scheme == "https"
        client = httpx.AsyncClient(verify=self._tls, timeout=FETCH_SECONDS, follow_redirects=False, trust_env=outside)
        headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
        async with client, client.stream("GET", self._url, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                raise ValueError(f"the answer has status {answer.status_code}")
            body = bytearray()
            async for part in answer.aiter_raw():  # unpacked nowhere: a bomb is none
                body += part
                if len(body) > SIZE_LIMIT:
                    raise ValueError(f"the answer is longer than {SIZE_LIMIT // 1024} KiB")
        return bytes(body)

    def _log_failure(self, reason: str) -> None:
        """Once, until it works again."""
        if not self._failing:
            known = f"{len(self._keys)} known ones stay valid" if self._keys else "nobody can come in"
            logger.warning("the keys of tokens cannot be fetched from %s: %s; %s", shown(self._url), reason, known)
        self._failing = True


def check_url(url: str) -> httpx.URL:
    """The URL, if keys may come from there: nobody on the way can then put in one of his own.

    Raises:
        ConfigError: it is no https, no loopback, or has a login or a fragment.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ConfigError("The URL of a key set must be one, such as https://example.org/jwks.json.") from None
    local = parsed.scheme == "http" and is_local_host(parsed.host if ":" not in parsed.host else f"[{parsed.host}]")
    if not parsed.host or not (parsed.scheme == "https" or local):
        raise ConfigError("The URL of a key set must begin with https://; http:// only on this machine.")
    if parsed.userinfo or parsed.fragment:
        raise ConfigError("The URL of a key set may have neither a login nor a fragment.")
    return parsed


def shown(url: httpx.URL | str) -> str:
    """A URL without its query, in which a secret may be."""
    return str(url).partition("?")[0]
