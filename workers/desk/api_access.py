"""What of the API a person who is signed in, or another system's token, may call, and what the audit calls it.

The instance's token may call everything. A route that is not here is closed to everybody else; a test fails when one is
missing. Where it takes no right, the route itself asks who the person is (groups, region, rights), or shows what
everybody may see. A token that acts for one person needs the scope and the person's rights, any other the scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from workers.cases.rights import Right
from workers.cases.scopes import Scope

EVERY: Final[Literal["every"]] = "every"
"""Open to every token: shows nobody's data."""


@dataclass(frozen=True)
class Access:
    """Of one route.

    Attributes:
        right: what it takes, beside what the route checks itself.
        action: what the audit keeps when it was done; None: nothing, it changes nothing and shows nobody's data.
        scope: what a token must have been given; EVERY: nothing; None: closed to all but the instance's own.
    """

    right: Right | None = None
    action: str | None = None
    scope: Scope | Literal["every"] | None = None


_C: Final = "/api/v1/complaints"
_E: Final = "/api/v1/events"
_T: Final = "/api/v1/tmf621/troubleTicket"

ROUTES: Final[dict[tuple[str, str], Access]] = {
    ("POST", _C): Access("serve-customer", "complaint-registered", scope="complaints:write"),
    ("POST", f"{_C}/similar"): Access("serve-customer", "similar-looked-for", scope="complaints:read"),
    ("GET", _C): Access(scope="complaints:read"),
    ("GET", f"{_C}/{{number}}"): Access(scope="complaints:read"),
    ("POST", f"{_C}/{{number}}/withdrawal"): Access(
        "serve-customer", "complaint-withdrawn", scope="complaints:write"
    ),
    ("POST", f"{_C}/{{number}}/extension"): Access(None, "extension-asked", scope="complaints:write"),
    ("POST", f"{_C}/{{number}}/survey"): Access(
        "serve-customer", "survey-answered", scope="complaints:write"
    ),
    ("POST", f"{_C}/{{number}}/appeal"): Access("serve-customer", "appeal-filed", scope="complaints:write"),
    ("POST", f"{_C}/{{number}}/notes"): Access(None, "note-added", scope="complaints:write"),
    ("GET", f"{_C}/{{number}}/notes"): Access(None, "notes-read", scope="evidence:read"),
    ("POST", f"{_C}/{{number}}/evidence"): Access(None, "evidence-added", scope="complaints:write"),
    ("GET", f"{_C}/{{number}}/evidence"): Access(scope="complaints:read"),
    ("GET", f"{_C}/{{number}}/evidence/{{sha256}}"): Access(None, "evidence-read", scope="evidence:read"),
    ("GET", f"{_C}/{{number}}/marks"): Access(None, "marks-read", scope="complaints:read"),
    ("POST", f"{_C}/{{number}}/marks"): Access(None, "complaint-marked", scope="complaints:write"),
    ("POST", f"{_C}/{{number}}/marks/reversal"): Access(None, "mark-reversed", scope="complaints:write"),
    ("GET", f"{_C}/{{number}}/case-file"): Access(None, "case-file-read", scope="evidence:read"),
    ("GET", "/api/v1/tasks"): Access(scope="tasks:read"),
    ("GET", "/api/v1/tasks/{key}"): Access(scope="tasks:read"),
    ("POST", "/api/v1/tasks/{key}/completion"): Access(None, "task-completed", scope="tasks:write"),
    ("POST", "/api/v1/wording"): Access(scope=EVERY),
    ("GET", "/api/v1/fault-guides"): Access(scope=EVERY),
    ("GET", "/api/v1/fault-guides/{kind}"): Access(scope=EVERY),
    ("GET", "/api/v1/rectifications"): Access(scope="complaints:read"),
    ("POST", _E): Access(None, "event-reported", scope="events:write"),
    ("GET", _E): Access(scope="events:read"),
    ("GET", f"{_E}/{{number}}"): Access(scope="events:read"),
    ("POST", f"{_E}/{{number}}/complaints"): Access(None, "complaints-attached", scope="events:write"),
    ("POST", f"{_E}/{{number}}/complaints/{{complaint}}/detachment"): Access(
        None, "complaint-detached", scope="events:write"
    ),
    ("POST", f"{_E}/{{number}}/raise"): Access(None, "event-raised", scope="events:write"),
    ("POST", f"{_E}/{{number}}/hand-back"): Access(None, "event-handed-back", scope="events:write"),
    ("POST", f"{_E}/{{number}}/news/preview"): Access(scope="events:write"),
    ("POST", f"{_E}/{{number}}/news"): Access(None, "customers-told", scope="events:write"),
    ("GET", _T): Access(scope="complaints:read"),
    ("POST", _T): Access("serve-customer", "complaint-registered", scope="complaints:write"),
    ("GET", f"{_T}/{{number}}"): Access(scope="complaints:read"),
    ("PATCH", f"{_T}/{{number}}"): Access("serve-customer", "ticket-changed", scope="complaints:write"),
    ("POST", "/api/v1/search"): Access(None, "complaints-found", scope="complaints:read"),
    ("GET", "/api/v1/retention"): Access("run-retention", scope="operate"),
    ("POST", "/api/v1/retention"): Access(None, "retention-run", scope="operate"),
    ("GET", "/api/v1/retention/{number}"): Access("run-retention", scope="operate"),
    ("GET", "/api/v1/incidents"): Access("operate", scope="operate"),
    ("POST", "/api/v1/incidents/{key}/retry"): Access("operate", "incident-retried", scope="operate"),
    ("GET", "/api/v1/incidents/{key}"): Access("operate", scope="operate"),
    ("POST", "/api/v1/incidents/retry"): Access("operate", "incidents-retried", scope="operate"),
    ("GET", "/api/v1/causes"): Access("operate", scope="operate"),
    ("GET", "/api/v1/outbox"): Access("operate", scope="operate"),
    ("POST", "/api/v1/outbox/resend"): Access("operate", "messages-resent", scope="operate"),
    ("GET", "/api/v1/alerts"): Access("operate", scope="operate"),
    ("POST", "/api/v1/alerts/test"): Access("operate", "alert-test-asked", scope="operate"),
    ("GET", "/api/v1/timers"): Access("operate", scope="operate"),
    ("GET", "/api/v1/versions"): Access("operate", scope="operate"),
    ("GET", "/api/v1/heat"): Access("operate", scope="operate"),
    ("GET", "/api/v1/workers"): Access("operate", scope="operate"),
    ("GET", "/api/v1/migrations"): Access("operate", scope="operate"),
    ("POST", "/api/v1/migrations"): Access("operate", "migration-begun", scope="operate"),
    ("GET", "/api/v1/migrations/{id_}"): Access("operate", scope="operate"),
    ("GET", "/api/v1/figures"): Access(scope="figures:read"),
    ("POST", "/api/v1/suggestions"): Access(None, "suggestion-made", scope="suggestions:write"),
    ("GET", "/api/v1/suggestions"): Access(scope="suggestions:read"),
    ("POST", "/api/v1/suggestions/{id_}/decision"): Access(
        None, "suggestion-decided", scope="suggestions:write"
    ),
    ("POST", "/api/v1/clock/advance"): Access("operate", "clock-advanced", scope="operate"),
}
