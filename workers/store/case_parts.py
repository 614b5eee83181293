"""The parts that a complaint and an event have in common, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases import masking
from workers.names import SHANGHAI
from workers.store.record_views import IncidentView, TaskView
from workers.store.tables import Answer, OutboxMessage, TimelineEntry
from workers.store.timeline_words import TimelineWords


def entry(entry: TimelineEntry, words: TimelineWords) -> dict[str, Any]:
    """What happened, when and by whom."""
    return {
        "at": _iso(entry.at),
        "who": entry.who,
        "what": words.what(entry.code, entry.facts),
        "code": entry.code,
    }


def message(message: OutboxMessage) -> dict[str, Any]:
    """What somebody was told; the address masked (rule B10)."""
    return {
        "event": message.event,
        "channel": message.channel,
        "to": masking.contact(message.address),
        "recipient": message.recipient,
        "status": message.status,
        "at": _iso(message.sent_at or message.created_at),
    }


def task(task: TaskView) -> dict[str, Any]:
    """An open user task."""
    return {
        "task": task.key,
        "name": task.name,
        "number": task.number,
        "groups": list(task.groups),
        "due_at": _iso(task.due_at),
        "form": task.form_id,
    }


def stuck(incident: IncidentView) -> dict[str, Any]:
    """Stuck work of the engine."""
    return {
        "key": incident.key,
        "name": incident.name,
        "cause": incident.error_message,
        "error_type": incident.error_type,
        "since": _iso(incident.created_at),
    }


def answered(answer: Answer) -> dict[str, Any]:
    """What somebody wrote in a form."""
    return {
        "form": answer.form,
        "field": answer.field,
        "value": answer.value,
        "who": answer.author,
        "at": _iso(answer.at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
