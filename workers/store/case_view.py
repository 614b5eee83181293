"""The whole case as JSON: what `duban show` prints and the API answers (rules A6, F3). A contract for scripts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workers.cases import masking
from workers.names import SHANGHAI
from workers.store import (
    answers,
    appeals,
    cases,
    complaints,
    deadlines,
    evidence,
    incident_view,
    outbox,
    record_queries,
    refunds,
    timeline,
    timeline_words,
    watchers,
)
from workers.store.appeal_tables import Appeal, Evidence, Mark
from workers.store.case_parts import answered, entry, message, stuck, task
from workers.store.refund_tables import Refund
from workers.store.tables import Complaint, Deadline
from workers.store.timeline_words import TimelineWords


def show(
    tx: Session,
    number: str,
    words: TimelineWords | None = None,
    *,
    now: datetime | None = None,
    with_text: bool = False,
) -> dict[str, Any]:
    """The case, with personal data masked (rule B10); of an event what incident_view shows.

    Args:
        words: what the timeline says; None: as shipped.
        now: the present: a deadline that has passed while a tier's own clock still runs is missed, too. None: only
            what the process has marked.
        with_text: adds the complaint's text, the customer and the answers, unmasked, under `personal`; only
            for people who work on the case.

    Returns:
        A JSON object; times are ISO 8601 with the offset of Asia/Shanghai.

    Raises:
        NotFound: no complaint has this number, and no event.
    """
    if cases.is_incident(tx, number):
        return incident_view.show(tx, number, words, with_text=with_text)
    complaint = complaints.get(tx, number)
    said = words or timeline_words.shipped()
    case: dict[str, Any] = {
        **_facts(complaint),
        "deadlines": [
            _deadline(each, None if complaint.closed_at else now) for each in deadlines.of(tx, number)
        ],
        "timeline": [entry(each, said) for each in timeline.of(tx, number)],
        "messages": [message(each) for each in outbox.of_number(tx, number)],
        "tasks": [task(each) for each in record_queries.open_tasks(tx, number)],
        "appeal": _appeal(appeals.find(tx, number)),
        "evidence": [piece(each) for each in evidence.of(tx, number)],
        "marks": [_mark(each) for each in evidence.marks(tx, number)],
        "marked": list(evidence.marked(tx, number)),
        "refunds": [_refund(tx, each) for each in refunds.of(tx, number)],
        "incident": next((stuck(each) for each in record_queries.open_incidents(tx, number)), None),
        "watchers": [each.person for each in watchers.of(tx, number)],
    }
    if with_text:
        case["personal"] = _personal(tx, complaint)
    return case


def _refund(tx: Session, refund: Refund) -> dict[str, Any]:
    return {
        "number": refund.refund_no,
        "kind": refund.kind,
        "status": refund.status,
        "reason": refund.reason,
        "asked_fen": refund.asked_fen,
        "asked_by": refund.asked_by,
        "charge": refund.charge_id,
        "charged_fen": refund.charged_fen,
        "amount_fen": refund.payable_fen,
        "paid_fen": refund.paid_fen,
        "tier": refund.tier,
        "approvals": [
            {
                "tier": each.tier,
                "group": each.group,
                "who": each.person,
                "decision": each.decision,
                "at": _iso(each.at),
            }
            for each in refunds.approvals(tx, refund.refund_no)
        ],
        "registered_at": _iso(refund.registered_at),
        "ended_at": _iso(refund.ended_at),
    }


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


def _appeal(appeal: Appeal | None) -> dict[str, Any] | None:
    """The second handling (rule B7); its status says where it is."""
    if appeal is None:
        return None
    status = "closed" if appeal.closed_at else "resolved" if appeal.told_at else "in-progress"
    return {
        "number": appeal.number,
        "origin": appeal.origin,
        "status": status,
        "handler": {"group": appeal.handler_group, "person": appeal.handler},
        "tier": appeal.tier,
        "finding": appeal.finding,
        "outcome": appeal.outcome,
        "filed_at": _iso(appeal.filed_at),
        "decided_at": _iso(appeal.decided_at),
        "told_at": _iso(appeal.told_at),
        "closed_at": _iso(appeal.closed_at),
    }


def piece(evidence: Evidence) -> dict[str, Any]:
    """A piece of evidence (rules B4, B9, D11)."""
    return {
        "sha256": evidence.sha256,
        "name": evidence.name,
        "kind": evidence.kind,
        "media_type": evidence.media_type,
        "size": evidence.size,
        "added_by": evidence.added_by,
        "at": _iso(evidence.at),
    }


def _mark(mark: Mark) -> dict[str, Any]:
    """A mark that was set or taken back (rules B9, D11); the grounds are personal and stay out of lists."""
    return {"mark": mark.kind, "is_set": mark.is_set, "by": mark.by, "at": _iso(mark.at)}


def _deadline(deadline: Deadline, now: datetime | None) -> dict[str, Any]:
    is_past = now is not None and deadline.met_at is None and deadline.due_at <= now
    return {
        "kind": deadline.kind,
        "due_at": _iso(deadline.due_at),
        "met_at": _iso(deadline.met_at),
        "missed": deadline.missed_at is not None or is_past,
        "missed_by": deadline.missed_by,
        "extended_from": _iso(deadline.extended_from),
    }


def _personal(tx: Session, complaint: Complaint) -> dict[str, Any]:
    return {
        "text": complaint.text,
        "impact": complaint.impact,
        "name": complaint.customer_name,
        "phone": complaint.customer_phone,
        "email": complaint.customer_email,
        "customer_no": complaint.customer_no,
        "contact_name": complaint.contact_name,
        "contact_phone": complaint.contact_phone,
        "answers": [answered(each) for each in answers.of(tx, complaint.number)],
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None
