"""What happened to a complaint, when and by whom (rules A6, A7). Entries are added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from workers.store.statements import insert_if_absent
from workers.store.tables import TimelineEntry

_WITH_KEY: Final = select(TimelineEntry).where(TimelineEntry.dedupe_key == bindparam("key"))
_OF: Final = (
    select(TimelineEntry)
    .where(TimelineEntry.number == bindparam("of"))
    .order_by(TimelineEntry.at, TimelineEntry.id)
)
"""Asked for in most tasks: building a statement takes longer than carrying it out."""


def add(
    tx: Session, number: str, at: datetime, who: str, code: str, dedupe_key: str, /, **facts: Any
) -> datetime:
    """Adds an entry, once per key: a second one with the same key changes nothing.

    Args:
        who: username, `customer`, or `duban` for the service itself.
        code: a word of templates/timeline.json.
        dedupe_key: what makes this one happening, e.g. the number, the code and the element instance.
        facts: what the words of the code need; anything JSON can carry.

    Returns:
        When it happened: `at`, or the instant of the entry that was there.
    """
    row = {"number": number, "at": at, "who": who, "code": code, "facts": facts, "dedupe_key": dedupe_key}
    if insert_if_absent(tx, TimelineEntry, ["dedupe_key"], **row):
        return at
    return tx.scalars(select(TimelineEntry.at).where(TimelineEntry.dedupe_key == dedupe_key)).one()


def find(tx: Session, dedupe_key: str) -> TimelineEntry | None:
    """The entry with this key, if it happened."""
    return tx.scalars(_WITH_KEY, {"key": dedupe_key}).one_or_none()


def latest(tx: Session, number: str, code: str) -> TimelineEntry | None:
    """The newest entry of a complaint with this code."""
    return next((entry for entry in reversed(of(tx, number)) if entry.code == code), None)


def of(tx: Session, number: str) -> list[TimelineEntry]:
    """The entries of a complaint, in the order they happened."""
    return list(tx.scalars(_OF, {"of": number}))


def position(tx: Session) -> int:
    """How far it has come, over all cases. Only good for telling whether something was added."""
    return int(tx.scalar(select(func.coalesce(func.max(TimelineEntry.id), 0))) or 0)
