"""Troubles in lines: what has one cause is one line, whatever its number. Nothing in a line is personal (rule B10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from workers.cases.stuck_words import why
from workers.store.alert_tables import Trouble

LINES: Final = 20
"""Lines that an alert has of each part; how many more there are is said."""
NUMBERS: Final = 10
_PAGES: Final[Mapping[str, str]] = {
    "incident": "/operations/causes/",
    "dead-letter": "/operations/outbox",
    "complaint-overdue": "/complaints?urgency=overdue",
    "place-overdue": "/complaints?urgency=overdue",
    "report-overdue": "/events",
    "workers": "/operations/workers",
}


@dataclass(frozen=True)
class Line:
    """Troubles of one kind and cause.

    Attributes:
        numbers: of the cases that have it, the oldest first, `NUMBERS` at most; of `workers` the job types.
        since: of the one that has it longest.
        page: where operations see it, without the address of the service.
        why_zh, why_en: what an incident's error type means.
        says: the cause as far as it may leave the house; None: the page has it.
        overdue: complaints that a place had overdue when it was found.
    """

    kind: str
    count: int
    cause: str
    numbers: tuple[str, ...]
    since: datetime
    page: str
    process: str | None = None
    process_name: str | None = None
    element: str | None = None
    element_name: str | None = None
    error_type: str | None = None
    why_zh: str | None = None
    why_en: str | None = None
    says: str | None = None
    channel: str | None = None
    place: str | None = None
    overdue: int | None = None
    report: str | None = None


def lines(troubles: Iterable[Trouble]) -> list[Line]:
    """Lines in the order of the kinds' urgency, the most troubles first.

    Args:
        troubles: the oldest first.
    """
    grouped: dict[tuple[str, str], list[Trouble]] = {}
    for each in troubles:
        grouped.setdefault((each.kind, each.cause), []).append(each)
    found = [_line(group) for group in grouped.values()]
    order = {kind: index for index, kind in enumerate(_PAGES)}
    return sorted(found, key=lambda each: (order.get(each.kind, 99), -each.count, each.since))


def as_json(found: Sequence[Line], base: str | None) -> list[dict[str, Any]]:
    """The lines for programs: without what is not known, times in ISO 8601, whole addresses."""
    told = []
    for each in found:
        facts = {name: value for name, value in asdict(each).items() if value is not None and name != "page"}
        facts["since"] = each.since.isoformat()
        facts["job_types" if each.kind == "workers" else "numbers"] = list(facts.pop("numbers"))
        if base:
            facts["url"] = f"{base}{each.page}"
        told.append(facts)
    return told


def _line(group: Sequence[Trouble]) -> Line:
    first = group[0]
    facts = first.facts
    page = _PAGES.get(first.kind, "/operations")
    zh, en = None, None
    if first.kind == "incident":
        words = why(facts["error_type"])
        zh, en = words["zh"], words["en"]
        page += first.cause
    names = (each.facts.get("job_type") or each.number for each in group)
    known = ("process", "process_name", "element", "element_name", "error_type", "says", "channel", "place")
    return Line(
        kind=first.kind,
        count=len(group),
        cause=first.cause,
        numbers=tuple(dict.fromkeys(name for name in names if name))[:NUMBERS],
        since=min(each.since for each in group),
        page=page,
        why_zh=zh,
        why_en=en,
        overdue=facts.get("overdue"),
        report=facts.get("report"),
        **{name: facts.get(name) for name in known},
    )
