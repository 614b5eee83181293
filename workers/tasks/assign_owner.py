"""Give a complaint one named owner in the group that handles it now (rules A5, C2).

Job type: assign-owner
Reads: number, owner_group, tier, escalation_path (owner_group; empty: the group stays), optional passed_over.
Sets: owner, owner_group.
Throws: nothing.
Effect: group, person and tier are kept with the complaint; it is in progress, and assigned in time (C2) or not. Who was
    passed over (at first the front desk, where it had the case) watches it from now on.
"""

from __future__ import annotations

from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import Status
from workers.store import complaints, deadlines, staff, timeline, watchers
from workers.store.database import Database


def assign_owner(
    database: Database,
    clock: Clock,
    *,
    number: str,
    owner_group: str,
    tier: str,
    escalation_path: dict[str, Any],
    job: Job,
    passed_over: str | None = None,
) -> dict[str, Any]:
    """Returns owner and owner_group; a second delivery finds the assignment noted and returns the same."""
    group = escalation_path.get("owner_group") or owner_group
    key = f"{number}:assigned:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            if passed_over is not None:
                watchers.add(tx, number, passed_over, complaint.owner_group or owner_group, clock.now())
            person = staff.pick_owner(tx, group, complaints.region(complaint))
            complaint.owner_group, complaint.owner_person = group, person.username
            complaint.tier = tier
            complaints.set_status(complaint, Status.IN_PROGRESS)
            deadlines.mark_met(tx, number, "assignment", clock.now())
            facts = {"owner": person.username, "name": person.name, "group": group, "tier": tier}
            timeline.add(tx, number, clock.now(), "duban", "assigned", key, **facts)
        else:
            facts = noted.facts
        return {"owner": facts["owner"], "owner_group": facts["group"]}
