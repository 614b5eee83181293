"""Keep what happened at the customer's: arrival, a delay, the result (rule B11).

Job type: record-arrival
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: when the engineer arrived is kept with the work order.

Job type: record-delay
Reads: number, optional expected_at.
Sets: nothing.
Throws: nothing.
Effect: that the delay is announced, and the new time where the engineer named one, are kept with the work order.

Job type: record-visit
Reads: number, is_visit_done, field_service_rule (contact_time, contact_overdue_time), visit_attempt, optional
    reason_code.
Sets: is_reason_missing, visit_outcome, visit_attempt, contact_count, contact_due_at, contact_overdue_at. The last
    four are for the next appointment, where the work is not done.
Throws: nothing.
Effect: the work order is done, or not done with its reason. Done on another day than that of the visit, without a
    reason: nothing is kept and the reason is missing, whatever the form said about the day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import iso
from workers.cases.field_work import FieldServiceRule, is_same_day
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.store import complaints, timeline, work_orders
from workers.store.database import Database


def record_arrival(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Notes the arrival."""
    key = f"{number}:arrived:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        order = work_orders.present(tx, number)
        if timeline.find(tx, key) is None:
            order.status, order.arrived_at = "arrived", clock.now()
            timeline.add(tx, number, clock.now(), "duban", "engineer-arrived", key)
            work_orders.settle(tx, complaint, clock.now())


def record_delay(
    database: Database, clock: Clock, *, number: str, job: Job, expected_at: str | None = None
) -> None:
    """Notes that the customer is told of the delay."""
    key = f"{number}:delayed:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        order = work_orders.present(tx, number)
        if timeline.find(tx, key) is None:
            order.late_told_at = clock.now()
            order.expected_at = datetime.fromisoformat(expected_at) if expected_at else None
            timeline.add(tx, number, clock.now(), "duban", "visit-delayed", key, expected_at=expected_at)


def record_visit(
    database: Database,
    clock: Clock,
    *,
    number: str,
    is_visit_done: bool,
    field_service_rule: dict[str, Any],
    visit_attempt: int,
    job: Job,
    reason_code: str | None = None,
) -> dict[str, Any]:
    """Returns the outcome and, where the work is not done, when the customer is to be called again."""
    rule = FieldServiceRule.from_decision(field_service_rule)
    key = f"{number}:visited:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        order = work_orders.present(tx, number)
        noted = timeline.find(tx, key)
        now = noted.at if noted else clock.now()
        same_day = is_visit_done and is_same_day(order.window_from or order.opened_at, now)
        is_missing = reason_code is None and not same_day
        if noted is None:
            code = (
                "visit-reason-missing" if is_missing else "visit-done" if is_visit_done else "visit-not-done"
            )
            if not is_missing:
                order.status = "done" if is_visit_done else "not-done"
                order.ended_at = now if is_visit_done else None
                order.is_same_day, order.reason_code = same_day, reason_code
                order.visits += not is_visit_done
            facts = {} if is_missing else {"reason": reason_code}
            timeline.add(tx, number, now, "duban", code, key, **facts)
            work_orders.settle(tx, complaint, now)
    return {
        "is_reason_missing": is_missing,
        "visit_outcome": "done" if is_visit_done else "not-done",
        "visit_attempt": visit_attempt + (not is_visit_done and not is_missing),
        "contact_count": 0,
        "contact_due_at": iso(now + rule.contact_time),
        "contact_overdue_at": iso(now + rule.contact_overdue_time),
    }
