"""Looks for troubles and writes the alerts about them into the outbox; the sender delivers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

from workers.cases import masking
from workers.clock import Clock
from workers.errors import Broken, Refused
from workers.notifications.alert_texts import AlertTexts, Told
from workers.notifications.channels import mail, webhook
from workers.settings import AlertSettings
from workers.store import alerts, outbox
from workers.store.alert_tables import Alert
from workers.store.alerts import Pace
from workers.store.database import Database
from workers.store.outbox import NewMessage, Transaction
from workers.store.trouble_sources import KINDS, Kind

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
"""Real seconds between two looks: the injected clock may stand still."""
LONGEST_PAUSE: Final = 60.0
_RECIPIENT: Final = "operations"


@dataclass(frozen=True)
class Plan:
    """Who is told what and when, by the settings."""

    mails: tuple[str, ...]
    has_webhook: bool
    kinds: frozenset[Kind]
    pace: Pace
    pile: int

    @classmethod
    def of(cls, settings: AlertSettings) -> Plan | None:
        """The plan; None: nobody is told.

        Raises:
            Refused: an address that is none, or a kind that there is not.
        """
        mails = tuple(dict.fromkeys(_listed(settings.recipients)))
        has_webhook = settings.webhook_url is not None and bool(settings.webhook_url.get_secret_value())
        kinds = _listed(settings.kinds)
        for kind in kinds:
            if kind not in KINDS:
                raise Refused(f"DUBAN_ALERTS__KINDS knows no '{kind}'; there are {', '.join(KINDS)}")
        for address in mails:
            try:
                mail.recipient_address(address)
            except Refused as error:
                raise Refused(
                    f"DUBAN_ALERTS__RECIPIENTS: {masking.contact(address)} is no e-mail address"
                ) from error
        if not mails and not has_webhook:
            return None
        remind = timedelta(hours=settings.reminder_hours) if settings.reminder_hours else None
        pace = Pace(
            timedelta(seconds=settings.digest_seconds), timedelta(seconds=settings.interval_seconds), remind
        )
        wanted = frozenset(cast("Kind", kind) for kind in kinds)
        return cls(mails, has_webhook, wanted, pace, settings.place_overdue)


class Alerter:
    """One of several on one store looks at a time. What it finds and what it writes about it is one transaction.

    Args:
        plan: who is told what; None: this loop does nothing.
        wake_sender: told when there is something to deliver.
    """

    def __init__(
        self,
        database: Database,
        texts: AlertTexts,
        clock: Clock,
        plan: Plan | None,
        wake_sender: Callable[[], None],
    ) -> None:
        self._database, self._texts, self._clock = database, texts, clock
        self._plan, self._wake_sender = plan, wake_sender

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until `stop` is set. The store may be away for a while."""
        pause = LOOK_SECONDS
        while not stop.is_set():
            try:
                if await asyncio.to_thread(self.look):
                    self._wake_sender()
                pause = LOOK_SECONDS
            except Exception as error:
                said = str(error) if isinstance(error, Broken) else type(error).__name__
                log.error("alerts wait: %s", said, extra={"action": "alerts-failed"})
                pause = min(pause * 2, LONGEST_PAUSE)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause if self._plan else None)

    def look(self) -> int:
        """One look; returns how many messages it wrote. Blocks."""
        plan = self._plan
        if plan is None:
            return 0
        with self._database.begin() as tx:
            watch = alerts.hold(tx)
            if watch is None:
                return 0  # another sender is looking now
            now = self._clock.now()
            watch.told_to = [masking.contact(address) for address in plan.mails]
            watch.told_to += [webhook.ADDRESS] if plan.has_webhook else []
            alerts.look(tx, watch, plan.kinds, now, plan.pile)
            written = [alerts.write(tx, watch, due, now) for due in alerts.due(tx, watch, now, plan.pace)]
            count = sum(self._tell(tx, alert, plan) for alert in written)
        for alert in written:
            facts = {"action": "alert-written", "number": alert.number}
            log.info("alert %s: %d began, %d over", alert.kind, alert.begun, alert.ended, extra=facts)
        return count

    def _tell(self, tx: Transaction, alert: Alert, plan: Plan) -> int:
        told = _told(tx, alert)
        count = 0
        if plan.mails:
            text = self._texts.mail(told)
            for address in plan.mails:
                message = _message(alert, "email", address, text.subject, text.body, text.html)
                count += outbox.add(tx, message, address, alert.written_at)
        if plan.has_webhook:
            message = _message(alert, "webhook", webhook.ADDRESS, None, self._texts.document(told), None)
            count += outbox.add(tx, message, "", alert.written_at)
        return count


def _told(tx: Transaction, alert: Alert) -> Told:
    number = alert.number
    if alert.kind == "tested":
        return Told(number, "tested", alert.written_at)
    if alert.kind == "reminded":
        return Told(
            number, "reminded", alert.written_at, still=alerts.still_open(tx), still_count=alert.still
        )
    begun, ended = alerts.begun_in(tx, number), alerts.ended_in(tx, number)
    still = alerts.still_open(tx, besides=number)
    return Told(number, "raised", alert.written_at, begun, ended, still, alert.still)


def _message(
    alert: Alert, channel: str, address: str, subject: str | None, body: str, html: str | None
) -> NewMessage:
    return NewMessage(alert.number, f"alert-{alert.kind}", _RECIPIENT, channel, address, subject, body, html)


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]
