"""Handle a complaint a second time, by people who did not work on it before (rules B7, C9, D8).

Job type: register-appeal
Reads: number, appeal_rule (window, authority).
Sets: is_in_window, is_appeal_decided, tier.
Throws: ALREADY_APPEALED when another process instance handles the appeal of this complaint.
Effect: the appeal has its number (one that was not filed by the customer gets it here) and its process instance.

Job type: assign-appeal
Reads: number, tier, appeal_rule (appeal_group, handle_time, calendar), appeal_path (owner_group, time_allowed,
    calendar), complaint_policy (warning_shares).
Sets: appeal_owner, appeal_group, appeal_due_at, appeal_first_warning_at, appeal_second_warning_at.
Throws: nothing.
Effect: one named person handles the appeal; everybody who worked on the case is kept from its tasks. The deadline of
    the first tier is kept as `appeal`, from filing, never reset; a tier above has its own time from now.

Job type: record-appeal-decision
Reads: number, is_appeal_upheld, decided_by (who completed the form).
Sets: is_appeal_decided.
Throws: HANDLED_BEFORE when whoever decided had worked on the case: the decision does not count.
Effect: the finding and who decided are kept with the appeal.

Job type: raise-appeal
Reads: number, tier, appeal_owner, appeal_group, appeal_path (next_tier).
Sets: tier.
Throws: nothing.
Effect: the deadline of the appeal is missed, recorded against the group that had it; its person watches the case.

Job type: record-appeal-told
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: the deadline of the appeal is met now, or missed if it has passed; the customer may answer the survey.

Job type: close-appeal
Reads: number. Header `outcome`: solved, guided, no-answer or late.
Sets: nothing.
Throws: nothing.
Effect: the appeal has ended, once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar
from workers.cases.policy import AppealRule, ComplaintPolicy
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError
from workers.names import APPEAL_DEADLINE, SHANGHAI, Status, Tier
from workers.store import appeals, complaints, deadlines, exclusions, staff, timeline, watchers
from workers.store.database import Database
from workers.store.outbox import Transaction

FORMS = ("reassess-complaint", "carry-out-appeal")
"""The forms of the second handling, which nobody completes who worked on the case."""


def register_appeal(
    database: Database, clock: Clock, *, number: str, appeal_rule: dict[str, Any], job: Job
) -> dict[str, Any]:
    """Returns whether the appeal came in time; a second delivery returns the same."""
    rule = AppealRule.from_decision(appeal_rule)
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        appeal = appeals.find(tx, number) or appeals.add(tx, number, "unsolved", clock.now())
        if appeal.process_instance_key not in (None, job.process_instance_key):
            raise BusinessError(
                "ALREADY_APPEALED", f"another process instance handles the appeal of {number}"
            )
        if appeal.process_instance_key is None:
            appeal.process_instance_key, appeal.authority = job.process_instance_key, rule.authority
            key = f"{number}:appeal-registered"
            facts = {"appeal": appeal.number, "origin": appeal.origin}
            timeline.add(tx, number, clock.now(), "duban", "appeal-registered", key, **facts)
        if complaint.status == Status.WITHDRAWN:  # while this job was on its way
            appeals.end(tx, number, "withdrawn", clock.now())
        closed = complaint.closed_at if appeal.origin == "filed" else None
        in_window = closed is None or appeal.filed_at <= closed + rule.window
    return {"is_in_window": in_window, "is_appeal_decided": False, "tier": Tier.DEPARTMENT.value}


def assign_appeal(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    tier: str,
    appeal_rule: dict[str, Any],
    appeal_path: dict[str, Any],
    complaint_policy: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the person, the group and three instants; a second delivery returns the same."""
    rule, policy = AppealRule.from_decision(appeal_rule), ComplaintPolicy.from_decision(complaint_policy)
    group = appeal_path.get("owner_group") or rule.appeal_group
    key = f"{number}:appeal-assigned:{job.element_instance_key}"
    with database.begin() as tx:
        complaint, appeal = complaints.get(tx, number), appeals.get(tx, number)
        noted = timeline.find(tx, key)
        if noted is None:
            before = appeals.worked_on(tx, number)
            for form in FORMS:
                exclusions.add(tx, number, form, before, "worked-before", clock.now())
            person = staff.pick_owner(tx, group, complaints.region(complaint), exclude=before)
            appeal.handler, appeal.handler_group, appeal.tier = person.username, group, tier
            facts = {"handler": person.username, "name": person.name, "group": group, "tier": tier}
            timeline.add(tx, number, clock.now(), "duban", "appeal-assigned", key, **facts)
            noted = timeline.find(tx, key)
        if noted is None:
            raise Broken(f"the timeline lost {key}")
        if (allowed := appeal_path.get("time_allowed")) is None:
            start = appeal.filed_at
            due = calendar.due_at(start, rule.handle_time, rule.calendar)
            due = deadlines.put(tx, number, APPEAL_DEADLINE, due)
        else:
            start = noted.at
            due = calendar.due_at(start, allowed, appeal_path.get("calendar") or "clock")
        handler = noted.facts["handler"]
    first, second = (calendar.share(start, due, part) for part in policy.warning_shares)
    return {
        "appeal_owner": handler,
        "appeal_group": group,
        "appeal_due_at": _text(due),
        "appeal_first_warning_at": _text(first),
        "appeal_second_warning_at": _text(second),
    }


