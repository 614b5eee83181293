"""What people see of alerts: the last ones and whether they arrived, what is not over, and whether anybody looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.cases import masking
from workers.errors import Conflict
from workers.store.alert_tables import Alert, AlertWatch, Trouble
from workers.store.outbox_view import told
from workers.store.tables import OutboxMessage

SILENT: Final = timedelta(minutes=3)
"""Whoever looks does so every few seconds, after a failure every minute."""
LAST: Final = 30


def watch(tx: Session) -> dict[str, Any]:
    """Whether a sender looks for troubles, for which kinds, and where its alerts go (addresses masked)."""
    found = tx.scalar(select(AlertWatch))
    looked_at = found.looked_at if found is not None else None
    is_on = looked_at is not None and datetime.now(UTC) - looked_at < SILENT
    return {
        "is_on": is_on,
        "looked_at": looked_at,
        "to": list(found.told_to) if found is not None else [],
        "kinds": list(found.kinds) if found is not None else [],
        "is_test_asked": found is not None and found.test_asked_at is not None,
    }


def recent(tx: Session, limit: int = LAST) -> list[dict[str, Any]]:
    """The last alerts, the newest first, each with its messages: to whom, how often tried, taken or not."""
    alerts = tx.scalars(
        select(Alert).order_by(Alert.written_at.desc(), Alert.number.desc()).limit(limit)
    ).all()
    rows = tx.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.number.in_([each.number for each in alerts]))
        .order_by(OutboxMessage.id)
    )
    messages: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        messages.setdefault(row.number, []).append(_message(row))
    return [
        {
            "number": each.number,
            "kind": each.kind,
            "written_at": each.written_at,
            "begun": each.begun,
            "ended": each.ended,
            "still": each.still,
            "messages": messages.get(each.number, []),
        }
        for each in alerts
    ]


def open_count(tx: Session) -> int:
    """How many troubles were told and are not over."""
    told_of = select(func.count()).where(Trouble.ended_at.is_(None), Trouble.told_in.is_not(None))
    return tx.scalar(told_of) or 0


def ask_test(tx: Session, now: datetime) -> None:
    """Has whoever looks next write a test alert.

    Raises:
        Conflict: nobody looks.
    """
    if not watch(tx)["is_on"]:
        raise Conflict(
            "没有进程发送告警：请为发送进程（duban send 或 duban up）设置收件人。 Nobody sends alerts: set "
            "DUBAN_ALERTS__RECIPIENTS or DUBAN_ALERTS__WEBHOOK_URL where `duban send` or `duban up` runs, and start it."
        )
    found = tx.scalars(select(AlertWatch).with_for_update()).one()
    found.test_asked_at = now


def _message(row: OutboxMessage) -> dict[str, Any]:
    return {
        "id": row.id,
        "channel": row.channel,
        "to": masking.email(row.address) if row.channel == "email" else row.channel,
        "status": row.status,
        "attempts": row.attempts,
        "error": told(row.last_error),
        "sent_at": row.sent_at,
        "next_attempt_at": row.next_attempt_at if row.status == "pending" else None,
    }
