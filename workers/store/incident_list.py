"""Events in a list: what is due first on top (rules E3, E4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from workers.cases.region import bare, spellings
from workers.store import incidents, record_queries
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.record_views import TaskView

PAGE: Final = 50
_PLACES: Final = (MajorIncident.province, MajorIncident.city, MajorIncident.branch)


@dataclass(frozen=True)
class Listed:
    """An event, how many complaints belong to it, and the task that is due first."""

    incident: MajorIncident
    complaints: int
    due: TaskView | None


@dataclass(frozen=True)
class Wanted:
    """What to show.

    Attributes:
        tier: that has it now; None: any.
        place: a province, city or branch, however it is written; None: any.
        is_open: only events whose process has not ended.
        after: number of the last one of the page before; only where all are shown.
    """

    tier: str | None = None
    place: str | None = None
    is_open: bool = True
    after: str | None = None


def listed(tx: Session, wanted: Wanted, *seen: ColumnElement[bool]) -> tuple[list[Listed], str | None]:
    """Open events, what is due first on top; or all, the newest first and page by page.

    Args:
        seen: what the reader may see, as conditions on MajorIncident.

    Returns:
        The lines, and `after` of the next page; None: this is the last one, or open events are shown, which are
        few and on one page (the newest 500).
    """
    statement = _chosen(wanted).where(*seen)
    most = 10 * PAGE if wanted.is_open else PAGE + 1
    newest = statement.order_by(MajorIncident.declared_at.desc(), MajorIncident.number.desc()).limit(most)
    found = list(tx.scalars(newest))
    more = None
    if not wanted.is_open and len(found) > PAGE:
        found = found[:PAGE]
        more = found[-1].number
    lines = _lines(tx, found)
    if wanted.is_open:
        lines.sort(key=lambda each: (each.due is None, _due_at(each)))
    return lines, more


def places(tx: Session, *seen: ColumnElement[bool]) -> list[str]:
    """Where events are or were: provinces, cities, branches, each once, however it was written."""
    rows = tx.execute(select(*_PLACES).where(*seen).distinct()).all()
    shortest: dict[str, str] = {}
    for row in rows:
        for name in filter(None, row):
            shortest.setdefault(bare(name), name)
    return sorted(shortest.values())


def _chosen(wanted: Wanted) -> Select[MajorIncident]:
    statement = select(MajorIncident)
    if wanted.is_open:
        statement = statement.where(MajorIncident.status.in_(incidents.RUNNING))
    if wanted.tier is not None:
        statement = statement.where(MajorIncident.tier == wanted.tier)
    if wanted.place is not None:
        names = spellings(wanted.place)
        statement = statement.where(or_(*(column.in_(names) for column in _PLACES)))
    if wanted.after is not None and not wanted.is_open:
        last = select(MajorIncident.declared_at).where(MajorIncident.number == wanted.after).scalar_subquery()
        same = (MajorIncident.declared_at == last) & (MajorIncident.number < wanted.after)
        statement = statement.where(or_(MajorIncident.declared_at < last, same))
    return statement


def _lines(tx: Session, found: Sequence[MajorIncident]) -> list[Listed]:
    numbers = [each.number for each in found]
    counts, due = _counts(tx, numbers), record_queries.next_due(tx, numbers)
    return [Listed(each, counts.get(each.number, 0), due.get(each.number)) for each in found]


def _counts(tx: Session, numbers: Collection[str]) -> dict[str, int]:
    mine = (IncidentComplaint.incident.in_(numbers), IncidentComplaint.detached_at.is_(None))
    counted = select(IncidentComplaint.incident, func.count()).where(*mine)
    return dict(tx.execute(counted.group_by(IncidentComplaint.incident)).all())


def _due_at(line: Listed) -> datetime:
    return line.due.due_at if line.due and line.due.due_at else line.incident.declared_at
