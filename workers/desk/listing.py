"""Open tasks and stuck work as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.forms import Form
from workers.cases.wording import Context, Found, Wording
from workers.desk.words import iso
from workers.errors import Broken
from workers.store.record_views import TaskView

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
