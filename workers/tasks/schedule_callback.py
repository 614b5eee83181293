"""Find the next decent hour for a call: not at night, and on days without work only who asked for it (rules A8, C8).

Job type: schedule-callback
Reads: number, callback_hours (earliest, latest, on_holidays), optional complaint_policy (contact_time).
Sets: callback_at, contact_due_at (callback_at and the policy's contact_time; the same instant where it has none).
Throws: nothing.
Effect: the instant is kept with the complaint's history.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar
from workers.cases.decent_hours import decent_at
from workers.cases.policy import CallbackHours, contact_time
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import SHANGHAI
from workers.store import complaints, timeline
from workers.store.database import Database


def schedule_callback(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    callback_hours: dict[str, Any],
    job: Job,
    complaint_policy: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns the instants; a second delivery returns what the first one found."""
    hours = CallbackHours.from_decision(callback_hours)
    key = f"{number}:callback:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            on_holidays = hours.on_holidays or complaint.calls_on_holidays
            at = decent_at(
                clock.now(), hours.earliest, hours.latest, on_holidays=on_holidays, calendar=calendar
            )
            timeline.add(tx, number, clock.now(), "duban", "callback-scheduled", key, callback_at=_text(at))
        else:
            at = datetime.fromisoformat(noted.facts["callback_at"])
    return {"callback_at": _text(at), "contact_due_at": _text(at + contact_time(complaint_policy))}


def _text(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
