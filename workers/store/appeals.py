"""Appeals: a complaint's second handling (rule B7). One per complaint, whichever way it came."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workers.errors import NotFound
from workers.names import APPEAL_DEADLINE, SHANGHAI
from workers.store import timeline
from workers.store.appeal_tables import Appeal
from workers.store.statements import next_value
from workers.store.tables import Deadline

Origin = Literal["unsolved", "filed"]


def find(tx: Session, complaint: str) -> Appeal | None:
    """The appeal of a complaint, if there is one."""
    mine = select(Appeal).where(Appeal.complaint == complaint).execution_options(populate_existing=True)
    return tx.scalars(mine).one_or_none()


def get(tx: Session, complaint: str) -> Appeal:
    """The appeal of a complaint. Raises NotFound."""
    found = find(tx, complaint)
    if found is None:
        raise NotFound(f"There is no appeal of complaint {complaint[:40]!r}.")
    return found


def add(tx: Session, complaint: str, origin: Origin, now: datetime) -> Appeal:
    """A new appeal with a number of its own, e.g. `AP20261122-000001`. The caller holds the complaint."""
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    number = f"AP{day}-{next_value(tx, f'appeals-{day}'):06}"
    appeal = Appeal(complaint=complaint, number=number, origin=origin, filed_at=now)
    tx.add(appeal)
    tx.flush()
    return appeal


def is_open(tx: Session, complaint: str) -> bool:
    """Whether an appeal of this complaint is being handled."""
    found = find(tx, complaint)
    return found is not None and found.closed_at is None


def worked_on(tx: Session, complaint: str) -> set[str]:
    """Usernames of everybody who worked on the case before its appeal (rule B7).

    Who completed a task of it, and who owned it by name. Once there is an appeal, what came after does not count:
    its own handlers stay free to finish it.
    """
    appeal = find(tx, complaint)
    until = appeal.filed_at if appeal else None
    people: set[str] = set()
    for entry in timeline.of(tx, complaint):
        if until is not None and entry.at > until:
            continue
        if entry.code == "task-completed":
            people.add(entry.who)
        elif entry.code in {"assigned", "raised"} and isinstance(entry.facts.get("owner"), str):
            people.add(entry.facts["owner"])
    return people


def end(tx: Session, complaint: str, outcome: str, now: datetime) -> None:
    """The appeal of a complaint has ended, if there is one; the first outcome counts.

    Args:
        outcome: a word of the table's CHECK, e.g. `withdrawn`: the customer withdrew the complaint meanwhile.
    """
    appeal = find(tx, complaint)
    if appeal is not None and appeal.closed_at is None:
        appeal.outcome, appeal.closed_at = outcome, now
        facts = {"appeal": appeal.number, "outcome": outcome}
        timeline.add(tx, complaint, now, "duban", "appeal-closed", f"{complaint}:appeal-closed", **facts)


def miss(tx: Session, complaint: str, now: datetime, group: str) -> None:
    """The deadline of the appeal, if it has passed unmet, is missed by this group; the first one counts (rule D8)."""
    late = update(Deadline).where(
        Deadline.number == complaint,
        Deadline.kind == APPEAL_DEADLINE,
        Deadline.due_at <= now,
        Deadline.met_at.is_(None),
        Deadline.missed_at.is_(None),
    )
    tx.execute(late.values(missed_at=now, missed_by=group))
