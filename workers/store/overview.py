"""What the first page shows: how much there is, how urgent it is, and what is stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.names import Status
from workers.store import complaints, outbox
from workers.store.record_tables import Incident, UserTask
from workers.store.tables import Complaint, Deadline, EngineRequest

LATEST: Final = 15
_RUNNING: Final = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS)
_LAST_PART: Final = 0.75
"""Of the time from receipt to the deadline: beyond this share a complaint is shown as due soon."""


@dataclass(frozen=True)
class Latest:
    """A line of the list: a complaint and its next deadline. No text and no name."""

    complaint: Complaint
    due_at: datetime | None
    urgency: str
    """`on-time`, `due-soon`, `overdue`; `nothing-due`."""
    used: float
    """Share of the time that is gone, 0 to 1."""


@dataclass(frozen=True)
class Overview:
    """The figures of the first page."""

    statuses: dict[str, int]
    urgency: dict[str, int]
    latest: list[Latest]
    tasks: list[tuple[str, int, int]] = field(default_factory=list)
    """(group, open user tasks, of these past their due time), most first."""
    incidents: int = 0
    outbox: dict[str, int] = field(default_factory=dict)
    owed_to_engine: int = 0


def overview(tx: Session, now: datetime) -> Overview:
    """The figures at an instant."""
    shown = complaints.page(tx, limit=LATEST).complaints
    next_due = _next_deadlines(tx, [complaint.number for complaint in shown])
    return Overview(
        statuses=complaints.count_by_status(tx),
        urgency=_urgencies(tx, now),
        latest=[_line(complaint, next_due.get(complaint.number), now) for complaint in shown],
        tasks=_tasks_by_group(tx, now),
        incidents=_count(tx, select(func.count()).where(Incident.state == "open")),
        outbox=outbox.counts(tx),
        owed_to_engine=_count(tx, select(func.count()).where(EngineRequest.state == "pending")),
    )


def urgency(received_at: datetime, due_at: datetime | None, now: datetime) -> tuple[str, float]:
    """How urgent a deadline is that was not met yet, and the share of its time that is gone."""
    if due_at is None:
        return "nothing-due", 0.0
    whole = (due_at - received_at).total_seconds()
    used = (now - received_at).total_seconds() / whole if whole > 0 else 1.0
    if due_at <= now:
        return "overdue", 1.0
    return ("due-soon" if used >= _LAST_PART else "on-time"), min(1.0, max(0.0, used))


def _line(complaint: Complaint, due_at: datetime | None, now: datetime) -> Latest:
    return Latest(complaint, due_at, *urgency(complaint.received_at, due_at, now))


def _next_deadlines(tx: Session, numbers: Sequence[str]) -> dict[str, datetime]:
    mine = select(Deadline.number, func.min(Deadline.due_at)).where(
        Deadline.number.in_(numbers), Deadline.met_at.is_(None)
    )
    mine = mine.join(Complaint, Complaint.number == Deadline.number).where(Complaint.status.in_(_RUNNING))
    return dict(tx.execute(mine.group_by(Deadline.number)).all())


def _urgencies(tx: Session, now: datetime) -> dict[str, int]:
    """Running complaints by the urgency of their next deadline."""
    rows = (
        select(Complaint.received_at, func.min(Deadline.due_at))
        .join(Deadline, (Deadline.number == Complaint.number) & Deadline.met_at.is_(None))
        .where(Complaint.status.in_(_RUNNING))
        .group_by(Complaint.number, Complaint.received_at)
    )
    found = Counter(urgency(received, due, now)[0] for received, due in tx.execute(rows))
    return {word: found[word] for word in ("on-time", "due-soon", "overdue")}


def _tasks_by_group(tx: Session, now: datetime) -> list[tuple[str, int, int]]:
    total: Counter[str] = Counter()
    late: Counter[str] = Counter()
    rows = tx.execute(select(UserTask.groups, UserTask.due_at).where(UserTask.state == "open"))
    for groups, due_at in rows:
        for group in groups or ["-"]:
            total[group] += 1
            late[group] += due_at is not None and due_at <= now
    return [
        (group, count, late[group])
        for group, count in sorted(total.items(), key=lambda each: (-each[1], each[0]))
    ]


def _count(tx: Session, statement: object) -> int:
    return int(tx.execute(statement).scalar_one())  # type: ignore[call-overload]
