"""The facts that every text about a case may use: facts.json says which there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from workers.cases import masking
from workers.notifications.phrases import spoken_name, spoken_word
from workers.settings import Settings
from workers.store import answers, complaints, deadlines, incidents, retention, staff
from workers.store.cases import AnyCase
from workers.store.incident_tables import MajorIncident
from workers.store.outbox import Transaction
from workers.store.retention_tables import RetentionRun
from workers.store.tables import Complaint, Deadline

REPLY_FIELD: Final = "customer_reply"
"""Form field in which staff write to the customer, whichever the form."""
EXPLANATION_FIELD: Final = "extension_explanation"
"""Form field in which the complaint group explains an extension to the customer (rules B8, C6)."""
_DUE: Final = frozenset({"investigation_due_at", "result_due_at", "due_at"})
"""Facts that come from the deadlines; `due_at` is the next one that can still be met."""
_PATHS: Final = {"complaint": "/complaints/{number}", "incident": "/events/{number}"}
"""The page of the desk that shows a case to staff."""


def for_customer(
    tx: Transaction, complaint: Complaint, now: datetime, settings: Settings, used: Collection[str]
) -> dict[str, Any]:
    """What a text to the customer may say. Where an event solved it, the reply is the event's (rule E6).

    Args:
        used: facts that the text uses; what has to be looked up for others is left null.
    """
    number = complaint.number
    reply = None
    if "reply" in used:
        reply = incidents.reply_for(tx, number) or answers.newest(tx, number, [REPLY_FIELD])
    kept = _deadlines(tx, number, used)
    return _of_complaint(tx, complaint, now, settings, used, kept) | {
        "customer_name": spoken_name(complaint.customer_name),
        "progress_url": _progress_url(complaint, settings),
        "missing_fields": list(complaint.missing_fields),
        "reply": reply,
        "extension_explanation": _answer(tx, number, "extension_explanation", used, EXPLANATION_FIELD),
        "finding": complaint.finding,
        "negotiation_outcome": _answer(tx, number, "negotiation_outcome", used),
    }


def _progress_url(complaint: Complaint, settings: Settings) -> str | None:
    """The customer's own page: the operator's, or the desk's where its address is known; None where neither is."""
    base = settings.web.public_url
    own = f"{base.rstrip('/')}/p/{{key}}" if base else None
    url = settings.notifications.progress_url or own
    if url is None:
        return None
    if complaint.progress_key is None:  # handed in before there were such pages
        complaint.progress_key = complaints.new_progress_key()
    return url.replace("{number}", complaint.number).replace("{key}", complaint.progress_key)


def _answer(
    tx: Transaction, number: str, fact: str, used: Collection[str], field: str | None = None
) -> str | None:
    """The newest text that staff wrote in a form field of this name, or `field`; null where no text uses the fact."""
    return answers.newest(tx, number, [field or fact]) if fact in used else None


def for_authority(
    tx: Transaction, complaint: Complaint, now: datetime, settings: Settings, used: Collection[str]
) -> dict[str, Any]:
    """What a text to a regulator or hotline may say. The customer's name is masked: they know the number."""
    name = spoken_name(complaint.customer_name)
    kept = _deadlines(tx, complaint.number, used)
    return _of_complaint(tx, complaint, now, settings, used, kept) | {
        "customer_name": masking.name(name) if name else None,
        "external_ref": spoken_word(complaint.external_ref),
        "reply": _answer(tx, complaint.number, "reply", used, REPLY_FIELD),
        "extension_explanation": _answer(
            tx, complaint.number, "extension_explanation", used, EXPLANATION_FIELD
        ),
    }


def for_staff(
    tx: Transaction, case: AnyCase, now: datetime, settings: Settings, used: Collection[str]
) -> dict[str, Any]:
    """What a text to staff may say, but for `staff_name`. The customer's name is masked (rule B10)."""
    kind = kind_of(case)
    base = settings.web.public_url
    url = base.rstrip("/") + _PATHS[kind].format(number=case.number) if base else None
    known = {"case_kind": kind, "case_url": url}
    if isinstance(case, MajorIncident):
        return _of_incident(tx, case, now, settings, used) | known | {"due_at": None}
    name, kept = spoken_name(case.customer_name), _deadlines(tx, case.number, used)
    open_ones = (each.due_at for each in kept if each.met_at is None)
    return (
        _of_complaint(tx, case, now, settings, used, kept)
        | known
        | {
            "finding": case.finding,
            "cause_code": case.cause_code,
            "measures": _answer(tx, case.number, "measures", used, "solution"),
            "result": _answer(tx, case.number, "result", used),
            "customer_name": masking.name(name) if name else None,
            "due_at": min((due_at for due_at in open_ones if due_at > now), default=None),
        }
    )


def of_run(tx: Transaction, run: RetentionRun, now: datetime, settings: Settings) -> dict[str, Any]:
    """What a text may say of a run of record retention, but for `staff_name` (rule C10)."""
    return _of_house(now, settings) | {
        "number": run.number,
        "case_url": None,  # no page shows a run yet: `duban retention NUMBER` does
        "due_at": None,
        "opened_at": run.opened_at,
        "expired_count": str(retention.listed(tx, run.number)),
    }


def kind_of(case: AnyCase) -> str:
    """`complaint` or `incident`."""
    return "incident" if isinstance(case, MajorIncident) else "complaint"


def _of_any(
    tx: Transaction, case: AnyCase, now: datetime, settings: Settings, used: Collection[str]
) -> dict[str, Any]:
    is_told = case.owner_person is not None and "owner_name" in used
    owners = staff.by_usernames(tx, {case.owner_person or ""}) if is_told else []
    return _of_house(now, settings) | {
        "number": case.number,
        "category": case.category,
        "product": spoken_word(case.product),
        "tier": case.tier,
        "owner_group": case.owner_group,
        "owner_name": owners[0].name if owners else None,
    }


def _of_house(now: datetime, settings: Settings) -> dict[str, Any]:
    told = settings.notifications
    return {
        "now": now,
        "organisation": told.organisation,
        "organisation_en": told.organisation_en,
        "hotline": told.hotline,
    }


def _deadlines(tx: Transaction, number: str, used: Collection[str]) -> list[Deadline]:
    return [] if _DUE.isdisjoint(used) else deadlines.of(tx, number)


def _of_complaint(
    tx: Transaction,
    complaint: Complaint,
    now: datetime,
    settings: Settings,
    used: Collection[str],
    kept: Iterable[Deadline],
) -> dict[str, Any]:
    due = {each.kind: each.due_at for each in kept}
    return _of_any(tx, complaint, now, settings, used) | {
        "priority": complaint.priority,
        "received_at": complaint.received_at,
        "investigation_due_at": due.get("preliminary"),
        "result_due_at": due.get("result"),
    }


def _of_incident(
    tx: Transaction, incident: MajorIncident, now: datetime, settings: Settings, used: Collection[str]
) -> dict[str, Any]:
    places = (incident.province, incident.city, incident.branch)
    return _of_any(tx, incident, now, settings, used) | {
        "incident_kind": incident.kind,
        "place": " ".join(word for word in map(spoken_word, places) if word),
        "status": incident.status,
        "reason": incident.reason,
        "complaint_count": str(incidents.count(tx, incident.number)),
        "affected_users": _figure(incident.affected_users),
        "outage_minutes": _figure(incident.outage_minutes),
        "flags": list(incident.flags),
        "declared_at": incident.declared_at,
    }


def _figure(value: int | None) -> str | None:
    return f"{value:,}" if value is not None else None
