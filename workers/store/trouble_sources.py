"""What is wrong now, kind by kind: what began that is not among the open troubles, and which of these are over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Integer, Select, String, and_, cast, exists, func, select
from sqlalchemy.orm import Session, aliased

from workers.cases.region import bare
from workers.store import beats, stuck
from workers.store.alert_tables import Alert, Trouble
from workers.store.incident_tables import IncidentReport, MajorIncident
from workers.store.incidents import RUNNING
from workers.store.outbox_view import told
from workers.store.record_tables import Incident, ProcessInstance
from workers.store.tables import Complaint, OutboxMessage
from workers.store.urgency import has_urgency, is_running

Kind = Literal["incident", "dead-letter", "complaint-overdue", "place-overdue", "report-overdue", "workers"]
KINDS: Final[tuple[Kind, ...]] = (
    "incident",
    "dead-letter",
    "complaint-overdue",
    "place-overdue",
    "report-overdue",
    "workers",
)
AT_ONCE: Final = 2000
"""Troubles that one look takes up; the next one goes on."""
_CAUSE: Final = 200
_OURS: Final = re.compile(
    r"(Broken|BusinessError|Conflict|NotFound|Refused|RetryLater|Unavailable|[A-Za-z]*NotNow): "
    r"|[A-Za-z_][A-Za-z0-9_]* in \S+ \([A-Za-z0-9_]+\.py:\d+\)$"
)


@dataclass(frozen=True)
class Seen:
    """Something that is wrong and was not before. Fields as of `Trouble`."""

    subject: str
    since: datetime
    cause: str
    number: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a look at one kind found: what began, and the ids of the open troubles that are over."""

    begun: list[Seen]
    over: list[int]


def look(tx: Session, kind: Kind, now: datetime, pile: int) -> Found:
    """Looks at one kind, as far as `AT_ONCE` allows.

    Args:
        pile: from how many overdue complaints on a place is in trouble; at half of that it no longer is.
    """
    if kind == "place-overdue":
        return _places(tx, now, pile)
    return _LOOKS[kind](tx, now)


def safe_cause(error_type: str, message: str) -> str | None:
    """An incident's message as far as it may leave the house: ours only, with numbers masked (rule B10).

    Our workers say nothing else than sentences of ours, and of other errors class and place (engine/failures.py). A
    message of the engine can quote values, one of somebody else's worker can hold anything: both are on the page only.
    """
    if error_type != "JOB_NO_RETRIES" or not _OURS.match(message):
        return None
    return told(message[:_CAUSE])


def _incidents(tx: Session, _now: datetime) -> Found:
    is_open = Incident.state == "open"
    rows = tx.execute(
        select(Incident, ProcessInstance.number)
        .outerjoin(ProcessInstance, ProcessInstance.key == Incident.process_instance_key)
        .where(is_open, _is_new("incident", Incident.key))
        .order_by(Incident.created_at)
        .limit(AT_ONCE)
    ).all()
    names = stuck.newest_names(tx) if rows else {}

    def seen(row: Incident, number: str | None) -> Seen:
        labels = names.get(row.process_id, {})
        return Seen(
            row.key,
            row.created_at,
            stuck.cause_id(row.process_id, row.element_id, row.error_type, row.error_message),
            number,
            {
                "process": row.process_id,
                "process_name": labels.get(row.process_id, row.process_id),
                "element": row.element_id,
                "element_name": labels.get(row.element_id, row.element_id),
                "error_type": row.error_type,
                "says": safe_cause(row.error_type, row.error_message),
            },
        )

    over = _over(tx, "incident", exists().where(Incident.key == Trouble.subject, is_open))
    return Found([seen(*row) for row in rows], over)


def _dead_letters(tx: Session, _now: datetime) -> Found:
    # An alert that is given up is no trouble of its own: it would make the next one, and so on.
    alert = exists().where(Alert.number == OutboxMessage.number)
    is_dead = OutboxMessage.status == "dead"
    rows = tx.scalars(
        select(OutboxMessage)
        .where(is_dead, ~alert, _is_new("dead-letter", cast(OutboxMessage.id, String)))
        .order_by(OutboxMessage.id)
        .limit(AT_ONCE)
    )
    begun = []
    for row in rows:
        says = told(row.last_error) or ""
        facts = {"channel": row.channel, "says": says[:_CAUSE] or None}
        begun.append(Seen(str(row.id), row.created_at, _word(row.channel, says), row.number, facts))
    here = exists().where(OutboxMessage.id == cast(Trouble.subject, Integer), is_dead)
    return Found(begun, _over(tx, "dead-letter", here))


