"""More time, asked for before the deadline and decided by the complaint group (rules B8, C6).

Job type: register-extension
Reads: number, extension_rule (decide_time).
Sets: is_in_time, decide_at (the decision is due after its time, and before the deadline passes).
Throws: nothing.
Effect: the timeline says until when it is decided. Asked for when the result is overdue or told: not in time.

Job type: extend-deadline
Reads: number, extension_rule (longest, calendar, limit), extension_amount (hours on the clock or working days, as the
    calendar says; more than the longest is cut to it).
Sets: is_extended.
Throws: nothing.
Effect: every statutory deadline that is ahead and not met is moved, and when it was due before is kept. Nothing
    changes when the result's deadline has passed meanwhile or the limit is reached.

Job type: refuse-extension
Reads: number, extension_rule (limit), extension_count, is_in_time, optional is_granted.
Sets: extension_outcome.
Throws: nothing.
Effect: the timeline says why there is no extension; no deadline changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import CLOCK, WorkingCalendar
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.names import SHANGHAI
from workers.store import complaints, extensions, timeline
from workers.store.database import Database


def register_extension(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    extension_rule: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns whether it was asked for in time, and until when it is decided."""
    now = clock.now()
    key = f"{number}:extension-registered:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is not None:
            return {name: noted.facts[name] for name in ("is_in_time", "decide_at")}
        due = extensions.due_at(tx, number, now)
        is_in_time = due is not None and not extensions.has_result(complaint)
        decide = calendar.due_at(now, extension_rule["decide_time"], CLOCK)
        decide_at = _text(min(decide, due)) if due is not None else _text(now)
        facts = {"is_in_time": is_in_time, "decide_at": decide_at}
        timeline.add(tx, number, now, "duban", "extension-registered", key, **facts)
    return facts


def extend_deadline(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    extension_rule: dict[str, Any],
    extension_amount: int,
    job: Job,
) -> dict[str, Any]:
    """Returns whether the deadline was moved; a second delivery finds it noted."""
    now = clock.now()
    key = f"{number}:extended:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is not None:
            return {"is_extended": True}
        due = extensions.due_at(tx, number, now)
        is_spent = extensions.granted(tx, number) >= extension_rule["limit"]
        if due is None or is_spent or extensions.has_result(complaint):
            return {"is_extended": False}
        amount = _amount(min(extension_amount, extension_rule["longest"]), extension_rule["calendar"])

        def later(old: datetime) -> datetime:
            return calendar.due_at(old, amount, extension_rule["calendar"])

        extensions.extend(tx, complaint, now, later)
        facts = {"from_at": _text(due), "result_due_at": _text(later(due))}
        timeline.add(tx, number, now, "duban", extensions.GRANTED, key, **facts)
    return {"is_extended": True}


def refuse_extension(
    database: Database,
    clock: Clock,
    *,
    number: str,
    extension_rule: dict[str, Any],
    extension_count: int,
    is_in_time: bool,
    job: Job,
    is_granted: bool | None = None,
) -> dict[str, Any]:
    """Returns why: asked-late, limit-reached, refused, decided-late."""
    if not is_in_time:
        outcome = "asked-late"
    elif extension_count >= extension_rule["limit"]:
        outcome = "limit-reached"
    else:
        outcome = "refused" if is_granted is False else "decided-late"
    key = f"{number}:extension-refused:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        timeline.add(tx, number, clock.now(), "duban", extensions.REFUSED, key, outcome=outcome)
    return {"extension_outcome": outcome}


def _amount(count: int, calendar: str) -> str:
    if count < 1:
        raise Broken("the table extension-rule gives no time (longest) for an extension")
    return f"PT{count}H" if calendar == CLOCK else f"P{count}WD"


def _text(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
