"""Reports on an event: due, overdue, submitted (rule E4). What they say is an answer of their task."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.store.incident_tables import IncidentReport
from workers.store.tables import Answer

FORM: Final = "submit-incident-report"
NEWS_FIELD: Final = "customer_news"


@dataclass(frozen=True)
class Asked:
    """A report that somebody is asked for; `id` is the process instance that asks."""

    id: str
    incident: str
    kind: str
    group: str


@dataclass(frozen=True)
class Written:
    """Who wrote the newest report of an event, and what its customers may read of it."""

    author: str
    news: str | None


def ask(tx: Session, asked: Asked, person: str, due_at: datetime) -> None:
    """The report is due. Asked again, of the next tier, it keeps the time that it was due first.

    The caller holds the incident's lock, so that two reports never get one sequence number.
    """
    report = tx.get(IncidentReport, asked.id)
    if report is None:
        same = (IncidentReport.incident == asked.incident, IncidentReport.kind == asked.kind)
        earlier = tx.scalar(select(func.count()).select_from(IncidentReport).where(*same)) or 0
        report = IncidentReport(id=asked.id, incident=asked.incident, kind=asked.kind, due_at=due_at)
        report.sequence = earlier + 1
        tx.add(report)
    report.owner_group, report.owner_person = asked.group, person
    tx.flush()


def mark_overdue(tx: Session, id_: str, now: datetime) -> None:
    """Nobody wrote it in time; the first time counts."""
    report = tx.get_one(IncidentReport, id_)
    report.overdue_at = report.overdue_at or now


def submit(tx: Session, id_: str, author: str, now: datetime) -> str:
    """It was written; returns its kind."""
    report = tx.get_one(IncidentReport, id_)
    report.submitted_at, report.author = now, author
    return report.kind


def written(tx: Session, number: str) -> Written:
    """The newest report of an event, a draft too: see answers.newest."""
    mine = select(Answer).where(Answer.number == number, Answer.form == FORM)
    found = list(tx.scalars(mine.order_by(Answer.at.desc(), Answer.task_key.desc(), Answer.field)))
    newest = [each for each in found if each.task_key == found[0].task_key]
    news = next((each.value for each in newest if each.field == NEWS_FIELD and each.value.strip()), None)
    return Written(newest[0].author if newest else "duban", news)
