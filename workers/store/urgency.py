"""How urgent a case is: by the share of the time that is gone, in Python for one and in SQL for a hundred thousand."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from sqlalchemy import ColumnElement, and_, case, literal

from workers.names import Status
from workers.store.database import Instant
from workers.store.elapsed import elapsed
from workers.store.tables import Complaint

Urgency = Literal["on-time", "due-soon", "overdue", "nothing-due"]
WORDS: Final[tuple[Urgency, ...]] = ("on-time", "due-soon", "overdue", "nothing-due")
RUNNING: Final = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS)
"""What has a clock: the customer waits for the result."""
_LAST_PART: Final = 0.75
"""Of the time from receipt to the deadline: beyond this share a complaint is shown as due soon."""


def urgency(received_at: datetime, due_at: datetime | None, now: datetime) -> tuple[Urgency, float]:
    """How urgent a deadline is that was not met yet, and the share of its time that is gone."""
    if due_at is None:
        return "nothing-due", 0.0
    whole = (due_at - received_at).total_seconds()
    used = (now - received_at).total_seconds() / whole if whole > 0 else 1.0
    if due_at <= now:
        return "overdue", 1.0
    return ("due-soon" if used >= _LAST_PART else "on-time"), min(1.0, max(0.0, used))


def is_running() -> ColumnElement[bool]:
    """Complaints whose customer waits for the result. An index holds what is not closed."""
    return and_(Complaint.status.in_(RUNNING), Complaint.closed_at.is_(None))


def has_urgency(word: Urgency, now: datetime) -> ColumnElement[bool]:
    """Complaints of this urgency, by their next deadline; to be joined with `is_running`."""
    due = Complaint.next_due_at
    match word:
        case "nothing-due":
            return due.is_(None)
        case "overdue":
            return due <= now
        case "due-soon":
            return and_(due > now, _is_late_in_its_time(now))
        case "on-time":
            return and_(due > now, ~_is_late_in_its_time(now))


def urgency_word(now: datetime) -> ColumnElement[str]:
    """The urgency of a complaint as a column."""
    found = case(
        (Complaint.next_due_at.is_(None), "nothing-due"),
        (Complaint.next_due_at <= now, "overdue"),
        (_is_late_in_its_time(now), "due-soon"),
        else_="on-time",
    )
    return found.label("urgency")


def _is_late_in_its_time(now: datetime) -> ColumnElement[bool]:
    gone = elapsed(Complaint.received_at, literal(now, Instant))
    return gone >= literal(_LAST_PART) * elapsed(Complaint.received_at, Complaint.next_due_at)
