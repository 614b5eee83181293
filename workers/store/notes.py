"""Notes on a case: what the customer adds while it is handled, and what staff tell one another (rules A6, F3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.errors import Conflict
from workers.store import cases, timeline
from workers.store.note_tables import Note
from workers.store.statements import insert_if_absent
from workers.store.tables import Complaint

CUSTOMER: Final = "customer"
_MOST, _WINDOW = 20, timedelta(days=1)
"""Remarks that a customer's page takes: whoever has the link must not be able to fill the store."""


def add(
    tx: Session,
    number: str,
    text: str,
    *,
    author: str,
    is_of_customer: bool,
    at: datetime,
    submission: str | None = None,
) -> tuple[Note, bool]:
    """Adds a note; handling goes on as before.

    Args:
        author: username, or `customer` for the customer's own page.
        is_of_customer: these are the customer's words.
        submission: what makes it the same note when it is sent again; None: each is one of its own.

    Returns:
        The note, and whether it is new.

    Raises:
        NotFound: no such case. Conflict: it is anonymised, or the customer's page has taken its share of the day.
    """
    case = cases.get(tx, number)  # takes turns with others who write to this case
    if isinstance(case, Complaint) and case.anonymised_at is not None:
        raise Conflict(f"案卷已匿名化，不再受理补充。 {number} is anonymised; nothing is added any more.")
    key = f"{number}:note:{submission or uuid4().hex}"
    if author == CUSTOMER and _of_key(tx, key) is None:
        _refuse_flood(tx, number, at)
    row = {"number": number, "text": text, "author": author, "is_of_customer": is_of_customer, "at": at}
    is_new = insert_if_absent(tx, Note, ["dedupe_key"], dedupe_key=key, **row)
    found = tx.scalars(select(Note).where(Note.dedupe_key == key)).one()
    if is_new:
        code = "customer-remarked" if is_of_customer else "note-added"
        timeline.add(tx, number, at, author, code, f"{number}:note:{found.id}")
    return found, is_new


def of(tx: Session, number: str) -> list[Note]:
    """The notes of a case, in the order they came."""
    return list(tx.scalars(select(Note).where(Note.number == number).order_by(Note.id)))


def last_of_customers(tx: Session, numbers: Collection[str]) -> dict[str, datetime]:
    """When the customer of a case last added something; cases where nothing was added are left out."""
    mine = select(Note.number, func.max(Note.at)).where(Note.number.in_(numbers), Note.is_of_customer)
    return dict(tx.execute(mine.group_by(Note.number)).all())


def _of_key(tx: Session, key: str) -> int | None:
    return tx.scalar(select(Note.id).where(Note.dedupe_key == key))


def _refuse_flood(tx: Session, number: str, now: datetime) -> None:
    mine = select(func.count()).where(Note.number == number, Note.author == CUSTOMER, Note.at > now - _WINDOW)
    if tx.execute(mine).scalar_one() >= _MOST:
        raise Conflict(
            f"今天的补充已达 {_MOST} 条，请致电。 {_MOST} remarks a day are taken here; please call."
        )
