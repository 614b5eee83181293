"""Statutory deadlines: from receipt, never reset (rule A9)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workers.store.statements import insert_if_absent
from workers.store.tables import Deadline

_NOT_MISSED: Final = Deadline.missed_at.is_(None)


def put(tx: Session, number: str, kind: str, due_at: datetime) -> datetime:
    """Keeps the deadline. One that is there already stays as it is; returns when the kept one is due."""
    insert_if_absent(tx, Deadline, ["number", "kind"], number=number, kind=kind, due_at=due_at)
    return tx.scalars(select(Deadline.due_at).where(Deadline.number == number, Deadline.kind == kind)).one()


def mark_met(tx: Session, number: str, kind: str, now: datetime) -> None:
    """The work is done; the first time counts. Done late is missed as well. No such deadline: nothing."""
    mine = (Deadline.number == number, Deadline.kind == kind)
    tx.execute(
        update(Deadline)
        .where(*mine, Deadline.met_at.is_(None), Deadline.due_at < now, _NOT_MISSED)
        .values(missed_at=now)
    )
    tx.execute(update(Deadline).where(*mine, Deadline.met_at.is_(None)).values(met_at=now))


def mark_missed(tx: Session, number: str, now: datetime) -> list[str]:
    """Marks what is due and not done; returns the kinds that were not marked before, sorted."""
    late = update(Deadline).where(
        Deadline.number == number, Deadline.met_at.is_(None), Deadline.due_at <= now, _NOT_MISSED
    )
    return sorted(tx.scalars(late.values(missed_at=now).returning(Deadline.kind)))


def of(tx: Session, number: str) -> list[Deadline]:
    """The deadlines of a complaint, earliest first."""
    mine = select(Deadline).where(Deadline.number == number).order_by(Deadline.due_at, Deadline.kind)
    return list(tx.scalars(mine.execution_options(populate_existing=True)))
