"""Who handles an event now, until when, and what was decided (rules E2, E3).

Job type: call-duty-manager
Reads: number, tier, incident_clock (duty_group, acknowledge_time).
Sets: owner, owner_group, acknowledge_due_at.
Throws: nothing.
Effect: a duty manager of the tier owns the event.

Job type: record-acknowledgement
Reads: number, incident_clock (decide_time).
Sets: decide_due_at.
Throws: nothing.
Effect: the event is acknowledged by its tier; the first time counts.

Job type: record-plan
Reads: number, incident_clock (execute_group, execute_time).
Sets: plan_owner, plan_group, execute_due_at.
Throws: nothing.
Effect: the event is decided; a person of the service office carries the plan out (rule E5) and stays informed.

Job type: raise-incident
Reads: number, tier, owner, owner_group, incident_decision, incident_clock (next_tier), raised_to (null: the next tier).
Sets: tier, passed_over, raised_to.
Throws: nothing.
Effect: the event belongs to the tier above; who had it watches from now on.

Job type: hand-back-incident
Reads: number, tier, owner, owner_group, incident_clock (lower_tier).
Sets: tier, passed_over.
Throws: nothing.
Effect: the event belongs to the tier below again; who handed it back watches from now on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.names import SHANGHAI
from workers.store import incidents, staff, timeline, watchers
from workers.store.database import Database


def call_duty_manager(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    tier: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the owner and until when they acknowledge; a second delivery finds the call noted."""
    group, key = incident_clock["duty_group"], f"{number}:duty-called:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            person = staff.pick_owner(tx, group, incidents.region(incident))
            due_at = _text(calendar.due_at(clock.now(), incident_clock["acknowledge_time"], "clock"))
            incident.owner_group, incident.owner_person, incident.tier = group, person.username, tier
            incident.status = "declared"
            facts = {"owner": person.username, "name": person.name, "group": group, "tier": tier}
            facts |= {"due_at": due_at}
            timeline.add(tx, number, clock.now(), "duban", "duty-called", key, **facts)
        else:
            facts = noted.facts
    return {"owner": facts["owner"], "owner_group": group, "acknowledge_due_at": facts["due_at"]}


def record_acknowledgement(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns until when the tier decides."""
    key = f"{number}:acknowledged:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if timeline.find(tx, key) is None:
            incident.status = "acknowledged"
            incident.acknowledged_at = incident.acknowledged_at or clock.now()
        at = timeline.add(tx, number, clock.now(), "duban", "incident-acknowledged", key, tier=incident.tier)
    return {"decide_due_at": _text(calendar.due_at(at, incident_clock["decide_time"], "clock"))}


def record_plan(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns who carries the plan out, and until when."""
    group, key = incident_clock["execute_group"], f"{number}:plan-decided:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            person = staff.pick_owner(tx, group, incidents.region(incident))
            due_at = _text(calendar.due_at(clock.now(), incident_clock["execute_time"], "clock"))
            incident.status, incident.decided_at = "decided", clock.now()
            watchers.add(tx, number, person.username, group, clock.now())
            facts = {"owner": person.username, "name": person.name, "group": group, "due_at": due_at}
            timeline.add(tx, number, clock.now(), "duban", "plan-decided", key, **facts)
        else:
            facts = noted.facts
    return {"plan_owner": facts["owner"], "plan_group": group, "execute_due_at": facts["due_at"]}


def raise_incident(
    database: Database,
    clock: Clock,
    *,
    number: str,
    tier: str,
    owner: str,
    owner_group: str,
    incident_decision: str,
    incident_clock: dict[str, Any],
    job: Job,
    raised_to: str | None = None,
) -> dict[str, Any]:
    """Returns the tier that is called, and who was passed over."""
    target = incident_clock["next_tier"]
    if raised_to is not None and incidents.rank(raised_to) > incidents.rank(target):
        target = raised_to
    move = {"tier": target, "from_tier": tier, "owner": owner, "how": incident_decision}
    _move(database, clock, number, "incident-raised", owner, owner_group, job, move)
    return {"tier": target, "passed_over": owner, "raised_to": None}


def hand_back_incident(
    database: Database,
    clock: Clock,
    *,
    number: str,
    tier: str,
    owner: str,
    owner_group: str,
    incident_clock: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the tier that has it again, and who handed it back."""
    target = incident_clock["lower_tier"]
    move = {"tier": target, "from_tier": tier, "owner": owner}
    _move(database, clock, number, "incident-handed-back", owner, owner_group, job, move)
    return {"tier": target, "passed_over": owner}


def _move(
    database: Database,
    clock: Clock,
    number: str,
    code: str,
    owner: str,
    owner_group: str,
    job: Job,
    facts: dict[str, str],
) -> None:
    key = f"{number}:{code}:{job.element_instance_key}"
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if timeline.find(tx, key) is None:
            watchers.add(tx, number, owner, owner_group, clock.now())
            incident.tier = facts["tier"]
            timeline.add(tx, number, clock.now(), "duban", code, key, **facts)


def _text(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
