"""An event as JSON: what `duban event` prints and the API answers. A contract for scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.names import SHANGHAI
from workers.store import (
    answers,
    incident_moves,
    incidents,
    outbox,
    record_queries,
    timeline,
    timeline_words,
    watchers,
)
from workers.store.case_parts import answered, entry, message, stuck, task
from workers.store.incident_tables import IncidentReport, MajorIncident
from workers.store.timeline_words import TimelineWords


def show(
    tx: Session, number: str, words: TimelineWords | None = None, *, with_text: bool = False
) -> dict[str, Any]:
    """The event, its complaints (numbers only), its reports, what happened, who was told.

    Args:
        words: what the timeline says; None: as shipped.
        with_text: adds what people wrote, under `personal`; only for people who work on the event.

    Raises:
        NotFound: no event has this number.
    """
    incident = incidents.get(tx, number)
    said = words or timeline_words.shipped()
    found = line(tx, incident) | {
        "reports": [_report(each, incident) for each in reports(tx, number)],
        "complaints": [each.number for each in incidents.members(tx, number)],
        "timeline": [entry(each, said) for each in timeline.of(tx, number)],
        "messages": [message(each) for each in outbox.of_number(tx, number)],
        "tasks": [task(each) for each in record_queries.open_tasks(tx, number)],
        "incident": next((stuck(each) for each in record_queries.open_incidents(tx, number)), None),
        "watchers": [each.person for each in watchers.of(tx, number)],
        "round": incident_moves.round_of(timeline.of(tx, number)),
    }
    if with_text:
        written = [answered(each) for each in answers.of(tx, number)]
        found["personal"] = {"text": incident.text, "answers": written}
    return found


def line(tx: Session, incident: MajorIncident) -> dict[str, Any]:
    """The event in a list: nothing that somebody wrote."""
    return {
        "number": incident.number,
        "policy": incident.policy,
        "kind": incident.kind,
        "status": incident.status,
        "tier": incident.tier,
        "reason": incident.reason,
        "outcome": incident.outcome,
        "owner": {"group": incident.owner_group, "person": incident.owner_person},
        "region": incidents.region(incident).model_dump(),
        "product": incident.product,
        "category": incident.category,
        "affected_users": incident.affected_users,
        "outage_minutes": incident.outage_minutes,
        "flags": incident.flags,
        "source": incident.source,
        "complaint_count": incidents.count(tx, incident.number),
        "declared_at": _iso(incident.declared_at),
        "acknowledged_at": _iso(incident.acknowledged_at),
        "decided_at": _iso(incident.decided_at),
        "solved_at": _iso(incident.solved_at),
        "closed_at": _iso(incident.closed_at),
    }


def reports(tx: Session, number: str) -> list[IncidentReport]:
    """The reports of an event that are or were due, the earliest first."""
    mine = select(IncidentReport).where(IncidentReport.incident == number)
    return list(tx.scalars(mine.order_by(IncidentReport.due_at, IncidentReport.kind)))


def is_lapsed(report: IncidentReport, incident: MajorIncident) -> bool:
    """The work on the event ended before it was written; nobody is asked for it any more (rule E4)."""
    ends_with_work = report.kind != "final" and incident.status not in incidents.OPEN
    return report.submitted_at is None and ends_with_work


def _report(report: IncidentReport, incident: MajorIncident) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "sequence": report.sequence,
        "owner": {"group": report.owner_group, "person": report.owner_person},
        "due_at": _iso(report.due_at),
        "overdue": report.overdue_at is not None,
        "lapsed": is_lapsed(report, incident),
        "submitted_at": _iso(report.submitted_at),
        "author": report.author,
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
