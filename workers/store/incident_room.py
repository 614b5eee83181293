"""All that the people who steer an event need on one page: how it got here, what runs, what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.names import SHANGHAI
from workers.store import incident_moves, incident_view, incidents, record_queries, timeline
from workers.store.incident_tables import IncidentComplaint, IncidentReport, MajorIncident
from workers.store.record_views import TaskView
from workers.store.tables import Complaint, TimelineEntry

SHOWN: Final = 8
"""Complaints on the page before somebody asks for all of them."""
MOST: Final = 500
_RECENTLY: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Stage:
    """One tier's time with the event (rule E3).

    Attributes:
        person, group: the duty manager who was called.
        due_at: until when they were to acknowledge it.
        left_at, how: when another tier was called, and why (a word of labels.json); None: it has the event, or
            ended it.
    """

    tier: str
    person: str
    group: str
    called_at: datetime
    due_at: datetime
    acknowledged_at: datetime | None = None
    decided_at: datetime | None = None
    left_at: datetime | None = None
    how: str | None = None


@dataclass(frozen=True)
class Report:
    """A report that is or was due (rule E4), with the task in which it is written."""

    row: IncidentReport
    is_lapsed: bool
    task: TaskView | None

    @property
    def due_at(self) -> datetime:
        """Until when it is asked for now: overdue, the next tier has a time of its own."""
        return self.task.due_at if self.task and self.task.due_at else self.row.due_at


@dataclass(frozen=True)
class Tied:
    """A complaint that belongs to the event: nothing that somebody wrote, nobody's name."""

    complaint: Complaint
    attached_at: datetime
    attached_by: str


@dataclass(frozen=True)
class Room:
    """One event.

    Attributes:
        tasks: open ones, what is due first on top.
        tied: the newest complaints; `total` is how many there are, `waiting` how many are not closed, `recently` how
            many joined within the last hour.
        round: how many times a tier was called, see incident_moves.
        moving: the move that somebody asked for and that is not made yet.
    """

    incident: MajorIncident
    stages: list[Stage]
    tasks: list[TaskView]
    reports: list[Report]
    tied: list[Tied]
    total: int
    waiting: int
    recently: int
    round: int
    moving: TimelineEntry | None

    @property
    def is_open(self) -> bool:
        """Complaints join and leave it, tiers have it, customers hear news."""
        return self.incident.status in incidents.OPEN


def look(tx: Session, number: str, now: datetime, *, limit: int = SHOWN) -> Room:
    """The event as it is now.

    Args:
        limit: of complaints.

    Raises:
        NotFound: no event has this number.
    """
    incident, entries = incidents.get(tx, number), timeline.of(tx, number)
    tasks = record_queries.open_tasks(tx, number)
    total, waiting, recently = _counted(tx, number, now)
    return Room(
        incident=incident,
        stages=stages(entries),
        tasks=tasks,
        reports=[_report(each, incident, tasks) for each in incident_view.reports(tx, number)],
        tied=_tied(tx, number, limit),
        total=total,
        waiting=waiting,
        recently=recently,
        round=incident_moves.round_of(entries),
        moving=incident_moves.asked(entries, now) if incident.status in incidents.OPEN else None,
    )


def stages(entries: list[TimelineEntry]) -> list[Stage]:
    """The tiers that had the event, in their order, from its timeline."""
    found: list[Stage] = []
    for entry in entries:
        facts = entry.facts
        if entry.code == incident_moves.CALLED:
            found.append(_called(entry.at, facts))
            continue
        change = _change(entry.code, entry.at, facts)
        if found and change:
            found[-1] = replace(found[-1], **change)
    return found


def _called(at: datetime, facts: dict[str, Any]) -> Stage:
    due_at = datetime.fromisoformat(str(facts["due_at"])).astimezone(SHANGHAI)
    return Stage(str(facts["tier"]), str(facts["owner"]), str(facts["group"]), at, due_at)


def _change(code: str, at: datetime, facts: dict[str, Any]) -> dict[str, Any]:
    match code:
        case "incident-acknowledged":
            return {"acknowledged_at": at}
        case "plan-decided":
            return {"decided_at": at}
        case "incident-raised":
            return {"left_at": at, "how": str(facts.get("how", "raise"))}
        case "incident-handed-back":
            return {"left_at": at, "how": "hand-back"}
        case _:
            return {}


def _report(row: IncidentReport, incident: MajorIncident, tasks: list[TaskView]) -> Report:
    task = next((each for each in tasks if each.process_instance_key == row.id), None)
    return Report(row, incident_view.is_lapsed(row, incident), task)


def _tied(tx: Session, number: str, limit: int) -> list[Tied]:
    newest = (
        select(Complaint, IncidentComplaint.attached_at, IncidentComplaint.attached_by)
        .join(IncidentComplaint, IncidentComplaint.complaint == Complaint.number)
        .where(IncidentComplaint.incident == number, IncidentComplaint.detached_at.is_(None))
        .order_by(IncidentComplaint.attached_at.desc(), Complaint.number.desc())
        .limit(limit)
    )
    return [Tied(*row) for row in tx.execute(newest)]


def _counted(tx: Session, number: str, now: datetime) -> tuple[int, int, int]:
    """All, those that are not closed, those that joined lately."""
    recently = IncidentComplaint.attached_at > now - _RECENTLY
    counted = (
        select(
            func.count(),
            func.count().filter(Complaint.closed_at.is_(None)),
            func.count().filter(recently),
        )
        .select_from(IncidentComplaint)
        .join(Complaint, Complaint.number == IncidentComplaint.complaint)
        .where(IncidentComplaint.incident == number, IncidentComplaint.detached_at.is_(None))
    )
    total, waiting, late = tx.execute(counted).one()
    return int(total), int(waiting), int(late)
