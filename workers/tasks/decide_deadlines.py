"""Turn the policy's amounts of time into instants on the calendar (rules A9, B1, B8, C1, C2, C5, D8).

Job type: decide-deadlines
Reads: number, received_at, complaint_deadlines, complaint_priority, complaint_policy (warning_shares).
Sets: investigation_due_at, investigation_first_warning_at, investigation_second_warning_at, result_due_at,
    result_first_warning_at, result_second_warning_at. A policy without a preliminary deadline gives the
    investigation the time of the result.
Throws: nothing.
Effect: the deadlines of the complaint are kept; they are never reset. Of several rows of a kind the shortest counts.
    One that a message has met already, before it was decided, is met.

Job type: start-tier-clock
Reads: number, escalation_path (time_allowed), complaint_policy (warning_shares) and the six instants.
Sets: the same six instants: anew from now when the path allows the tier a time of its own, else as they were.
Throws: nothing.
Effect: none; the statutory deadlines stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar
from workers.cases.policy import ComplaintPolicy, PolicyDeadline
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.names import SHANGHAI
from workers.store import complaints, deadlines, timeline
from workers.store.database import Database


def decide_deadlines(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    received_at: str,
    complaint_deadlines: list[dict[str, Any]],
    complaint_priority: str,
    complaint_policy: dict[str, Any],
) -> dict[str, Any]:
    """Returns the six instants as ISO 8601 text. Raises Broken when the table gives no time for a result."""
    policy = ComplaintPolicy.from_decision(complaint_policy)
    start = datetime.fromisoformat(received_at)
    with database.begin() as tx:
        complaints.get(tx, number).priority = complaint_priority
        accepted = timeline.find(tx, f"{number}:accepted")
        starts = {"receipt": start, "acceptance": accepted.at if accepted else start}
        due = _due(PolicyDeadline.from_decision(complaint_deadlines), starts, calendar)
        if "result" not in due:
            raise Broken(f"the table complaint-deadlines has no row of kind 'result' for complaint {number}")
        for kind, due_at in due.items():
            deadlines.put(tx, number, kind, due_at)
        for entry in timeline.of(tx, number):
            if "meets" in entry.facts:
                deadlines.mark_met(tx, number, entry.facts["meets"], entry.at)
        timeline.add(
            tx,
            number,
            clock.now(),
            "duban",
            "deadlines-decided",
            f"{number}:deadlines-decided",
            result_due_at=_text(due["result"]),
        )
    investigation = due.get("preliminary", due["result"])
    return _clock("investigation", start, investigation, policy, calendar) | _clock(
        "result", start, due["result"], policy, calendar
    )


def start_tier_clock(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    number: str,
    escalation_path: dict[str, Any],
    complaint_policy: dict[str, Any],
    job: Job,
    investigation_due_at: str,
    investigation_first_warning_at: str,
    investigation_second_warning_at: str,
    result_due_at: str,
    result_first_warning_at: str,
    result_second_warning_at: str,
) -> dict[str, Any]:
    """Returns the six instants; a second delivery returns what the first one decided."""
    if escalation_path.get("time_allowed") is None:
        return {}
    policy = ComplaintPolicy.from_decision(complaint_policy)
    with database.begin() as tx:
        start = timeline.add(
            tx,
            number,
            clock.now(),
            "duban",
            "tier-clock-started",
            f"{number}:tier-clock:{job.element_instance_key}",
        )
    due = calendar.due_at(start, escalation_path["time_allowed"], escalation_path.get("calendar") or "clock")
    return _clock("investigation", start, due, policy, calendar) | _clock(
        "result", start, due, policy, calendar
    )


def _due(
    rows: list[PolicyDeadline], starts: dict[str, datetime], calendar: WorkingCalendar
) -> dict[str, datetime]:
    """When each kind is due; of several rows of a kind the shortest counts."""
    found: dict[str, datetime] = {}
    for row in rows:
        due_at = calendar.due_at(starts[row.counted_from], row.time, row.calendar)
        found[row.kind] = min(due_at, found.get(row.kind, due_at))
    return found


def _clock(
    stage: str, start: datetime, due: datetime, policy: ComplaintPolicy, calendar: WorkingCalendar
) -> dict[str, str]:
    first, second = (calendar.share(start, due, part) for part in policy.warning_shares)
    return {
        f"{stage}_due_at": _text(due),
        f"{stage}_first_warning_at": _text(first),
        f"{stage}_second_warning_at": _text(second),
    }


def _text(instant: datetime) -> str:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")
