"""What of the API a person who is signed in may call, and what the audit calls it.

The instance's token may call everything. A route that is not here is closed to sessions; a test fails when one is
missing. Where it takes no right, the route itself asks who the person is (groups, region, rights), or shows what
everybody may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workers.cases.rights import Right


@dataclass(frozen=True)
class Access:
    """Of one route.

    Attributes:
        right: what it takes, beside what the route checks itself.
        action: what the audit keeps when it was done; None: nothing, it changes nothing and shows nobody's data.
    """

    right: Right | None = None
    action: str | None = None


_C: Final = "/api/v1/complaints"
_E: Final = "/api/v1/events"

ROUTES: Final[dict[tuple[str, str], Access]] = {
    ("POST", _C): Access("serve-customer", "complaint-registered"),
    ("GET", f"{_C}/{{number}}"): Access(),
    ("POST", f"{_C}/{{number}}/withdrawal"): Access("serve-customer", "complaint-withdrawn"),
    ("POST", f"{_C}/{{number}}/extension"): Access(None, "extension-asked"),
    ("POST", f"{_C}/{{number}}/survey"): Access("serve-customer", "survey-answered"),
    ("POST", f"{_C}/{{number}}/appeal"): Access("serve-customer", "appeal-filed"),
    ("POST", f"{_C}/{{number}}/notes"): Access(None, "note-added"),
    ("GET", f"{_C}/{{number}}/notes"): Access(None, "notes-read"),
    ("POST", f"{_C}/{{number}}/evidence"): Access(None, "evidence-added"),
    ("GET", f"{_C}/{{number}}/evidence"): Access(),
    ("GET", f"{_C}/{{number}}/evidence/{{sha256}}"): Access(None, "evidence-read"),
    ("GET", f"{_C}/{{number}}/marks"): Access(None, "marks-read"),
    ("POST", f"{_C}/{{number}}/marks"): Access(None, "complaint-marked"),
    ("POST", f"{_C}/{{number}}/marks/reversal"): Access(None, "mark-reversed"),
    ("GET", f"{_C}/{{number}}/case-file"): Access(None, "case-file-read"),
    ("GET", "/api/v1/tasks"): Access(),
    ("POST", "/api/v1/tasks/{key}/completion"): Access(None, "task-completed"),
    ("POST", "/api/v1/wording"): Access(),
    ("GET", "/api/v1/fault-guides"): Access(),
    ("GET", "/api/v1/fault-guides/{kind}"): Access(),
    ("GET", "/api/v1/rectifications"): Access(),
    ("POST", _E): Access(None, "event-reported"),
    ("GET", _E): Access(),
    ("GET", f"{_E}/{{number}}"): Access(),
    ("POST", f"{_E}/{{number}}/complaints"): Access(None, "complaints-attached"),
    ("POST", f"{_E}/{{number}}/raise"): Access(None, "event-raised"),
    ("POST", "/api/v1/search"): Access(None, "complaints-found"),
    ("GET", "/api/v1/retention"): Access("run-retention"),
    ("POST", "/api/v1/retention"): Access(None, "retention-run"),
    ("GET", "/api/v1/retention/{number}"): Access("run-retention"),
    ("GET", "/api/v1/incidents"): Access("operate"),
    ("POST", "/api/v1/incidents/{key}/retry"): Access("operate", "incident-retried"),
    ("GET", "/api/v1/figures"): Access(),
    ("POST", "/api/v1/suggestions"): Access(None, "suggestion-made"),
    ("GET", "/api/v1/suggestions"): Access(),
    ("POST", "/api/v1/suggestions/{id_}/decision"): Access(None, "suggestion-decided"),
    ("POST", "/api/v1/clock/advance"): Access("operate", "clock-advanced"),
}
