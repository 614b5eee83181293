"""Put right what the operator got wrong: a named owner, a due date, a check that it worked (rules B6, E5).

Job type: assign-rectification
Reads: number, rectification_group, rectification_clock (time, calendar, warning_share), optional rectification_time,
    cause_code, rectification_round.
Sets: rectification_owner, rectification_round, rectification_due_at, rectification_warning_at.
Throws: nothing.
Effect: the rectification has one named owner of its group, and a due date: the time that was ordered, else the table's.

Job type: raise-rectification
Reads: number, rectification_clock (raise_group).
Sets: rectification_group, rectification_time.
Throws: nothing.
Effect: the due date is noted as missed; the group above has it now, with the table's time.

Job type: record-rectification
Reads: number, rectification_clock (calendar, check_time, check_allowed_time, check_group), optional check_time,
    carried_out_by.
Sets: check_at, check_due_at, check_group.
Throws: nothing.
Effect: it is carried out; the check is due when the effect can be seen. Who carried it out cannot check it.

Job type: raise-check
Reads: number, rectification_clock (calendar, check_allowed_time, check_raise_group).
Sets: check_group, check_due_at.
Throws: nothing.
Effect: nobody looked in time: the level above is to check.

Job type: record-check
Reads: number, is_effective, rectification_round.
Sets: rectification_round.
Throws: nothing.
Effect: whether it worked is kept; if not, the next round is counted.

Job type: report-rectification
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: not effective within the rounds: its end is that it is reported.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar, iso
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.store import cases, exclusions, rectifications, staff, timeline
from workers.store.database import Database
from workers.store.rectification_tables import Rectification

CHECK_FORM = "check-effect"


def assign_rectification(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    rectification_group: str,
    rectification_clock: dict[str, Any],
    job: Job,
    rectification_time: str | None = None,
    cause_code: str | None = None,
    rectification_round: int | None = None,
) -> dict[str, Any]:
    """Returns owner, round and instants; a second delivery returns what the first one decided."""
    key = f"{number}:rectification:{job.element_instance_key}"
    rounds = rectification_round or 1
    with database.begin() as tx:
        region = cases.region(cases.get(tx, number))
        noted = timeline.find(tx, key)
        start = noted.at if noted else clock.now()
        time = rectification_time or rectification_clock["time"]
        due = calendar.due_at(start, time, _calendar_of(time, rectification_clock))
        if noted is None:
            owner = staff.pick_owner(tx, rectification_group, region)
            row = rectifications.find(tx, job.process_instance_key)
            if row is None:
                row = Rectification(id=job.process_instance_key, number=number, opened_at=start)
                row.cause_code = cause_code
                tx.add(row)
            row.group, row.owner, row.status = rectification_group, owner.username, "open"
            row.round, row.due_at, row.done_at, row.is_effective = rounds, due, None, None
            facts = {"owner": owner.username, "name": owner.name, "group": rectification_group}
            timeline.add(tx, number, start, "duban", "rectification-assigned", key, **facts, due_at=iso(due))
        else:
            facts = noted.facts
    return {
        "rectification_owner": facts["owner"],
        "rectification_round": rounds,
        "rectification_due_at": iso(due),
        "rectification_warning_at": iso(calendar.share(start, due, rectification_clock["warning_share"])),
    }


def raise_rectification(
    database: Database, clock: Clock, *, number: str, rectification_clock: dict[str, Any], job: Job
) -> dict[str, Any]:
    """Returns the group above; its time comes from the table."""
    group = rectification_clock["raise_group"]
    key = f"{number}:rectification-raised:{job.element_instance_key}"
    with database.begin() as tx:
        cases.get(tx, number)
        row = rectifications.get(tx, job.process_instance_key)
        if timeline.find(tx, key) is None:
            row.missed_at = row.missed_at or clock.now()
            timeline.add(tx, number, clock.now(), "duban", "rectification-raised", key, group=group)
    return {"rectification_group": group, "rectification_time": None}


def record_rectification(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    rectification_clock: dict[str, Any],
    job: Job,
    check_time: str | None = None,
    carried_out_by: str | None = None,
) -> dict[str, Any]:
    """Returns when the check begins, when it is due, and whose it is."""
    key = f"{number}:rectification-done:{job.element_instance_key}"
    with database.begin() as tx:
        cases.get(tx, number)
        row = rectifications.get(tx, job.process_instance_key)
        at = timeline.add(tx, number, clock.now(), "duban", "rectification-done", key)
        if row.done_at is None:
            row.status, row.done_at = "done", at
        who = [carried_out_by] if carried_out_by else []
        exclusions.add(tx, number, CHECK_FORM, who, "worked-before", at, scope=job.process_instance_key)
    time = check_time or rectification_clock["check_time"]
    begins = calendar.due_at(at, time, _calendar_of(time, rectification_clock))
    return {
        "check_at": iso(begins),
        "check_due_at": iso(_allowed(calendar, begins, rectification_clock)),
        "check_group": rectification_clock["check_group"],
    }


def raise_check(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    rectification_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns whose check it is now, and when it is due."""
    group = rectification_clock["check_raise_group"]
    key = f"{number}:rectification-check-raised:{job.element_instance_key}"
    with database.begin() as tx:
        cases.get(tx, number)
        at = timeline.add(tx, number, clock.now(), "duban", "rectification-check-raised", key, group=group)
    return {"check_group": group, "check_due_at": iso(_allowed(calendar, at, rectification_clock))}


def record_check(
    database: Database, clock: Clock, *, number: str, is_effective: bool, rectification_round: int, job: Job
) -> dict[str, Any]:
    """Returns the round that would come next where it did not work."""
    key = f"{number}:rectification-checked:{job.element_instance_key}"
    with database.begin() as tx:
        cases.get(tx, number)
        row = rectifications.get(tx, job.process_instance_key)
        if timeline.find(tx, key) is None:
            row.checked_at, row.is_effective = clock.now(), is_effective
            row.status = "effective" if is_effective else row.status
            facts = {"is_effective": is_effective, "round": rectification_round}
            timeline.add(tx, number, clock.now(), "duban", "rectification-checked", key, **facts)
    return {"rectification_round": rectification_round + (not is_effective)}


def report_rectification(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Ends it without effect; the province is told by the diagram."""
    key = f"{number}:rectification-reported:{job.element_instance_key}"
    with database.begin() as tx:
        cases.get(tx, number)
        row = rectifications.get(tx, job.process_instance_key)
        if timeline.find(tx, key) is None:
            row.status = "reported"
            timeline.add(tx, number, clock.now(), "duban", "rectification-reported", key)


def _calendar_of(time: str, rectification_clock: dict[str, Any]) -> str:
    """An order may name working days (P5WD) whatever the table counts in."""
    return "working" if time.endswith(("WD", "WH")) else str(rectification_clock["calendar"])


def _allowed(calendar: WorkingCalendar, start: datetime, rectification_clock: dict[str, Any]) -> datetime:
    time = rectification_clock["check_allowed_time"]
    return calendar.due_at(start, time, _calendar_of(time, rectification_clock))
