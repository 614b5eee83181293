"""Rectification: one by its process instance, all of them in a list (rules B6, E5)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.errors import NotFound
from workers.store.rectification_tables import Rectification
from workers.store.sight import EVERYTHING, Sight

OPEN = ("open", "done")
"""Not at its end yet."""


def get(tx: Session, id_: str) -> Rectification:
    """One rectification. Raises NotFound."""
    found = tx.get(Rectification, id_)
    if found is None:
        raise NotFound(f"There is no rectification {id_[:40]!r}.")
    return found


def find(tx: Session, id_: str) -> Rectification | None:
    """One rectification, where it has begun."""
    return tx.get(Rectification, id_)


def page(
    tx: Session,
    *,
    status: str | None = None,
    number: str | None = None,
    sight: Sight = EVERYTHING,
    limit: int = 200,
) -> list[Rectification]:
    """Rectifications, those due first at the top; `status` may be `open` for all that are not at their end."""
    statement = select(Rectification).order_by(Rectification.due_at, Rectification.id)
    statement = statement.where(sight.shows_number(Rectification.number))
    if status == "running":
        statement = statement.where(Rectification.status.in_(OPEN))
    elif status is not None:
        statement = statement.where(Rectification.status == status)
    if number is not None:
        statement = statement.where(Rectification.number == number)
    return list(tx.scalars(statement.limit(limit)))
