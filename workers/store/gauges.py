"""How the whole instance is doing, in a few cheap counts: what Prometheus is told again and again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, text

from workers.names import Tier
from workers.store import beats, outbox_view, standing
from workers.store.database import Database
from workers.store.offer_tables import TaskOffer
from workers.store.outbox import Transaction
from workers.store.record_tables import Incident
from workers.store.tables import Complaint, EngineRequest, OutboxMessage
from workers.store.urgency import is_running

_LONGEST: Final = 5000
"""Milliseconds that PostgreSQL may take for one of them."""


@dataclass(frozen=True)
class Gauges:
    """How things stood at one moment; ages are seconds, 0 where nothing waits.

    Attributes:
        statuses: complaints that are not closed, by status.
        overdue: complaints past their next statutory deadline, by tier; every tier is there.
        tasks: group -> (open user tasks, of these past their due time).
        outbox: messages that are not delivered, by state: pending, dead.
        owed: messages that the engine is owed.
        incidents: open incidents of the engine, by process id.
        alive: processes that work on a job type now; types that somebody worked on within a day.
        newest_records: partition -> when the engine wrote the newest record that is in the tables.
    """

    statuses: Mapping[str, int]
    overdue: Mapping[str, int]
    tasks: Mapping[str, tuple[int, int]]
    outbox: Mapping[str, int]
    outbox_age: float
    owed: int
    owed_age: float
    incidents: Mapping[str, int]
    alive: Mapping[str, int]
    newest_records: Mapping[int, datetime]


def look(database: Database, now: datetime, beaten_at: datetime) -> Gauges:
    """Counts. Blocks; raises what the store raises, on PostgreSQL also when a count takes too long.

    Args:
        now: by the instance's clock.
        beaten_at: now by the real clock: who works on something says so by that one.
    """
    with database.read() as tx:
        if not database.is_sqlite:
            tx.execute(text(f"set local statement_timeout = {_LONGEST}"))
        undelivered = dict(_pairs(tx, _counted(OutboxMessage.status).where(OutboxMessage.status != "sent")))
        owed = select(func.count(), func.min(EngineRequest.created_at)).where(
            EngineRequest.state == "pending"
        )
        count, owed_since = tx.execute(owed).one()
        return Gauges(
            statuses=standing.statuses(tx),
            overdue={each.value: 0 for each in Tier} | _overdue(tx, now),
            tasks=_tasks(tx, now),
            outbox={"pending": 0, "dead": 0} | undelivered,
            outbox_age=_age(outbox_view.oldest_pending(tx), now),
            owed=count,
            owed_age=_age(owed_since, now),
            incidents=dict(_pairs(tx, _counted(Incident.process_id).where(Incident.state == "open"))),
            alive={life.job_type: life.hosts for life in beats.by_type(tx, beaten_at)},
            newest_records={partition: at for partition, at, _ in beats.lag(tx)},
        )


def _overdue(tx: Transaction, now: datetime) -> dict[str, int]:
    late = _counted(Complaint.tier).where(is_running(), Complaint.next_due_at <= now)
    return dict(_pairs(tx, late))


def _tasks(tx: Transaction, now: datetime) -> dict[str, tuple[int, int]]:
    late = func.count().filter(TaskOffer.sorted_at <= now)
    rows = tx.execute(select(TaskOffer.group, func.count(), late).group_by(TaskOffer.group))
    return {group or "none": (count, of_these) for group, count, of_these in rows}


def _counted(column: Any) -> Select[Any, int]:
    return select(column, func.count()).group_by(column)


def _pairs(tx: Transaction, statement: Select[Any, int]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in tx.execute(statement)]


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
