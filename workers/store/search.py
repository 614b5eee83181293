"""Finds complaints by number or by customer: telephone, e-mail, customer number or name (rule C10)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from workers.cases import masking
from workers.cases.contact import check_email, check_phone
from workers.names import SHANGHAI
from workers.store.sight import EVERYTHING, Sight
from workers.store.tables import Complaint

MOST: Final = 100
"""Complaints in one answer."""


def find(tx: Session, wanted: str, sight: Sight = EVERYTHING) -> list[dict[str, Any]]:
    """The newest complaints that fit exactly, personal data masked; anonymised ones only by their number.

    Args:
        wanted: a number of a complaint, a telephone number or an e-mail address in any spelling, a customer number,
            or a whole name (of the customer, or of whom to speak to).
        sight: what the person who looks may see.
    """
    fits = or_(*_fits(wanted.strip()))
    statement = (
        select(Complaint)
        .where(fits, sight.shows(Complaint))
        .order_by(Complaint.received_at.desc(), Complaint.number.desc())
    )
    return [_line(each) for each in tx.scalars(statement.limit(MOST))]


def _fits(wanted: str) -> list[ColumnElement[bool]]:
    exact = (Complaint.customer_no, Complaint.customer_name, Complaint.contact_name)
    fits = [column == wanted for column in exact] + [Complaint.number == wanted.upper()]
    with suppress(ValueError):
        phone = check_phone(wanted)
        fits += [Complaint.customer_phone == phone, Complaint.contact_phone == phone]
    with suppress(ValueError):
        fits.append(Complaint.customer_email == check_email(wanted))
    return fits


def _line(complaint: Complaint) -> dict[str, Any]:
    name, phone, email = complaint.customer_name, complaint.customer_phone, complaint.customer_email
    return {
        "number": complaint.number,
        "policy": complaint.policy,
        "channel": complaint.channel,
        "status": complaint.status,
        "category": complaint.category,
        "received_at": complaint.received_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "closed_at": complaint.closed_at.astimezone(SHANGHAI).isoformat(timespec="seconds")
        if complaint.closed_at
        else None,
        "is_anonymised": complaint.anonymised_at is not None,
        "customer": {
            "name": masking.name(name) if name else None,
            "phone": masking.phone(phone) if phone else None,
            "email": masking.email(email) if email else None,
        },
    }
