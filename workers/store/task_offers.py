"""Keeps `task_offers` as the records of user tasks say. Called with every batch of records, in its transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.store import case_owners, statements
from workers.store.offer_tables import TaskOffer, place_key
from workers.store.record_tables import FormVersion, ProcessInstance, UserTask
from workers.store.statements import KEYS, table_of

NEVER_DUE: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Where a task without a due date is sorted: after all others."""


_WITHDRAW: Final = delete(table_of(TaskOffer)).where(table_of(TaskOffer).c.task_key.in_(KEYS))
_OPEN_OF: Final = select(UserTask.key).where(
    UserTask.process_instance_key.in_(KEYS), UserTask.state == "open"
)
_OFFERED: Final = (
    select(
        UserTask.key,
        UserTask.groups,
        UserTask.assignee,
        UserTask.due_at,
        UserTask.process_instance_key,
        ProcessInstance.number,
        FormVersion.form_id,
    )
    .outerjoin(ProcessInstance, ProcessInstance.key == UserTask.process_instance_key)
    .outerjoin(FormVersion, FormVersion.form_key == UserTask.form_key)
    .where(UserTask.key.in_(KEYS), UserTask.state == "open")
)
"""Statements of every batch are built once."""


def refresh(tx: Session, task_keys: Collection[str]) -> None:
    """Makes the offers of these tasks what the record tables say now; a task that is not open has none."""
    for keys in statements.chunks(task_keys):
        tx.execute(_WITHDRAW, {"keys": keys})
        rows = list(_offers(tx, keys))
        if rows:
            tx.execute(insert(TaskOffer), rows)


def tasks_of(tx: Session, instance_keys: Collection[str]) -> set[str]:
    """The open user tasks of these process instances, by key."""
    found: set[str] = set()
    for keys in statements.chunks(instance_keys):
        found.update(tx.scalars(_OPEN_OF, {"keys": keys}))
    return found


def refresh_all(tx: Session) -> None:
    """The offers of every open task, anew: for a store that is older than the table."""
    refresh(tx, tx.scalars(select(UserTask.key).where(UserTask.state == "open")).all())


def _offers(tx: Session, keys: Sequence[str]) -> Iterator[dict[str, Any]]:
    rows = tx.execute(_OFFERED, {"keys": keys}).all()
    cases = case_owners.of(tx, {row.number for row in rows if row.number})
    for row in rows:
        place = place_key(cases[row.number].region if row.number in cases else Region())
        for group in sorted(set(row.groups)) or [""]:
            yield {
                "task_key": row.key,
                "group": group,
                "number": row.number,
                "form": row.form_id,
                "scope": row.process_instance_key,
                "assignee": row.assignee,
                "sorted_at": row.due_at or NEVER_DUE,
                "place": place,
            }
