"""Access tokens from an OAuth 2 token endpoint (client credentials): fetched before they are needed, and kept."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import Final

import httpx
from pydantic import BaseModel, Field

from workers.engine.addresses import is_local
from workers.settings import EngineSettings

log = logging.getLogger(__name__)

_LIFETIME: Final = 300.0  # of a token whose endpoint does not say
_SHARE: Final = 2 / 3  # of its lifetime, after which the next one is fetched
_SHORTEST: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
_REFUSED_PAUSE: Final = 5.0  # how long a new token is believed although the gateway refuses it


class _Answer(BaseModel):
    """RFC 6749, 5.1: what is used of it."""

    access_token: str = Field(min_length=1)
    expires_in: float = _LIFETIME


class Tokens:
    """The current token of this process. `keep` fetches it; whoever calls only looks, and never waits.

    Args:
        settings: `oauth_…`: the endpoint, who asks, for what.
        tls: what the endpoint's certificate is checked against; None: the system's certificates.
    """

    def __init__(self, settings: EngineSettings, tls: ssl.SSLContext | None) -> None:
        self._settings = settings
        self._tls = tls
        self._token = ""
        self._ends_at = 0.0
        self._due_at = 0.0
        self._fetched_at = 0.0
        self._wake = asyncio.Event()
        self.trouble: str | None = None

    @property
    def header(self) -> str:
        """What `authorization` says; empty while there is no token."""
        return f"Bearer {self._token}" if time.monotonic() < self._ends_at else ""

    def refused(self) -> None:
        """The gateway did not believe the token: it was revoked, or a key was changed. From the loop."""
        if time.monotonic() - self._fetched_at > _REFUSED_PAUSE:
            self._due_at = 0.0
            self._wake.set()

    async def keep(self) -> None:
        """Have a token until cancelled, and the next one before it runs out. Several may keep the same one."""
        pause = 0.5
        while True:
            self._wake.clear()
            if time.monotonic() >= self._due_at:
                pause = 0.5 if await self.fetch() else min(pause * 2, _LONGEST_PAUSE)
            wait = self._due_at - time.monotonic()
            try:
                async with asyncio.timeout(max(wait, _SHORTEST) if wait > 0 else pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def fetch(self) -> bool:
        """Ask for a token now. False: there is none; `trouble` says why, and an older one may still be good."""
        asked_at = time.monotonic()
        self._due_at = asked_at + self._settings.oauth_timeout_seconds  # nobody else asks meanwhile
        try:
            answer = await self._ask()
        except (httpx.HTTPError, OSError, ValueError) as error:
            self._due_at = 0.0
            self._fail(f"令牌服务无应答。 The token endpoint gives no token ({_said(error)}).")
            return False
        self._token, self._fetched_at = answer.access_token, asked_at
        self._ends_at = asked_at + answer.expires_in
        self._due_at = asked_at + max(answer.expires_in * _SHARE, _SHORTEST)
        self.trouble = None
        return True

    async def _ask(self) -> _Answer:
        told, secret, url = self._settings, self._settings.oauth_client_secret, str(self._settings.oauth_url)
        form = {
            "grant_type": "client_credentials",
            "client_id": told.oauth_client_id or "",
            "client_secret": secret.get_secret_value() if secret else "",
            "audience": told.oauth_audience or "",
            "scope": told.oauth_scope or "",
        }
        verify: ssl.SSLContext | bool = self._tls or True
        async with (
            asyncio.timeout(2 * told.oauth_timeout_seconds),  # to connect, and to answer
            httpx.AsyncClient(
                timeout=told.oauth_timeout_seconds, verify=verify, trust_env=not is_local(url)
            ) as client,
        ):
            answer = await client.post(url, data={name: value for name, value in form.items() if value})
        answer.raise_for_status()
        return _Answer.model_validate_json(answer.content)

    def _fail(self, sentence: str) -> None:
        if self.trouble != sentence:
            log.error("%s", sentence, extra={"action": "token-failed"})
        self.trouble = sentence


def _said(error: Exception) -> str:
    """Class or status; the endpoint's own words may quote what was sent to it."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    return type(error).__name__