def _complaints(tx: Session, now: datetime) -> Found:
    is_late = and_(is_running(), has_urgency("overdue", now))
    columns = (
        Complaint.number,
        Complaint.next_due_at,
        Complaint.province,
        Complaint.city,
        Complaint.branch,
    )
    rows = tx.execute(
        select(*columns)
        .where(is_late, _is_new("complaint-overdue", Complaint.number))
        .order_by(Complaint.next_due_at, Complaint.number)
        .limit(AT_ONCE)
    )
    begun = []
    for number, due_at, *names in rows:
        place = _place(*names)
        begun.append(Seen(number, due_at or now, _word(place), number, {"place": place}))
    here = exists().where(Complaint.number == Trouble.subject, is_late)
    return Found(begun, _over(tx, "complaint-overdue", here))


def _reports(tx: Session, now: datetime) -> Found:
    is_late = and_(
        IncidentReport.due_at <= now,
        IncidentReport.submitted_at.is_(None),
        exists().where(MajorIncident.number == IncidentReport.incident, MajorIncident.status.in_(RUNNING)),
    )
    rows = tx.scalars(
        select(IncidentReport)
        .where(is_late, _is_new("report-overdue", IncidentReport.id))
        .order_by(IncidentReport.due_at)
        .limit(AT_ONCE)
    )
    begun = [
        Seen(
            row.id, row.due_at, _word(row.kind), row.incident, {"report": row.kind, "group": row.owner_group}
        )
        for row in rows
    ]
    return Found(
        begun, _over(tx, "report-overdue", exists().where(IncidentReport.id == Trouble.subject, is_late))
    )


def _workers(tx: Session, _now: datetime) -> Found:
    """Job types whose processes all fell silent, by the real clock as heartbeats are; who stopped in order did not."""
    types = {each.job_type: each for each in beats.by_type(tx, datetime.now(UTC))}
    silent = {name: each for name, each in types.items() if not each.hosts}
    known = _open(tx, "workers")
    begun = [
        Seen(name, each.last_seen_at, _word("workers"), None, {"job_type": name})
        for name, each in silent.items()
        if name not in known
    ]
    return Found(begun, [id_ for name, id_ in known.items() if name not in silent])


def _places(tx: Session, now: datetime, pile: int) -> Found:
    rows = tx.execute(
        select(Complaint.province, Complaint.city, func.count(), func.min(Complaint.next_due_at))
        .where(is_running(), has_urgency("overdue", now))
        .group_by(Complaint.province, Complaint.city)
    )
    counts: dict[str, int] = {}
    first: dict[str, datetime] = {}
    for province, city, count, due_at in rows:
        name = _place(province, city)
        counts[name] = counts.get(name, 0) + count
        first[name] = min(first.get(name, now), due_at or now)
    known = _open(tx, "place-overdue")
    begun = [
        Seen(name, first[name], _word(name), None, {"place": name, "overdue": counts[name]})
        for name in sorted(counts)
        if counts[name] >= pile and name not in known
    ]
    return Found(begun, [id_ for name, id_ in known.items() if counts.get(name, 0) * 2 <= pile])


_LOOKS: Final[Mapping[str, Callable[[Session, datetime], Found]]] = {
    "incident": _incidents,
    "dead-letter": _dead_letters,
    "complaint-overdue": _complaints,
    "report-overdue": _reports,
    "workers": _workers,
}


def _is_new(kind: Kind, subject: ColumnElement[str] | Any) -> ColumnElement[bool]:
    other = aliased(Trouble)
    return ~exists().where(other.kind == kind, other.subject == subject, other.ended_at.is_(None))


def _over(tx: Session, kind: Kind, is_still: ColumnElement[bool]) -> list[int]:
    ended: Select[Any] = select(Trouble.id).where(Trouble.kind == kind, Trouble.ended_at.is_(None), ~is_still)
    return list(tx.scalars(ended.limit(AT_ONCE)))


def _open(tx: Session, kind: Kind) -> dict[str, int]:
    rows = select(Trouble.subject, Trouble.id).where(Trouble.kind == kind, Trouble.ended_at.is_(None))
    return dict(tx.execute(rows).all())


def _place(*names: str | None) -> str:
    """`江苏 南京`, however the places were written; empty: not known."""
    return " ".join(bare(name) for name in names if name)


def _word(*parts: Iterable[str] | str) -> str:
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]
