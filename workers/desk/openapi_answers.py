"""Which call answers what, for the description of the API."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from workers.desk import api_answers as a

_C: Final = "/api/v1/complaints"
_N: Final = f"{_C}/{{number}}"
_E: Final = "/api/v1/events"
_T: Final = "/api/v1/tmf621/troubleTicket"

Told = tuple[int, type[BaseModel], bool]
"""Status, what is told, whether it is a list of that."""


def _one(model: type[BaseModel], *statuses: int) -> tuple[Told, ...]:
    return tuple((status, model, False) for status in statuses or (200,))


def _many(model: type[BaseModel], *statuses: int) -> tuple[Told, ...]:
    return tuple((status, model, True) for status in statuses or (200,))


ANSWERS: Final[dict[tuple[str, str], tuple[Told, ...]]] = {
    ("post", _C): _one(a.Made, 200, 201),
    ("get", _C): _many(a.ComplaintLine),
    ("get", _N): _one(a.CaseOrEvent),
    ("post", f"{_N}/withdrawal"): _one(a.Withdrawal),
    ("post", f"{_N}/extension"): _one(a.Extension),
    ("post", f"{_N}/survey"): _one(a.Survey),
    ("post", f"{_N}/appeal"): _one(a.Appeal),
    ("post", f"{_N}/notes"): _one(a.Note, 200, 201),
    ("get", f"{_N}/notes"): _many(a.Note),
    ("post", f"{_N}/evidence"): _one(a.AddedEvidence, 200, 201),
    ("get", f"{_N}/evidence"): _many(a.Evidence),
    ("get", f"{_N}/marks"): _many(a.Mark),
    ("post", f"{_N}/marks"): _one(a.Marked),
    ("post", f"{_N}/marks/reversal"): _one(a.Marked),
    ("get", "/api/v1/tasks"): _many(a.Task),
    ("get", "/api/v1/tasks/{key}"): _one(a.Task),
    ("post", "/api/v1/tasks/{key}/completion"): _one(a.Completed),
    ("post", "/api/v1/wording"): _one(a.Wording),
    ("get", "/api/v1/fault-guides"): _many(a.Guide),
    ("get", "/api/v1/fault-guides/{kind}"): _one(a.Guide),
    ("get", "/api/v1/rectifications"): _many(a.Rectification),
    ("post", _E): _one(a.Made, 200, 201),
    ("get", _E): _many(a.EventLine),
    ("get", f"{_E}/{{number}}"): _one(a.Event),
    ("post", f"{_E}/{{number}}/complaints"): _one(a.Attached),
    ("post", f"{_E}/{{number}}/complaints/{{complaint}}/detachment"): _one(a.Detached),
    ("post", f"{_E}/{{number}}/raise"): _one(a.Raised),
    ("post", f"{_E}/{{number}}/hand-back"): _one(a.HandedBack),
    ("post", "/api/v1/search"): _many(a.Found),
    ("get", "/api/v1/retention"): _one(a.Expired),
    ("post", "/api/v1/retention"): _one(a.Run, 201),
    ("get", "/api/v1/retention/{number}"): _one(a.Run),
    ("get", "/api/v1/incidents"): _many(a.StuckWork),
    ("post", "/api/v1/incidents/{key}/retry"): _one(a.Retried),
    ("get", "/api/v1/figures"): _one(a.Figures),
    ("post", "/api/v1/suggestions"): _one(a.Suggestion, 201),
    ("get", "/api/v1/suggestions"): _many(a.Suggestion),
    ("post", "/api/v1/suggestions/{id_}/decision"): _one(a.Suggestion),
    ("post", "/api/v1/clock/advance"): _one(a.Now),
    ("get", _T): _many(a.Ticket, 200, 206),
    ("post", _T): _one(a.Ticket, 200, 201),
    ("get", f"{_T}/{{number}}"): _one(a.Ticket),
    ("patch", f"{_T}/{{number}}"): _one(a.Ticket),
}
FILES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("get", f"{_N}/evidence/{{sha256}}"): ("*/*",),
    ("get", f"{_N}/case-file"): ("text/html",),
}
"""Calls that answer with a file, and its media types."""

MODELS: Final = [
    a.Problem,
    *dict.fromkeys(model for answers in ANSWERS.values() for _, model, _ in answers),
]
