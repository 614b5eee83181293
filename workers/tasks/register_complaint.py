"""Take a complaint into handling and give it its first named owner (rules A1, A5).

Job type: register-complaint
Reads: number. Header `owner_group`: who owns a complaint before it is dispatched; header `tier`.
Sets: owner, owner_group, tier.
Throws: ALREADY_REGISTERED when another process instance handles this complaint.
Effect: the complaint is accepted, its process instance and owner are noted, once.
"""

from __future__ import annotations

from typing import Any

from workers import metrics
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import BusinessError
from workers.names import Status
from workers.store import complaints, staff, timeline
from workers.store.database import Database


def register_complaint(database: Database, clock: Clock, *, number: str, job: Job) -> dict[str, Any]:
    """Returns owner, owner_group and tier; the second delivery returns the same."""
    with database.begin() as tx:
        now, complaint = clock.now(), complaints.get(tx, number)
        is_new = complaint.process_instance_key is None
        if complaint.process_instance_key not in (None, job.process_instance_key):
            raise BusinessError(
                "ALREADY_REGISTERED", f"complaint {number} is handled by another process instance"
            )
        if is_new:
            owner = staff.pick_owner(tx, job.headers["owner_group"], complaints.region(complaint))
            complaint.process_instance_key = job.process_instance_key
            complaints.set_status(complaint, Status.ACCEPTED)
            complaint.owner_person, complaint.owner_group = owner.username, job.headers["owner_group"]
            complaint.tier = job.headers["tier"]
            timeline.add(tx, number, now, "duban", "accepted", f"{number}:accepted", owner=owner.name)
    if is_new:
        metrics.ACKNOWLEDGE.observe(max(0.0, (now - complaint.received_at).total_seconds()))
    return {
        "owner": complaint.owner_person,
        "owner_group": complaint.owner_group,
        "tier": complaint.tier,
    }
