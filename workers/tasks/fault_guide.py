"""Keep what the fault guide found, and whether its steps helped (rule B12).

Job type: record-diagnosis
Reads: number, guide_kind, optional network_fault_guide, content_fault_guide, service_fault_guide (next_step,
    is_visit_needed, steps, words_zh).
Sets: next_step, is_visit_needed, is_fault_solved.
Throws: nothing.
Effect: what comes next, and the words to say to the customer, are on the timeline of the case.

Job type: record-guidance
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: that the guided steps helped is on the timeline of the case.
"""

from __future__ import annotations

from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.store import complaints, timeline
from workers.store.database import Database


def record_diagnosis(
    database: Database,
    clock: Clock,
    *,
    number: str,
    guide_kind: str,
    job: Job,
    network_fault_guide: dict[str, Any] | None = None,
    content_fault_guide: dict[str, Any] | None = None,
    service_fault_guide: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Returns the next step of the table that was asked. Raises Broken where it had no row for the answers."""
    guides = {
        "network": network_fault_guide,
        "content": content_fault_guide,
        "service": service_fault_guide,
    }
    found = guides.get(guide_kind)
    if found is None:
        raise Broken(f"the table {guide_kind}-fault-guide has no row for these answers")
    with database.begin() as tx:
        complaints.get(tx, number)
        key = f"{number}:diagnosed:{job.element_instance_key}"
        facts = {"kind": guide_kind, "next_step": found["next_step"], "words": found["words_zh"]}
        timeline.add(tx, number, clock.now(), "duban", "fault-diagnosed", key, **facts)
    return {
        "next_step": found["next_step"],
        "is_visit_needed": found["is_visit_needed"],
        "is_fault_solved": False,
    }


def record_guidance(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Notes that the customer is helped."""
    with database.begin() as tx:
        complaints.get(tx, number)
        key = f"{number}:guided:{job.element_instance_key}"
        timeline.add(tx, number, clock.now(), "duban", "fault-recovered", key)
