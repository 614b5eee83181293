"""A store with an alerter on it, and what goes wrong there; for the tests of alerts."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from workers.clock import MovedClock
from workers.notifications.alert_texts import AlertTexts
from workers.notifications.alerter import Alerter, Plan
from workers.notifications.labels import Labels
from workers.settings import AlertSettings, Settings
from workers.store import beats
from workers.store.beats import Beat
from workers.store.database import Database
from workers.store.record_tables import Incident, ProcessInstance
from workers.store.tables import Complaint, OutboxMessage

TEMPLATES = Path(__file__).parents[2] / "templates"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OPS = "ops@example.com"
_KEYS = itertools.count(2251799813700001)


@dataclass
class Stage:
    """Settings are those of `DUBAN_ALERTS__…`; a minute is collected, five lie between two alerts, by default."""

    database: Database
    clock: MovedClock = field(default_factory=MovedClock)
    woken: int = 0

    def alerter(self, **settings: Any) -> Alerter:
        """One sender's alerter; by default it tells one mailbox."""
        told = AlertSettings.model_validate({"recipients": OPS, **settings})
        everything = Settings(alerts=told)
        everything.web.public_url = "https://duban.example.com/"
        texts = AlertTexts(TEMPLATES, Labels.load(TEMPLATES), everything)
        return Alerter(self.database, texts, self.clock, Plan.of(told), self._wake)

    def looked(self, alerter: Alerter, after: timedelta = timedelta()) -> int:
        """Looks once, some time later; returns how many messages were written."""
        self.clock.advance(after)
        return alerter.look()

    def told(self, channel: str = "email") -> list[OutboxMessage]:
        """Every alert that was written for a channel, the oldest first."""
        with self.database.read() as tx:
            mine = (OutboxMessage.channel == channel, OutboxMessage.event.startswith("alert-"))
            return list(tx.scalars(select(OutboxMessage).where(*mine).order_by(OutboxMessage.id)))

    def documents(self) -> list[dict[str, Any]]:
        """What the webhook is told."""
        return [json.loads(each.body) for each in self.told("webhook")]

    def stuck(
        self, count: int = 1, message: str = "Unavailable: the ledger is away", **columns: Any
    ) -> list[str]:
        """Stuck work of new complaints; returns the incidents' keys."""
        keys = [str(next(_KEYS)) for _ in range(count)]
        with self.database.begin() as tx:
            for key in keys:
                number = self._complaint(tx, key)
                facts = {
                    "process_id": "refund-approval",
                    "version": 1,
                    "definition_key": "1",
                    "state": "active",
                }
                tx.add(ProcessInstance(key=f"7{key}", number=number, started_at=self.clock.now(), **facts))
                row = {
                    "error_type": "JOB_NO_RETRIES",
                    "element_id": "Task_PostRefund",
                    "process_id": "refund-approval",
                }
                row |= {
                    "process_instance_key": f"7{key}",
                    "element_key": f"6{key}",
                    "state": "open",
                    **columns,
                }
                tx.add(Incident(key=key, error_message=message, created_at=self.clock.now(), **row))
        return keys

    def resolve(self, keys: list[str]) -> None:
        """The engine goes on with them."""
        with self.database.begin() as tx:
            tx.execute(update(Incident).where(Incident.key.in_(keys)).values(state="resolved"))

    def late(self, city: str = "南京市", **columns: Any) -> str:
        """A complaint whose time is over; returns its number."""
        key = str(next(_KEYS))
        with self.database.begin() as tx:
            number = self._complaint(tx, key)
            row = tx.get_one(Complaint, number)
            row.province, row.city, row.status = "江苏", city, "in-progress"
            row.next_due_at = self.clock.now() - HOUR
            for name, value in columns.items():
                setattr(row, name, value)
        return number

    def dead(self, error: str = "the SMS gateway answered 400") -> int:
        """A message to a customer that was given up; returns its id."""
        with self.database.begin() as tx:
            row = {
                "event": "result-told",
                "recipient": "customer",
                "channel": "sms",
                "address": "+8613800138000",
            }
            key, now = str(next(_KEYS)), self.clock.now()
            message = OutboxMessage(number=self._complaint(tx, key), body="您好", dedupe_key=key, **row)
            message.status, message.last_error = "dead", error
            message.created_at = message.next_attempt_at = now
            tx.add(message)
            tx.flush()
            return message.id

    def beat(self, job_type: str, ago: timedelta = timedelta(), host: str = "one") -> None:
        """A process said, some time ago by the real clock, that it works on a job type."""
        now = MovedClock().now() - ago
        with self.database.begin() as tx:
            beats.write(tx, host, now, now, [Beat(job_type, now, 0, 1, 0, None)])

    def _complaint(self, tx: Any, key: str) -> str:
        number = f"TS20261124-{key[-6:]}"
        facts = {"policy": "petition", "channel": "web", "text": "王小明 13900139000", "customer_key": "k"}
        tx.add(Complaint(number=number, received_at=self.clock.now() - 2 * HOUR, **facts))
        tx.flush()
        return number

    def _wake(self) -> None:
        self.woken += 1
