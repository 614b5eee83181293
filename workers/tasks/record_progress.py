"""Note that a stage of the handling is done, and with it its deadline (rules A7, A8, A9, B5, F4).

Job type: record-investigation
Reads: number, optional finding, cause_code.
Sets: nothing.
Throws: nothing.
Effect: finding and cause are kept with the complaint (rules B5, F4); the preliminary deadline, where the policy has
    one, is met now, or missed if it has passed.

Job type: record-result
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: the result deadline is met now, or missed if it has passed; the complaint is resolved.
"""

from __future__ import annotations

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import Status
from workers.store import complaints, deadlines, timeline
from workers.store.database import Database


def record_investigation(
    database: Database,
    clock: Clock,
    *,
    number: str,
    job: Job,
    finding: str | None = None,
    cause_code: str | None = None,
) -> None:
    """Notes the end of the preliminary investigation."""
    now = clock.now()
    key = f"{number}:investigated:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.finding, complaint.cause_code = finding, cause_code
        deadlines.mark_met(tx, number, "preliminary", now, complaint.owner_group)
        timeline.add(tx, number, now, "duban", "investigated", key)


def record_result(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Notes that the complainant has been told the result."""
    now = clock.now()
    key = f"{number}:resolved:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            deadlines.mark_met(tx, number, "result", now, complaint.owner_group)
            complaints.set_status(complaint, Status.RESOLVED)
            timeline.add(tx, number, now, "duban", "resolved", key)
