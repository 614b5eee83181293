"""Watch the deadlines on the way to a result: response, acceptance, assignment, reply, report … (B1, C1, C2, D8).

The deadlines of investigation and result are not among them: the department works to those, warned and raised.

Job type: check-milestones
Reads: number, optional due_at (the instant that was waited for).
Sets: is_milestone_missed, deadline_kind, due_at (of the one just missed; else of the next, null when none is open),
    owner.
Throws: nothing.
Effect: a deadline that has passed is marked missed, against the group that has the case now, unless it is held
    against a unit already. One at a time, and each once.

Job type: find-deadline
Reads: number. Header `kind`: which deadline.
Sets: due_at.
Throws: nothing.
Effect: none; it only reads.

Job type: meet-deadline
Reads: number. Header `kind`: which deadline.
Sets: nothing.
Throws: nothing.
Effect: the deadline is met now, or missed if it has passed.

Job type: miss-deadline
Reads: number, owner_group (the unit that should have done it). Header `kind`: which deadline.
Sets: nothing.
Throws: nothing.
Effect: the deadline is missed, and held against that unit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.names import SHANGHAI
from workers.store import complaints, deadlines, timeline
from workers.store.database import Database


def check_milestones(
    database: Database, clock: Clock, *, number: str, job: Job, due_at: str | None = None
) -> dict[str, Any]:
    """Returns the deadline that has just been missed, else the next one; a second delivery returns the same."""
    now = clock.now()
    if due_at is not None:  # the engine's clock has reached it, though this one may be a moment behind
        now = max(now, datetime.fromisoformat(due_at))
    key = f"{number}:milestone:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is not None:
            return {"is_milestone_missed": True, "owner": complaint.owner_person, **noted.facts}
        told = {
            each.facts["deadline_kind"]
            for each in timeline.of(tx, number)
            if each.code == "deadline-missed" and "deadline_kind" in each.facts
        }
        found = next(iter(deadlines.milestones(tx, number, told)), None)
        facts = {
            "deadline_kind": found.kind if found else None,
            "due_at": found.due_at.astimezone(SHANGHAI).isoformat(timespec="seconds") if found else None,
        }
        is_missed = found is not None and (found.missed_at is not None or found.due_at <= now)
        if found is not None and is_missed:
            if found.missed_at is None:  # else held against its unit already, and only told
                deadlines.mark_missed_by(tx, number, found.kind, complaint.owner_group or "", now)
            timeline.add(tx, number, now, "duban", "deadline-missed", key, **facts)
        return {"is_milestone_missed": is_missed, "owner": complaint.owner_person, **facts}


def find_deadline(database: Database, *, number: str, job: Job) -> dict[str, Any]:
    """Returns when the deadline is due. Raises Broken when the table gives the complaint none of that kind."""
    kind = job.headers["kind"]
    with database.read() as tx:
        found = next((each for each in deadlines.of(tx, number) if each.kind == kind), None)
    if found is None:
        raise Broken(f"the table complaint-deadlines has no row of kind {kind!r} for complaint {number}")
    return {"due_at": found.due_at.astimezone(SHANGHAI).isoformat(timespec="seconds")}


def meet_deadline(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Notes that what the deadline asks for is done; the first time counts."""
    with database.begin() as tx:
        complaints.get(tx, number)
        deadlines.mark_met(tx, number, job.headers["kind"], clock.now())


def miss_deadline(database: Database, clock: Clock, *, number: str, owner_group: str, job: Job) -> None:
    """Notes who let the deadline pass (rule D8)."""
    with database.begin() as tx:
        complaints.get(tx, number)
        deadlines.mark_missed_by(tx, number, job.headers["kind"], owner_group, clock.now())
