"""The whole case as JSON: what `duban show` prints and the API answers (rule A6). A contract for scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workers.cases import masking
from workers.names import SHANGHAI
from workers.store import (
    answers,
    complaints,
    deadlines,
    outbox,
    record_queries,
    timeline,
    timeline_words,
    watchers,
)
from workers.store.record_views import IncidentView, TaskView
from workers.store.tables import Answer, Complaint, Deadline, OutboxMessage, TimelineEntry
from workers.store.timeline_words import TimelineWords


def show(
    tx: Session,
    number: str,
    words: TimelineWords | None = None,
    *,
    now: datetime | None = None,
    with_text: bool = False,
) -> dict[str, Any]:
    """The case, with personal data masked (rule B10).

    Args:
        words: what the timeline says; None: as shipped.
        now: the present: a deadline that has passed while a tier's own clock still runs is missed, too. None: only
            what the process has marked.
        with_text: adds the complaint's text, the customer and the answers, unmasked, under `personal`; only
            for people who work on the case.

    Returns:
        A JSON object; times are ISO 8601 with the offset of Asia/Shanghai.

    Raises:
        NotFound: no complaint has this number.
    """
    complaint = complaints.get(tx, number)
    said = words or timeline_words.shipped()
    case: dict[str, Any] = {
        **_facts(complaint),
        "deadlines": [
            _deadline(each, None if complaint.closed_at else now) for each in deadlines.of(tx, number)
        ],
        "timeline": [_entry(each, said) for each in timeline.of(tx, number)],
        "messages": [_message(each) for each in outbox.of_number(tx, number)],
        "tasks": [_task(each) for each in record_queries.open_tasks(tx, number)],
        "refunds": [],
        "incident": next((_incident(each) for each in record_queries.open_incidents(tx, number)), None),
        "watchers": [each.person for each in watchers.of(tx, number)],
    }
    if with_text:
        case["personal"] = _personal(tx, complaint)
    return case


def _facts(complaint: Complaint) -> dict[str, Any]:
    owner = {"group": complaint.owner_group, "person": complaint.owner_person}
    return {
        "number": complaint.number,
        "policy": complaint.policy,
        "channel": complaint.channel,
        "status": complaint.status,
        "category": complaint.category,
        "priority": complaint.priority,
        "owner": owner,
        "tier": complaint.tier,
        "satisfaction": complaint.satisfaction,
        "outcome": complaint.outcome,
        "product": complaint.product,
        "region": complaints.region(complaint).model_dump(),
        "flags": complaint.flags,
        "customer": {
            "name": masking.name(complaint.customer_name) if complaint.customer_name else None,
            "phone": masking.phone(complaint.customer_phone) if complaint.customer_phone else None,
            "email": masking.email(complaint.customer_email) if complaint.customer_email else None,
        },
        "missing_fields": complaint.missing_fields,
        "confidence": complaint.confidence,
        "classified_by": complaint.classified_by,
        "occurred_at": _iso(complaint.occurred_at),
        "received_at": _iso(complaint.received_at),
        "closed_at": _iso(complaint.closed_at),
    }


def _deadline(deadline: Deadline, now: datetime | None) -> dict[str, Any]:
    is_past = now is not None and deadline.met_at is None and deadline.due_at <= now
    return {
        "kind": deadline.kind,
        "due_at": _iso(deadline.due_at),
        "met_at": _iso(deadline.met_at),
        "missed": deadline.missed_at is not None or is_past,
    }


def _entry(entry: TimelineEntry, words: TimelineWords) -> dict[str, Any]:
    return {
        "at": _iso(entry.at),
        "who": entry.who,
        "what": words.what(entry.code, entry.facts),
        "code": entry.code,
    }


def _message(message: OutboxMessage) -> dict[str, Any]:
    return {
        "event": message.event,
        "channel": message.channel,
        "to": masking.contact(message.address),
        "recipient": message.recipient,
        "status": message.status,
        "at": _iso(message.sent_at or message.created_at),
    }


def _task(task: TaskView) -> dict[str, Any]:
    return {
        "task": task.key,
        "name": task.name,
        "number": task.number,
        "groups": list(task.groups),
        "due_at": _iso(task.due_at),
        "form": task.form_id,
    }


def _incident(incident: IncidentView) -> dict[str, Any]:
    return {
        "key": incident.key,
        "name": incident.name,
        "cause": incident.error_message,
        "error_type": incident.error_type,
        "since": _iso(incident.created_at),
    }


def _personal(tx: Session, complaint: Complaint) -> dict[str, Any]:
    return {
        "text": complaint.text,
        "impact": complaint.impact,
        "name": complaint.customer_name,
        "phone": complaint.customer_phone,
        "email": complaint.customer_email,
        "customer_no": complaint.customer_no,
        "answers": [_answer(each) for each in answers.of(tx, complaint.number)],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "form": answer.form,
        "field": answer.field,
        "value": answer.value,
        "who": answer.author,
        "at": _iso(answer.at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
