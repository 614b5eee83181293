"""Look whether everything needed is there, and whether this customer has had this problem before (rules A2, A11).

Job type: verify-complaint
Reads: number, complaint_policy (required_fields, repeat_window).
Sets: missing_fields, is_complete, is_repeat.
Throws: nothing.
Effect: the names of the missing fields are kept with the complaint.
"""

from __future__ import annotations

from typing import Any

from workers.cases.policy import ComplaintPolicy
from workers.clock import Clock
from workers.store import complaints, timeline
from workers.store.database import Database


def verify_complaint(
    database: Database, clock: Clock, *, number: str, complaint_policy: dict[str, Any]
) -> dict[str, Any]:
    """Returns the missing fields by name, in the order of the policy, and whether the complaint is a repeat."""
    policy = ComplaintPolicy.from_decision(complaint_policy)
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        missing = complaints.missing_fields(complaint, policy.required_fields)
        repeat = complaints.is_repeat(tx, complaint, within=policy.repeat_window)
        complaint.missing_fields = missing  # the same however often it is asked
        code = "details-missing" if missing else "verified"
        timeline.add(tx, number, clock.now(), "duban", code, f"{number}:verified", fields=missing)
        return {"missing_fields": missing, "is_complete": not missing, "is_repeat": repeat}
