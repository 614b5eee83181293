"""SMS by an HTTP gateway: one JSON POST per message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from workers.clock import Clock
from workers.errors import Refused, RetryLater
from workers.notifications.channels.channel import Delivery, NotNow
from workers.settings import NotificationSettings

OURS = {401, 403, 404, 405, 407}
"""The fault of this service's token or URL, not of the message: worth another try once that is mended."""
LATER = {408, 409, 425, 429}
"""409 is what a gateway says while the first request with the same Idempotency-Key is still at work."""
LONGEST_WAIT = timedelta(days=1)


class SmsGateway:
    """POSTs `{"id", "to", "text"}` with a bearer token and an `Idempotency-Key`, the same for every try.

    2xx is sent. 408, 409, 425, 429, 5xx, a redirect, a refused login, no answer: tried again, after
    `Retry-After` where the gateway gives one. Any other answer is final.

    Raises Refused when there is no URL in the settings.
    """

    def __init__(self, settings: NotificationSettings, clock: Clock) -> None:
        if not settings.sms_gateway_url:
            raise Refused("the SMS gateway has no URL: set DUBAN_NOTIFICATIONS__SMS_GATEWAY_URL")
        self._url = settings.sms_gateway_url
        self._clock = clock
        headers = {"User-Agent": "duban"}
        if settings.sms_gateway_token is not None:
            headers["Authorization"] = f"Bearer {settings.sms_gateway_token.get_secret_value()}"
        self._client = httpx.Client(headers=headers, timeout=settings.sms_gateway_timeout_seconds)

    def deliver(self, message: Delivery) -> None:
        """Hands the message to the gateway. Raises RetryLater or Refused, see the class."""
        content = {"id": message.key, "to": message.address, "text": message.body}
        try:
            answer = self._client.post(self._url, json=content, headers={"Idempotency-Key": message.key})
        except httpx.HTTPError as error:
            raise RetryLater(f"the SMS gateway cannot be reached: {type(error).__name__}") from error
        if answer.is_success:
            return
        sentence = f"the SMS gateway answered {answer.status_code}"
        if answer.is_server_error or answer.is_redirect or answer.status_code in OURS | LATER:
            raise NotNow(sentence, asked_wait(answer.headers.get("Retry-After"), self._clock.now()))
        raise Refused(sentence)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def asked_wait(header: str | None, now: datetime) -> timedelta | None:
    """The wait that Retry-After asks for: seconds or an HTTP date, at most a day."""
    if header is None:
        return None
    if header.strip().isdecimal():
        wait = timedelta(seconds=min(int(header), int(LONGEST_WAIT.total_seconds())))
    else:
        try:
            until = parsedate_to_datetime(header)
        except ValueError:
            return None
        wait = _zoned(until) - now
    return min(max(wait, timedelta()), LONGEST_WAIT)


def _zoned(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
