"""Open tasks and stuck work as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.forms import Form
from workers.cases.wording import Context, Found, Wording
from workers.desk.words import iso
from workers.errors import Broken
from workers.store import record_queries
from workers.store.outbox import Transaction
from workers.store.record_views import IncidentView, TaskView

Place = tuple[datetime, str]
"""Where a page ends."""


def described_word(wording: Wording, found: Found, context: Context) -> dict[str, Any]:
    """A word of a text that may not be written, or had better not, and what to write instead."""
    return {
        "word": found.word,
        "start": found.start,
        "end": found.end,
        "level": found.level,
        "rule": found.rule.rule,
        "why": {"zh": found.rule.zh, "en": found.rule.en},
        "instead": list(found.rule.instead),
        "says": wording.sentence(found, context),
    }


def incidents_page(
    tx: Transaction, *, after: Place | None, limit: int
) -> tuple[list[dict[str, Any]], Place | None]:
    """Open incidents, the oldest first, and where the page ends if there is more."""
    found = record_queries.open_incidents(tx, after=after, limit=limit + 1)
    shown = found[:limit]
    ends = (shown[-1].created_at, shown[-1].key) if len(found) > limit else None
    return [_incident(each) for each in shown], ends


def _incident(each: IncidentView) -> dict[str, Any]:
    return {
        "key": each.key,
        "number": each.number,
        "name": each.name,
        "cause": each.error_message,
        "error_type": each.error_type,
        "since": iso(each.created_at),
        "process": each.process_id,
        "element": each.element_id,
    }


def described_task(task: TaskView) -> dict[str, Any]:
    """A user task, and what its form asks."""
    described: dict[str, Any] = {
        "task": task.key,
        "name": task.name,
        "number": task.number,
        "groups": list(task.groups),
        "due_at": iso(task.due_at),
        "form": task.form_id,
        "fields": [],
        "assignee": task.assignee,
        "created_at": iso(task.created_at),
        "state": task.state,
        "ended_at": iso(task.ended_at),
    }
    try:
        described["fields"] = Form(task.form_schema).fields if task.form_schema is not None else []
    except Broken as error:
        described["broken"] = str(error)
    return described
