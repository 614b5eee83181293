"""Deadlines of a complaint: from receipt, never reset (rule A9); one missed is held against who has the case (D8)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import String, bindparam, case, func, select, update
from sqlalchemy.orm import Session

from workers.store.database import Instant
from workers.store.statements import insert_if_absent, table_of
from workers.store.tables import Complaint, Deadline

STAGES: Final = ("preliminary", "result", "appeal")
"""Kinds that have a watch of their own, with warnings and raising; all others are milestones on the way."""

_NOT_MISSED: Final = Deadline.missed_at.is_(None)

_KEPT: Final = table_of(Deadline).c
_NOW: Final = bindparam("now", type_=Instant)
_IS_LATE: Final = (_KEPT.due_at < _NOW) & _KEPT.missed_at.is_(None)
_UNIT: Final = (
    select(table_of(Complaint).c.owner_group)
    .where(table_of(Complaint).c.number == _KEPT.number)
    .correlate(table_of(Deadline))
    .scalar_subquery()
)
"""The group that has the case now."""
_MEET: Final = (
    update(table_of(Deadline))
    .where(_KEPT.number == bindparam("of"), _KEPT.kind == bindparam("what"), _KEPT.met_at.is_(None))
    .values(
        met_at=_NOW,
        missed_at=case((_IS_LATE, _NOW), else_=_KEPT.missed_at),
        missed_by=case(
            (_IS_LATE, func.coalesce(bindparam("unit", type_=String), _UNIT)), else_=_KEPT.missed_by
        ),
    )
)
"""Seven times on the way of a complaint: building a statement takes longer than carrying it out."""


def put(tx: Session, number: str, kind: str, due_at: datetime) -> datetime:
    """Keeps the deadline. One that is there already stays as it is; returns when the kept one is due."""
    if insert_if_absent(tx, Deadline, ["number", "kind"], number=number, kind=kind, due_at=due_at):
        return due_at
    return tx.scalars(select(Deadline.due_at).where(Deadline.number == number, Deadline.kind == kind)).one()


@dataclass(frozen=True)
class Extension:
    """A statutory deadline that was extended: when it is due now, and when its clock began."""

    due_at: datetime
    received_at: datetime


def extension(tx: Session, number: str, kind: str) -> Extension | None:
    """The extension of a deadline; None where it was not extended or the number has no such deadline.

    A complaint without a deadline of kind `preliminary` is investigated within that of its result.
    """
    kept = {each.kind: each for each in of(tx, number)}
    if kind == "preliminary" and kind not in kept:
        kind = "result"
    found = kept.get(kind)
    if found is None or found.extended_from is None:
        return None
    received = tx.scalars(select(Complaint.received_at).where(Complaint.number == number)).one()
    return Extension(found.due_at, received)


def mark_met(tx: Session, number: str, kind: str, now: datetime, group: str | None = None) -> None:
    """The work is done; the first time counts. Done late is missed as well. No such deadline: nothing.

    Args:
        group: who has the case: a deadline that is missed is recorded against it (rule D8).
    """
    tx.flush()
    tx.execute(_MEET, {"of": number, "what": kind, "now": now, "unit": group or None})


def mark_missed_by(tx: Session, number: str, kind: str, unit: str, now: datetime) -> None:
    """Holds a deadline that was not met against this unit, whoever has the case (rule D8)."""
    mine = (Deadline.number == number, Deadline.kind == kind, Deadline.met_at.is_(None))
    tx.execute(update(Deadline).where(*mine, _NOT_MISSED).values(missed_at=now))
    tx.execute(update(Deadline).where(*mine).values(missed_by=unit))


def milestones(tx: Session, number: str, told: Collection[str] = ()) -> list[Deadline]:
    """The deadlines besides those of the department that are not met yet, or were missed; earliest first.

    Args:
        told: kinds whose miss people know of already; they are left out.
    """
    return [
        each
        for each in of(tx, number)
        if each.kind not in STAGES
        and each.kind not in told
        and (each.met_at is None or each.missed_at is not None)
    ]


def mark_missed(tx: Session, number: str, now: datetime, group: str | None = None) -> list[str]:
    """Marks what is due and not done; returns the kinds that were not marked before, sorted.

    Args:
        group: who had the case: it is recorded against it (rule D8).
    """
    late = update(Deadline).where(
        Deadline.number == number, Deadline.met_at.is_(None), Deadline.due_at <= now, _NOT_MISSED
    )
    return sorted(tx.scalars(late.values(missed_at=now, missed_by=group or _UNIT).returning(Deadline.kind)))


_OF: Final = (
    select(Deadline)
    .where(Deadline.number == bindparam("of"))
    .order_by(Deadline.due_at, Deadline.kind)
    .execution_options(populate_existing=True)
)


def of(tx: Session, number: str) -> list[Deadline]:
    """The deadlines of a complaint, earliest first."""
    return list(tx.scalars(_OF, {"of": number}))
