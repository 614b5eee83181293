"""Removes what is personal from the records of a complaint, and keeps what figures need (rule C10).

PERSONAL says what of each table that belongs to a case is personal. A test holds it against the schema: a new column
that can hold text must be here or among the harmless ones.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from workers.cases.retention import GONE, MARK, anonymised_facts
from workers.store.appeal_tables import CaseFile, Evidence
from workers.store.attempt_tables import CompletionAttempt
from workers.store.database import Base
from workers.store.refund_tables import ChargeRow, Refund
from workers.store.retention_tables import Pseudonym
from workers.store.tables import Answer, Complaint, TimelineEntry

PERSONAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "complaints": {
        "text": GONE,
        "customer_name": None,
        "progress_key": None,
        "customer_phone": None,
        "customer_email": None,
        "customer_no": None,
        "contact_name": None,
        "contact_phone": None,
        "impact": None,
        "external_ref": None,
    },
    "answers": {"value": GONE},
    "outbox": {"address": GONE, "subject": None, "body": GONE, "html": None, "last_error": None},
    "completion_attempts": {"texts": {}},
    "suggestions": {"text": GONE, "reason": GONE},
    "marks": {"grounds": GONE},
    "notes": {"text": GONE},
    "refunds": {"agreement": GONE},
    "major_incidents": {"text": GONE},
}
"""Table -> column -> what is written there instead. Besides these: customer_key, and the facts of the timeline."""

HARMLESS: Final[Mapping[str, frozenset[str]]] = {
    "complaints": frozenset(
        {"number", "policy", "channel", "customer_key", "province", "city", "branch", "product", "flags"}
        | {"status", "missing_fields", "category", "classified_by", "priority", "owner_group", "owner_person"}
        | {"tier", "satisfaction", "outcome", "finding", "cause_code", "process_instance_key", "submission"}
    ),
    "timeline": frozenset({"number", "who", "code", "facts", "dedupe_key"}),
    "answers": frozenset({"task_key", "field", "number", "form", "author"}),
    "outbox": frozenset({"number", "event", "recipient", "channel", "status", "dedupe_key"}),
    "completion_attempts": frozenset({"task_key", "person", "number", "action", "name", "form"}),
    "deadlines": frozenset({"number", "kind", "missed_by"}),
    "watchers": frozenset({"number", "person", "group_name"}),
    "engine_requests": frozenset({"message_id", "name", "number", "variables", "state"}),
    "exclusions": frozenset({"number", "form", "scope", "person", "because"}),
    "major_incidents": frozenset(  # its reference is the one of a report by staff, not of a person
        {"number", "policy", "kind", "source", "external_ref", "cluster_key", "province", "city", "branch"}
        | {"product", "category", "flags", "status", "tier", "level", "owner_group", "owner_person", "reason"}
        | {"outcome", "process_instance_key"}
    ),
    "incident_complaints": frozenset({"complaint", "incident", "attached_by"}),
    "work_orders": frozenset({"opened_by", "number", "engineer", "engineer_group", "status", "reason_code"}),
    "rectifications": frozenset({"id", "number", "group_name", "owner", "cause_code", "status"}),
    "suggestions": frozenset({"number", "owner_group", "status", "made_by", "decided_by", "dedupe_key"}),
    "appeals": frozenset(
        {
            "complaint",
            "number",
            "origin",
            "authority",
            "handler",
            "handler_group",
            "tier",
            "finding",
            "decided_by",
        }
        | {"outcome", "process_instance_key"}
    ),
    "refunds": frozenset(  # the charge stays named: an accounting record, which only billing can follow to a customer
        {
            "refund_no",
            "number",
            "element_instance_key",
            "kind",
            "settled_as",
            "cause_code",
            "asked_by",
            "status",
        }
        | {"claimed_charge", "charge_id", "tier", "reason", "reference"}
    ),
    "marks": frozenset({"number", "kind", "by"}),
    "notes": frozenset({"number", "author", "dedupe_key"}),
    "evidence": frozenset({"number", "sha256", "name", "media_type", "kind", "added_by"}),  # its rows go
    "case_files": frozenset({"number", "audience", "sha256"}),  # so do these
    "retention_items": frozenset({"run", "complaint", "policy", "month", "kept_because"}),
}
"""Columns that hold words of the process, keys, and usernames of staff."""

_NUMBER: Final = {"incident_complaints": "complaint", "retention_items": "complaint"}


def anonymise(tx: Session, complaint: Complaint, now: datetime) -> set[str]:
    """Anonymises a complaint that the caller has locked; one that was is left as it is.

    Returns:
        Hashes of files (evidence, case files) that no case has any more.
    """
    if complaint.anonymised_at is not None:
        return set()
    number, key = complaint.number, complaint.customer_key
    complaint.customer_key = _pseudonym(tx, key)
    complaint.anonymised_at = now
    tx.flush()
    _forget_customer(tx, key)
    _forget_charges(tx, complaint)
    _blank(tx, number)
    for entry in tx.scalars(select(TimelineEntry).where(TimelineEntry.number == number)):
        if not entry.facts.get(MARK):
            entry.facts = anonymised_facts(entry.facts)
    tx.flush()
    tx.refresh(complaint)
    return _forget_files(tx, number)


def _forget_charges(tx: Session, complaint: Complaint) -> None:
    """In the embedded billing, the charges that refunds of this customer named belong to nobody any more.

    As long as another complaint of the customer is kept, so are they; other charges are the billing's own matter.
    """
    customer_no = complaint.customer_no
    kept = exists().where(Complaint.customer_no == customer_no, Complaint.anonymised_at.is_(None))
    if customer_no is None or tx.scalar(select(kept)):
        return
    mine = select(Complaint.number).where(Complaint.customer_key == complaint.customer_key)
    named = select(Refund.charge_id).where(Refund.number.in_(mine), Refund.charge_id.is_not(None))
    found = update(ChargeRow).where(ChargeRow.customer_no == customer_no, ChargeRow.charge_id.in_(named))
    tx.execute(found.values(customer_no=complaint.customer_key))


def anonymise_incident(tx: Session, number: str) -> set[str]:
    """Removes what people wrote about an event that the caller has locked; again, it changes nothing.

    Its timeline stays as it is: it has words of the process and usernames, nothing of a customer.

    Returns:
        Hashes of files that no case has any more.
    """
    _blank(tx, number)
    return _forget_files(tx, number)


def _blank(tx: Session, number: str) -> None:
    tx.execute(delete(Answer).where(Answer.number == number, Answer.is_final.is_(False)))
    tx.execute(delete(CompletionAttempt).where(CompletionAttempt.number == number))
    for table, columns in PERSONAL.items():
        found = Base.metadata.tables[table]
        mine = update(found).where(found.c[_NUMBER.get(table, "number")] == number)
        for name, value in columns.items():
            tx.execute(mine.where(found.c[name].is_not(None)).values({name: value}))


def _forget_files(tx: Session, number: str) -> set[str]:
    hashes: set[str] = set()
    for table in (Evidence, CaseFile):
        hashes |= set(tx.scalars(select(table.sha256).where(table.number == number)))
        tx.execute(delete(table).where(table.number == number))
    for table in (Evidence, CaseFile):
        hashes -= set(tx.scalars(select(table.sha256).where(table.sha256.in_(hashes))))
    return hashes


def _pseudonym(tx: Session, customer_key: str) -> str:
    row = tx.get(Pseudonym, customer_key, with_for_update=True)
    if row is None:
        row = Pseudonym(customer_key=customer_key, pseudonym=f"anonymous:{secrets.token_hex(16)}")
        tx.add(row)
        tx.flush()
    return row.pseudonym


def _forget_customer(tx: Session, customer_key: str) -> None:
    left = tx.scalar(select(func.count()).where(Complaint.customer_key == customer_key))
    if not left:
        tx.execute(delete(Pseudonym).where(Pseudonym.customer_key == customer_key))
