"""Take an overdue complaint away and raise it one level; who was passed over stays informed (rules A9, D8).

Job type: raise-complaint
Reads: number, tier, owner, owner_group, escalation_path (next_tier).
Sets: tier, passed_over.
Throws: nothing.
Effect: deadlines that have passed are marked missed by the group that had the case (rule D8), the owner becomes a
    watcher, the tier is kept. What the work that is taken away had begun ends with it: a refund that waits is
    cancelled and its charge free again, a work order that runs is over; the next tier asks anew, or not at all.
"""

from __future__ import annotations

from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.store import complaints, deadlines, refunds, timeline, watchers, work_orders
from workers.store.database import Database


def raise_complaint(
    database: Database,
    clock: Clock,
    *,
    number: str,
    tier: str,
    owner: str,
    owner_group: str,
    escalation_path: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the next tier and who was passed over."""
    next_tier = escalation_path["next_tier"]
    now = clock.now()
    key = f"{number}:raised:{job.element_instance_key}"
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            deadlines.mark_missed(tx, number, now, owner_group)
            watchers.add(tx, number, owner, owner_group, now)
            complaint.tier = next_tier
            refunds.cancel_waiting(tx, number, now, "case-raised")
            work_orders.end_running(tx, number, "raised", now)
            timeline.add(tx, number, now, "duban", "raised", key, tier=next_tier, from_tier=tier, owner=owner)
    return {"tier": next_tier, "passed_over": owner}
