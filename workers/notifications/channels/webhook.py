"""Alerts by webhook: one signed JSON POST per alert, as Standard Webhooks has it (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ssl
import time
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx

from workers.clock import Clock
from workers.errors import Refused, RetryLater
from workers.notifications.channels.channel import Delivery, NotNow
from workers.notifications.channels.sms_gateway import LATER, OURS, asked_wait
from workers.settings import AlertSettings

ADDRESS: Final = "webhook"
"""What the outbox keeps as the address: the URL may hold a token, and may change."""
_PREFIX: Final = "whsec_"


class Webhook:
    """POSTs the body as it is, with the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    The id is the same for every try of a message. The time is that of the try, so the signature is made anew. 2xx is
    taken; redirects are not followed, and like 408, 409, 425, 429, 5xx, a refused login and no answer they are tried
    again; any other answer is final. The answer's text is never read.

    Raises:
        Refused: the URL is none, or the secret or the certificates cannot be used.
    """

    def __init__(self, settings: AlertSettings, clock: Clock) -> None:
        url = settings.webhook_url.get_secret_value() if settings.webhook_url else ""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("DUBAN_ALERTS__WEBHOOK_URL is no http or https URL")
        self._url, self._clock = url, clock
        self._key = _key(settings.webhook_secret.get_secret_value()) if settings.webhook_secret else None
        self._client = httpx.Client(
            headers={"User-Agent": "duban", "Content-Type": "application/json"},
            timeout=settings.webhook_timeout_seconds,
            follow_redirects=False,
            verify=_trusted(settings),
        )

    def deliver(self, message: Delivery) -> None:
        """Hands the alert over. Raises RetryLater or Refused, see the class."""
        body = message.body.encode()
        at = str(int(time.time()))  # the real one: receivers compare it with theirs
        headers = {"webhook-id": message.key, "webhook-timestamp": at}
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, message.key, at, body)
        try:
            # Streamed and not read: what the other side says does not matter, and may be endless.
            with self._client.stream("POST", self._url, content=body, headers=headers) as answer:
                code, wait = answer.status_code, answer.headers.get("Retry-After")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RetryLater(f"the webhook cannot be reached: {type(error).__name__}") from error
        if 200 <= code < 300:
            return
        sentence = f"the webhook answered {code}"
        if code >= 500 or 300 <= code < 400 or code in OURS | LATER:
            raise NotNow(sentence, _longer(asked_wait(wait, self._clock.now())))
        raise Refused(sentence)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def signature(key: bytes, ident: str, at: str, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC-SHA256 over id, time and body, joined by dots."""
    digest = hmac.new(key, b".".join((ident.encode(), at.encode(), body)), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("DUBAN_ALERTS__WEBHOOK_SECRET is not base64 after whsec_") from error


def _trusted(settings: AlertSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.webhook_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Refused("DUBAN_ALERTS__WEBHOOK_CA_FILE has no certificates that can be read") from error


def _longer(wait: timedelta | None) -> timedelta | None:
    """An alert does not wait for a day because the other side asks it to."""
    return None if wait is None else min(wait, timedelta(hours=1))
