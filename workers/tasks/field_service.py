"""Give the visit to an engineer and keep what he and the customer agreed on (rule B11).

Job type: open-work-order
Reads: number, field_service_rule (engineer_group, contact_time, contact_overdue_time), optional work_order_count,
    visit_attempt.
Sets: engineer, work_order_count, visit_attempt, contact_count, contact_due_at, contact_overdue_at.
Throws: nothing.
Effect: a work order with one named engineer, nearest to the customer; who had the case before does not get it again.

Job type: keep-appointment
Reads: number, is_reached, field_service_rule (contact_retry_time, late_notice_time, announce_time, grace_time,
    closing_hour, farthest_time), contact_count, contact_overdue_at, optional appointment_from_at,
    appointment_to_at.
Sets: is_appointed, contact_count, contact_due_at, contact_overdue_at, appointment_from_at, appointment_to_at,
    late_notice_at, announce_due_at, visit_overdue_at, closing_at, abandoned_at, expected_at.
Throws: nothing.
Effect: when the customer was first reached, and the window, are kept with the work order. A window that ends before it
    begins, is over, or lies too far ahead is not kept: the customer is to be called again.

Job type: raise-work-order
Reads: number.
Sets: visit_outcome.
Throws: nothing.
Effect: the work order is raised: engineers, contacts or visits are used up.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import iso
from workers.cases.field_work import FieldServiceRule, window
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.store import complaints, timeline, work_orders
from workers.store.database import Database

NO_WINDOW = dict.fromkeys(
    (
        "appointment_from_at",
        "appointment_to_at",
        "late_notice_at",
        "announce_due_at",
        "visit_overdue_at",
        "closing_at",
        "abandoned_at",
        "expected_at",
    )
)


def open_work_order(
    database: Database,
    clock: Clock,
    *,
    number: str,
    field_service_rule: dict[str, Any],
    job: Job,
    work_order_count: int | None = None,
    visit_attempt: int | None = None,
) -> dict[str, Any]:
    """Returns the engineer, the counts and the times for the first contact."""
    rule = FieldServiceRule.from_decision(field_service_rule)
    key = f"{number}:work-order:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        order = work_orders.opened_by(tx, job.element_instance_key)
        if order is None:
            now = clock.now()
            region = complaints.region(complaint)
            person = work_orders.pick_engineer(tx, number, rule.engineer_group, region)
            order = work_orders.open_order(
                tx,
                number,
                job.element_instance_key,
                person.username,
                rule.engineer_group,
                now,
                now + rule.contact_time,
            )
            timeline.add(tx, number, now, "duban", "work-order-opened", key, name=person.name)
            work_orders.settle(tx, complaint, now)
        return {
            "engineer": order.engineer,
            "work_order_count": (work_order_count or 0) + 1,
            "visit_attempt": visit_attempt or 0,
            "contact_count": 0,
            "contact_due_at": iso(order.contact_due_at),
            "contact_overdue_at": iso(order.opened_at + rule.contact_overdue_time),
        }


def keep_appointment(
    database: Database,
    clock: Clock,
    *,
    number: str,
    is_reached: bool,
    field_service_rule: dict[str, Any],
    contact_count: int,
    contact_overdue_at: str,
    job: Job,
    appointment_from_at: str | None = None,
    appointment_to_at: str | None = None,
) -> dict[str, Any]:
    """Returns the window's instants, or when the customer is to be called again."""
    rule = FieldServiceRule.from_decision(field_service_rule)
    key = f"{number}:contact:{job.element_instance_key}"
    from_at, to_at = _instant(appointment_from_at), _instant(appointment_to_at)
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        order = work_orders.present(tx, number)
        noted = timeline.find(tx, key)
        now = noted.at if noted else clock.now()
        kept = window(rule, from_at, to_at, now) if is_reached and from_at and to_at else None
        if noted is None:
            if is_reached:
                order.contacted_at = order.contacted_at or now
            if kept:
                order.status, order.window_from, order.window_to = "appointed", kept.from_at, kept.to_at
                order.late_told_at = order.expected_at = order.arrived_at = None
            code = "appointment-kept" if kept else "window-refused" if is_reached else "contact-failed"
            facts = {"window_from": appointment_from_at, "window_to": appointment_to_at}
            timeline.add(tx, number, now, "duban", code, key, **(facts if is_reached else {}))
            work_orders.settle(tx, complaint, now)
    if kept is None:
        again = now + rule.contact_retry_time
        return {
            "is_appointed": False,
            "contact_count": contact_count + 1,
            "contact_due_at": iso(again),
            "contact_overdue_at": iso(again + rule.contact_overdue_time - rule.contact_time),
            **NO_WINDOW,
        }
    return {
        "is_appointed": True,
        "contact_count": contact_count + 1,
        "contact_due_at": iso(now),
        "contact_overdue_at": contact_overdue_at,
        "appointment_from_at": iso(kept.from_at),
        "appointment_to_at": iso(kept.to_at),
        "late_notice_at": iso(kept.late_notice_at),
        "announce_due_at": iso(kept.announce_due_at),
        "visit_overdue_at": iso(kept.visit_overdue_at),
        "closing_at": iso(kept.closing_at),
        "abandoned_at": iso(kept.abandoned_at),
        "expected_at": None,
    }


def raise_work_order(database: Database, clock: Clock, *, number: str, job: Job) -> dict[str, Any]:
    """Returns the outcome for the process that asked for the visit."""
    key = f"{number}:work-order-raised:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        order = work_orders.present(tx, number)
        if timeline.find(tx, key) is None:
            order.status, order.ended_at = "raised", clock.now()
            timeline.add(tx, number, clock.now(), "duban", "work-order-raised", key)
    return {"visit_outcome": "not-done"}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
