"""A case is a complaint or an incident: what work and messages need of either."""

from __future__ import annotations

from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.errors import NotFound
from workers.store import complaints, incidents
from workers.store.incident_tables import MajorIncident
from workers.store.tables import Case, Complaint

AnyCase = Complaint | MajorIncident


def is_incident(tx: Session, number: str) -> bool:
    """Whether the number is an incident's; an unknown one is not."""
    found = tx.get(Case, number)
    return found is not None and found.kind == "incident"


def kind(tx: Session, number: str) -> str:
    """What a number is of: `complaint`, `incident`, …

    Raises:
        NotFound: no case has this number.
    """
    found = tx.get(Case, number)
    if found is None:
        raise NotFound(f"There is no case {number[:40]!r}.")
    return found.kind


def get(tx: Session, number: str) -> AnyCase:
    """The complaint or the incident, locked until the transaction ends where the session may write.

    Raises:
        NotFound: no case has this number.
    """
    return incidents.get(tx, number) if kind(tx, number) == "incident" else complaints.get(tx, number)


def region(case: AnyCase) -> Region:
    """Where the case belongs."""
    return Region(province=case.province, city=case.city, branch=case.branch)
