"""What a case is about, in one line of a list: no text, nobody's name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.store.incident_tables import MajorIncident
from workers.store.tables import Complaint


@dataclass(frozen=True)
class CaseLine:
    """A complaint or an event in a list.

    Attributes:
        kind: `complaint` or `incident`.
        subject: category of the complaint, kind of the event; None until it is known.
        priority: of a complaint.
    """

    number: str
    kind: str
    subject: str | None
    product: str | None
    priority: str | None
    tier: str | None
    region: Region


def of(tx: Session, numbers: Collection[str]) -> dict[str, CaseLine]:
    """Lines by number; cases of other kinds have none."""
    found: dict[str, CaseLine] = {}
    wanted = select(
        Complaint.number,
        Complaint.category,
        Complaint.product,
        Complaint.priority,
        Complaint.tier,
        Complaint.province,
        Complaint.city,
        Complaint.branch,
    )
    for number, category, product, priority, tier, *place in tx.execute(
        wanted.where(Complaint.number.in_(numbers))
    ):
        found[number] = CaseLine(number, "complaint", category, product, priority, tier, _region(place))
    events = select(
        MajorIncident.number,
        MajorIncident.kind,
        MajorIncident.product,
        MajorIncident.tier,
        MajorIncident.province,
        MajorIncident.city,
        MajorIncident.branch,
    )
    for event, kind, item, level, *place in tx.execute(events.where(MajorIncident.number.in_(numbers))):
        found[event] = CaseLine(event, "incident", kind, item, None, level, _region(place))
    return found


def _region(place: list[str | None]) -> Region:
    province, city, branch = place
    return Region(province=province, city=city, branch=branch)
