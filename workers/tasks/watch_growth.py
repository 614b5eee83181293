"""An event that grows is looked at again, and raised where its level has become higher (rules E1, E3).

Job type: recount-complaints
Reads: number.
Sets: complaint_count, level_rank.
Throws: nothing.
Effect: the count is on the timeline. level_rank is the highest of the level it had and the tier that has it.

Job type: raise-grown-incident
Reads: number, incident_level (tier, rank).
Sets: nothing.
Throws: nothing.
Effect: the engine is owed the message incident-raised with the tier of the new level; once per level.
"""

from __future__ import annotations

from typing import Any

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import Message
from workers.store import engine_requests, incidents, timeline
from workers.store.database import Database


def recount_complaints(database: Database, clock: Clock, *, number: str, job: Job) -> dict[str, Any]:
    """Returns how many complaints belong to the event; a second delivery returns what the first one counted."""
    key = f"{number}:recounted:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        rank = max(incidents.rank(incident.level), incidents.rank(incident.tier))
        noted = timeline.find(tx, key)
        count = int(noted.facts["count"]) if noted else incidents.count(tx, number)
        timeline.add(tx, number, clock.now(), "duban", "incident-grew", key, count=count)
    return {"complaint_count": count, "level_rank": rank}


def raise_grown_incident(
    database: Database, clock: Clock, *, number: str, incident_level: dict[str, Any]
) -> None:
    """Asks the engine to call the tier of the new level."""
    name, tier = Message.INCIDENT_RAISED, incident_level["tier"]
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.status in incidents.OPEN:
            incident.level, incident.reason = tier, incident_level["reason"]
            key = f"{number}:{name}:grown:{tier}"
            engine_requests.add(tx, name, number, key, {"raised_to": tier}, clock.now())
