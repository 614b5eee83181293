"""Open tasks and stuck work as JSON."""

from __future__ import annotations

from typing import Any

from workers.cases.forms import Form
from workers.cases.wording import Context, Found, Wording
from workers.desk.people import Actor, Authority
from workers.desk.words import iso
from workers.errors import Broken
from workers.store import case_owners, record_queries
from workers.store.outbox import Transaction
from workers.store.record_views import TaskView


def described_tasks(tx: Transaction, who: Actor | None = None) -> list[dict[str, Any]]:
    """Open user tasks, the one due first comes first; only those that `who` may complete, if given."""
    found = record_queries.open_tasks(tx)
    if who is not None:
        cases = case_owners.of(tx, {task.number for task in found if task.number})
        authority = Authority(tx)
        found = [
            task
            for task in found
            if task.number in cases and authority.refuses(who, task, cases[task.number]) is None
        ]
    return [_described(task) for task in found]


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


def described_incidents(tx: Transaction) -> list[dict[str, Any]]:
    """Open incidents, the oldest first."""
    return [
        {
            "key": each.key,
            "number": each.number,
            "name": each.name,
            "cause": each.error_message,
            "error_type": each.error_type,
            "since": iso(each.created_at),
            "process": each.process_id,
            "element": each.element_id,
        }
        for each in record_queries.open_incidents(tx)
    ]


def _described(task: TaskView) -> dict[str, Any]:
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
    }
    try:
        described["fields"] = Form(task.form_schema).fields if task.form_schema is not None else []
    except Broken as error:
        described["broken"] = str(error)
    return described
