"""Take a reported or found event into handling, of the level that the table gave it (rules E1, F2).

Job type: register-incident
Reads: number.
Sets: reporter, raised_to, rectification_groups, cause_code. The reporter of a cluster that the data told is null.
Throws: ALREADY_REGISTERED when another process instance handles this event.
Effect: the process instance is noted with the event, once.

Job type: declare-incident
Reads: number, incident_level (tier, rank, reason).
Sets: tier.
Throws: nothing.
Effect: the event is declared at this tier, with the reason.

Job type: note-incident
Reads: number, incident_level (reason).
Sets: nothing.
Throws: nothing.
Effect: what was reported is kept with the reason why it is no major event; it ends.
"""

from __future__ import annotations

from typing import Any, Final

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import BusinessError
from workers.store import incidents, timeline
from workers.store.database import Database

_FOUND: Final = "duban"
"""Who declared a cluster that the data told: the service itself."""


def register_incident(database: Database, *, number: str, job: Job) -> dict[str, Any]:
    """Returns who reported it, and the beginnings of what the process collects."""
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.process_instance_key not in (None, job.process_instance_key):
            raise BusinessError(
                "ALREADY_REGISTERED", f"event {number} is handled by another process instance"
            )
        incident.process_instance_key = job.process_instance_key
        reporter = None if incident.source == _FOUND else incident.source
    return {"reporter": reporter, "raised_to": None, "rectification_groups": [], "cause_code": None}


def declare_incident(
    database: Database, clock: Clock, *, number: str, incident_level: dict[str, Any]
) -> dict[str, Any]:
    """Returns the tier that begins."""
    tier, reason = incident_level["tier"], incident_level["reason"]
    key = f"{number}:declared"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if timeline.find(tx, key) is None:
            incident.status, incident.reason = "declared", reason
            incident.tier = incident.level = tier
            timeline.add(tx, number, clock.now(), "duban", "incident-declared", key, tier=tier, reason=reason)
    return {"tier": tier}


def note_incident(database: Database, clock: Clock, *, number: str, incident_level: dict[str, Any]) -> None:
    """Ends the event with the reason why it is none."""
    reason = incident_level["reason"]
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.closed_at is None:
            now = clock.now()
            incident.status, incident.outcome, incident.reason = "noted", "below-threshold", reason
            incident.closed_at = now
            timeline.add(tx, number, now, "duban", "incident-noted", f"{number}:noted", reason=reason)
