"""Keep what the customer said about the result, and take the case up again where it is not solved (rules A8, A10).

Job type: record-satisfaction
Reads: number, satisfaction (satisfied, dissatisfied, no-answer), optional is_solved.
Sets: is_visit_rated.
Throws: nothing.
Effect: the satisfaction is kept with the complaint. is_visit_rated: it is the first answer after the newest visit, so
    that a visit is traced once at most (rule B11).

Job type: reopen-complaint
Reads: number, reopen_count.
Sets: reopen_count, is_reopened, is_investigated.
Throws: nothing.
Effect: the complaint is in progress again.
"""

from __future__ import annotations

from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import Status
from workers.store import complaints, timeline, work_orders
from workers.store.database import Database
from workers.store.outbox import Transaction


def record_satisfaction(
    database: Database,
    clock: Clock,
    *,
    number: str,
    satisfaction: str,
    job: Job,
    is_solved: bool | None = None,
) -> dict[str, Any]:
    """Keeps the newest answer; a second delivery returns the same."""
    key = f"{number}:satisfaction:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            complaint.satisfaction = satisfaction
            facts = {"satisfaction": satisfaction, "is_solved": is_solved}
            timeline.add(tx, number, clock.now(), "duban", "satisfaction-recorded", key, **facts)
        return {"is_visit_rated": _is_visit_rated(tx, number, key)}


def reopen_complaint(
    database: Database, clock: Clock, *, number: str, reopen_count: int, job: Job
) -> dict[str, Any]:
    """Returns the count with this time included."""
    key = f"{number}:reopened:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            complaints.set_status(complaint, Status.IN_PROGRESS)
            timeline.add(tx, number, clock.now(), "duban", "reopened", key, count=reopen_count + 1)
    return {"reopen_count": reopen_count + 1, "is_reopened": True, "is_investigated": False}


def _is_visit_rated(tx: Transaction, number: str, key: str) -> bool:
    """Whether the answer with this key is the first one since the newest work order was opened."""
    order = work_orders.newest(tx, number)
    if order is None:
        return False
    answers = [entry for entry in timeline.of(tx, number) if entry.code == "satisfaction-recorded"]
    since = [entry.dedupe_key for entry in answers if entry.at >= order.opened_at]
    return since[:1] == [key]
