"""Complaints in a list of the API: a page at a time, newest first, and nothing of the customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session

from workers.cases.region import spellings
from workers.names import SHANGHAI
from workers.store import complaints
from workers.store.sight import Sight
from workers.store.tables import Complaint, Deadline

Place = tuple[datetime, str]
"""Where a page ends: instant of receipt, number."""


@dataclass(frozen=True)
class Wanted:
    """What to list; None: whatever it is.

    Attributes:
        status: a status, or `open` for every one that still runs.
        province, city, branch: in any spelling (杭州, 杭州市).
        any_of: any of these statuses; empty: whatever it is.
        due_before: only those that have a deadline, not met yet, before this instant.
    """

    status: str | None = None
    category: str | None = None
    province: str | None = None
    city: str | None = None
    branch: str | None = None
    group: str | None = None
    person: str | None = None
    due_before: datetime | None = None
    any_of: tuple[str, ...] = ()


def page(
    tx: Session, wanted: Wanted, sight: Sight, *, after: Place | None = None, limit: int = 100
) -> tuple[list[dict[str, Any]], Place | None]:
    """A page of complaints, and where it ends if there is more.

    Args:
        after: where the page before ended.
    """
    statement = select(Complaint).where(*_chosen(wanted), sight.shows(Complaint))
    if after is not None:
        statement = statement.where(tuple_(Complaint.received_at, Complaint.number) < after)
    newest = (Complaint.received_at.desc(), Complaint.number.desc())
    found = list(tx.scalars(statement.order_by(*newest).limit(limit + 1)))
    shown = found[:limit]
    due = _due(tx, [each.number for each in shown if each.closed_at is None])
    lines = [_line(each, due.get(each.number)) for each in shown]
    more = len(found) > limit
    return lines, (shown[-1].received_at, shown[-1].number) if more else None


def numbered(
    tx: Session, wanted: Wanted, sight: Sight, *, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The same by the number of rows before it, as TM Forum's APIs want it, and how many there are in all."""
    chosen = (*_chosen(wanted), sight.shows(Complaint))
    total = int(tx.scalar(select(func.count()).select_from(Complaint).where(*chosen)) or 0)
    newest = (Complaint.received_at.desc(), Complaint.number.desc())
    found = list(tx.scalars(select(Complaint).where(*chosen).order_by(*newest).offset(offset).limit(limit)))
    due = _due(tx, [each.number for each in found if each.closed_at is None])
    return [_line(each, due.get(each.number)) for each in found], total


def _chosen(wanted: Wanted) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if wanted.status == "open":
        chosen.append(Complaint.status.in_(complaints.OPEN))
    elif wanted.status is not None:
        chosen.append(Complaint.status == wanted.status)
    if wanted.any_of:
        chosen.append(Complaint.status.in_(wanted.any_of))
    for column, value in (
        (Complaint.category, wanted.category),
        (Complaint.owner_group, wanted.group),
        (Complaint.owner_person, wanted.person),
    ):
        if value is not None:
            chosen.append(column == value)
    for column, value in (
        (Complaint.province, wanted.province),
        (Complaint.city, wanted.city),
        (Complaint.branch, wanted.branch),
    ):
        if value is not None:
            chosen.append(column.in_(spellings(value)))
    if wanted.due_before is not None:
        late = select(Deadline.number).where(Deadline.met_at.is_(None), Deadline.due_at < wanted.due_before)
        chosen += [Complaint.closed_at.is_(None), Complaint.number.in_(late)]
    return chosen


def _due(tx: Session, numbers: list[str]) -> dict[str, datetime]:
    """The first deadline of each that is not met yet."""
    first = select(Deadline.number, func.min(Deadline.due_at)).where(
        Deadline.number.in_(numbers), Deadline.met_at.is_(None)
    )
    return dict(tx.execute(first.group_by(Deadline.number)).all())


def _line(complaint: Complaint, due_at: datetime | None) -> dict[str, Any]:
    return {
        "number": complaint.number,
        "policy": complaint.policy,
        "channel": complaint.channel,
        "status": complaint.status,
        "category": complaint.category,
        "priority": complaint.priority,
        "owner": {"group": complaint.owner_group, "person": complaint.owner_person},
        "tier": complaint.tier,
        "satisfaction": complaint.satisfaction,
        "outcome": complaint.outcome,
        "product": complaint.product,
        "region": complaints.region(complaint).model_dump(),
        "flags": complaint.flags,
        "received_at": _iso(complaint.received_at),
        "closed_at": _iso(complaint.closed_at),
        "due_at": _iso(due_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
