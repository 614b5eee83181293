"""Order that the operator's own fault is put right (rule B6).

Job type: order-rectification
Reads: number, policy, rectification_group, optional rectification_time, check_time (null: as the table
    rectification-clock says), cause_code.
Sets: nothing.
Throws: nothing.
Effect: the message rectification-ordered is owed to the engine; the rectification runs on its own, to its end.
"""

from __future__ import annotations

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import Message
from workers.store import complaints, engine_requests, timeline
from workers.store.database import Database


def order_rectification(
    database: Database,
    clock: Clock,
    *,
    number: str,
    policy: str,
    rectification_group: str,
    job: Job,
    rectification_time: str | None = None,
    check_time: str | None = None,
    cause_code: str | None = None,
) -> None:
    """Owes the engine one order per element instance."""
    now, name = clock.now(), Message.RECTIFICATION_ORDERED
    key = f"{number}:{name}:{job.element_instance_key}"
    variables = {
        "number": number,
        "policy": policy,
        "rectification_group": rectification_group,
        "rectification_time": rectification_time,
        "check_time": check_time,
        "cause_code": cause_code,
    }
    with database.begin() as tx:
        complaints.get(tx, number)
        if engine_requests.add(tx, name, number, key, variables, now):
            timeline.add(tx, number, now, "duban", "rectification-ordered", key, group=rectification_group)
