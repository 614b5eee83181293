"""Extensions of statutory deadlines: asked for, granted in time, or not (rules B8, C6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import Message, Status
from workers.store import answers, complaints, deadlines, engine_requests, timeline
from workers.store.database import Database
from workers.store.tables import Complaint, Deadline, TimelineEntry

ASKED: Final = "extension-asked"
GRANTED: Final = "deadline-extended"
REFUSED: Final = "extension-refused"
REASON_FIELD: Final = "extension_reason"


def ask(
    database: Database,
    clock: Clock,
    number: str,
    *,
    who: str,
    reason: str,
    may: Callable[[Complaint], None],
    wake: Callable[[], None] | None = None,
) -> None:
    """Asks the complaint group for more time; durable before it is answered.

    Args:
        who: username.
        reason: kept in the store, never in the engine.
        may: raises Refused when this person may not ask.

    Raises:
        NotFound: no such complaint. Conflict: it has ended, has no deadline yet, or was asked for just now.
    """
    now = clock.now()
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        may(complaint)
        if complaint.closed_at is not None:
            raise Conflict(f"Complaint {number} has ended; nothing can be changed any more.")
        if complaint.category is None or _result(tx, number) is None:
            raise Conflict(f"Complaint {number} has no deadline yet that could be extended.")
        asked, decided = _entries(tx, number, {ASKED}), _entries(tx, number, {GRANTED, REFUSED})
        if len(asked) > len(decided):
            raise Conflict(f"An extension of complaint {number} was asked for already and is being decided.")
        key = f"{number}:{Message.EXTENSION_REQUESTED}:{len(asked) + 1}"
        variables = {
            "requested_by": who,
            "extension_count": granted(tx, number),
            "category": complaint.category,
        }
        engine_requests.add(tx, Message.EXTENSION_REQUESTED, number, key, variables, now)
        timeline.add(tx, number, now, who, ASKED, key, who=who)
        task_key = f"{number}:ext{len(asked) + 1}"
        answers.keep(tx, number, task_key, "extension-request", {REASON_FIELD: reason}, who, now)
    if wake is not None:
        wake()


def may_be_asked(tx: Session, complaint: Complaint) -> bool:
    """Whether more time can be asked for now; see `ask`. One that comes too late is taken, and refused (rule C6)."""
    number = complaint.number
    if complaint.closed_at is not None or complaint.category is None or _result(tx, number) is None:
        return False
    return len(_entries(tx, number, {ASKED})) <= len(_entries(tx, number, {GRANTED, REFUSED}))


def granted(tx: Session, number: str) -> int:
    """How many extensions a complaint has had."""
    return len(_entries(tx, number, {GRANTED}))


def due_at(tx: Session, number: str, now: datetime) -> datetime | None:
    """When the result is due, as long as that is ahead and the work is not done; else None."""
    found = _result(tx, number)
    return found.due_at if found is not None and is_open(found, now) else None


def extend(tx: Session, complaint: Complaint, now: datetime, later: Callable[[datetime], datetime]) -> None:
    """Moves every deadline of the complaint that is ahead and not met; the first instant is kept.

    Args:
        later: the new instant for an old one.
    """
    for each in deadlines.of(tx, complaint.number):
        if is_open(each, now):
            each.extended_from = each.extended_from or each.due_at
            each.due_at = later(each.due_at)


def is_open(deadline: Deadline, now: datetime) -> bool:
    """Whether a deadline can still be met."""
    return deadline.met_at is None and deadline.missed_at is None and deadline.due_at > now


def has_result(complaint: Complaint) -> bool:
    """Whether the customer has been told a result, so that there is nothing left to extend."""
    return complaint.closed_at is not None or complaint.status == Status.RESOLVED


def _result(tx: Session, number: str) -> Deadline | None:
    return next((each for each in deadlines.of(tx, number) if each.kind == "result"), None)


def _entries(tx: Session, number: str, codes: set[str]) -> list[TimelineEntry]:
    return [entry for entry in timeline.of(tx, number) if entry.code in codes]
