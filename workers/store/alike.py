"""What may be the same matter as a complaint that is just being taken: the customer's other ones, events (A11, E6)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, or_, select
from sqlalchemy.orm import Session

from workers.cases.region import Region, is_within
from workers.names import Status
from workers.store import incidents
from workers.store.incident_tables import MajorIncident
from workers.store.sight import Sight
from workers.store.tables import Complaint, Staff

SHOWN: Final = 5
_ENDED: Final = (Status.CLOSED, Status.WITHDRAWN)


def of_customer(
    tx: Session, *, phone: str | None, email: str | None, customer_no: str | None, sight: Sight
) -> list[Complaint]:
    """Complaints of a customer who is known by any of these, open ones first, then the newest; none for nobody.

    Args:
        phone: E.164, of the customer or of whom to speak to.
    """
    named = []
    if phone is not None:
        named += [Complaint.customer_phone == phone, Complaint.contact_phone == phone]
    if email is not None:
        named.append(Complaint.customer_email == email)
    if customer_no is not None:
        named.append(Complaint.customer_no == customer_no)
    if not named:
        return []
    is_over = case((Complaint.status.in_(_ENDED), 1), else_=0)
    found = select(Complaint).where(or_(*named), sight.shows(Complaint), Complaint.anonymised_at.is_(None))
    newest = found.order_by(is_over, Complaint.received_at.desc(), Complaint.number.desc())
    return list(tx.scalars(newest.limit(SHOWN)))


def events_at(tx: Session, place: Region, product: str | None) -> list[MajorIncident]:
    """Open events that a complaint from there may belong to, the newest first; none for a place that nobody named.

    Seen by whoever takes the complaint, wherever they work: an event is no personal matter.

    Args:
        product: None: not known yet, any.
    """
    if place == Region():
        return []
    open_ones = select(MajorIncident).where(MajorIncident.status.in_(incidents.OPEN))
    newest = tx.scalars(open_ones.order_by(MajorIncident.declared_at.desc(), MajorIncident.number.desc()))
    return [
        each
        for each in newest
        if is_within(place, incidents.region(each))
        and (product is None or each.product is None or each.product == product)
    ][:SHOWN]


def places(tx: Session) -> list[Region]:
    """Where people work, in order: what a clerk may choose from."""
    rows = select(Staff.province, Staff.city, Staff.branch).where(Staff.is_active).distinct()
    known = {Region(province=row.province, city=row.city, branch=row.branch) for row in tx.execute(rows)}
    known.discard(Region())
    return sorted(known, key=lambda each: (each.province or "", each.city or "", each.branch or ""))
