"""People who were passed over and stay informed."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from workers.store.statements import insert_if_absent
from workers.store.tables import Watcher


def add(tx: Session, number: str, person: str, group: str, since: datetime) -> None:
    """Keeps the person informed from now on; somebody who watches already stays as noted first."""
    insert_if_absent(
        tx, Watcher, ["number", "person"], number=number, person=person, group=group, since=since
    )


_PEOPLE: Final = select(Watcher.person).where(Watcher.number == bindparam("of"))


def usernames(tx: Session, number: str) -> set[str]:
    """Who watches a complaint."""
    return set(tx.scalars(_PEOPLE, {"of": number}))


def of(tx: Session, number: str) -> list[Watcher]:
    """Who watches a complaint, in the order they were passed over."""
    return list(
        tx.scalars(select(Watcher).where(Watcher.number == number).order_by(Watcher.since, Watcher.person))
    )