def record_appeal_decision(
    database: Database,
    clock: Clock,
    *,
    number: str,
    is_appeal_upheld: bool,
    job: Job,
    decided_by: str | None = None,
) -> dict[str, Any]:
    """Keeps the decision of somebody who came to the case afresh."""
    key = f"{number}:appeal-decided:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        appeal = appeals.get(tx, number)
        if decided_by is None or decided_by in exclusions.people(tx, number, FORMS[0]):
            refused = "somebody" if decided_by is None else decided_by
            raise BusinessError("HANDLED_BEFORE", f"{refused} may not decide the appeal of {number}")
        if timeline.find(tx, key) is None:
            appeal.finding = "upheld" if is_appeal_upheld else "not-upheld"
            appeal.decided_at, appeal.decided_by = clock.now(), decided_by
            facts = {"finding": appeal.finding, "handler": decided_by}
            timeline.add(tx, number, clock.now(), "duban", "appeal-decided", key, **facts)
    return {"is_appeal_decided": True}


def raise_appeal(
    database: Database,
    clock: Clock,
    *,
    number: str,
    tier: str,
    appeal_owner: str,
    appeal_group: str,
    appeal_path: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the next tier."""
    next_tier = appeal_path["next_tier"]
    now, key = clock.now(), f"{number}:appeal-raised:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        if timeline.find(tx, key) is None:
            appeals.miss(tx, number, now, appeal_group)
            watchers.add(tx, number, appeal_owner, appeal_group, now)
            facts = {"tier": next_tier, "from_tier": tier, "handler": appeal_owner}
            timeline.add(tx, number, now, "duban", "appeal-raised", key, **facts)
    return {"tier": next_tier}


def record_appeal_told(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Notes that the customer has been told the decision."""
    now, key = clock.now(), f"{number}:appeal-told:{job.element_instance_key}"
    with database.begin() as tx:
        complaints.get(tx, number)
        appeal = appeals.get(tx, number)
        if timeline.find(tx, key) is None:
            _settle(tx, number, now, appeal.handler_group)
            appeal.told_at = now
            timeline.add(tx, number, now, "duban", "appeal-told", key)


def close_appeal(database: Database, clock: Clock, *, number: str, job: Job) -> None:
    """Ends the appeal with the outcome that the diagram names."""
    outcome = job.headers["outcome"]
    with database.begin() as tx:
        complaints.get(tx, number)
        appeals.get(tx, number)
        appeals.end(tx, number, outcome, clock.now())


def _settle(tx: Transaction, number: str, now: datetime, group: str | None) -> None:
    if group is not None:
        appeals.miss(tx, number, now, group)
    deadlines.mark_met(tx, number, APPEAL_DEADLINE, now)


def _text(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
