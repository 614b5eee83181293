"""What the first page shows: how much there is, how urgent it is and whose, and what is stuck."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, and_, case, func, select, true
from sqlalchemy.orm import Session

from workers.cases.part import Part
from workers.store import case_list, outbox, standing
from workers.store.offer_tables import TaskOffer
from workers.store.record_tables import Incident
from workers.store.sight import EVERYTHING, Sight
from workers.store.standing import Standing
from workers.store.tables import Complaint, EngineRequest
from workers.store.urgency import urgency as urgency  # told here to those who show one case

FIRST: Final = 12


@dataclass(frozen=True)
class Overview:
    """How things stand in one part of the country, as far as somebody may see it.

    Attributes:
        statuses: complaints that are not closed, by status.
        total: of those whose customer waits.
        places: by the places that the part is divided into, the worst first.
        first: what is due first.
        tasks: (group, open user tasks, of these past their due time), most first.
        incidents, outbox, owed_to_engine: of the whole instance.
    """

    statuses: dict[str, int]
    total: Standing
    places: list[Standing]
    groups: list[Standing]
    owners: list[Standing]
    first: list[case_list.Line]
    tasks: list[tuple[str, int, int]] = field(default_factory=list)
    incidents: int = 0
    outbox: dict[str, int] = field(default_factory=dict)
    owed_to_engine: int = 0


def overview(
    tx: Session, now: datetime, part: Part | None = None, sight: Sight = EVERYTHING, *, first: int = FIRST
) -> Overview:
    """The figures at an instant.

    Args:
        first: how many of the cases that are due first are listed.
    """
    part = part or Part()
    seen = sight.covers(Complaint)
    here = and_(true(), *standing.in_part(part), seen)
    wanted = case_list.Wanted(status="running", part=part, order="due")
    return Overview(
        statuses=standing.statuses(tx, here),
        total=standing.total(tx, now, here),
        places=standing.by_place(tx, now, part, seen),
        groups=standing.by_group(tx, now, here),
        owners=standing.by_owner(tx, now, here),
        first=case_list.CaseList(tx, wanted, now, {}, seen).page(limit=first).lines,
        tasks=_tasks_by_group(tx, now, part, sight),
        incidents=_count(tx, select(func.count()).where(Incident.state == "open")),
        outbox=outbox.counts(tx),
        owed_to_engine=_count(tx, select(func.count()).where(EngineRequest.state == "pending")),
    )


def _tasks_by_group(tx: Session, now: datetime, part: Part, sight: Sight) -> list[tuple[str, int, int]]:
    is_late = func.sum(case((TaskOffer.sorted_at <= now, 1), else_=0))
    rows = select(TaskOffer.group, func.count(), is_late).group_by(TaskOffer.group)
    if part.names or sight.bound is not None:
        here: list[ColumnElement[bool]] = [*standing.in_part(part), sight.covers(Complaint)]
        rows = rows.join(Complaint, Complaint.number == TaskOffer.number).where(*here)
    found = [(group or "-", int(count), int(late)) for group, count, late in tx.execute(rows)]
    return sorted(found, key=lambda each: (-each[1], each[0]))


def _count(tx: Session, statement: object) -> int:
    return int(tx.execute(statement).scalar_one())  # type: ignore[call-overload]
