"""A case is a complaint or an incident: what work and messages need of either."""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.errors import NotFound
from workers.store import complaints, incidents
from workers.store.incident_tables import MajorIncident
from workers.store.statements import table_of
from workers.store.tables import Case, Complaint

AnyCase = Complaint | MajorIncident
RETENTION_RUN: Final = "retention-run"
"""The kind of number that is no case of anybody's, though work and messages belong to it."""


_KIND: Final = select(table_of(Case).c.kind).where(table_of(Case).c.number == bindparam("of"))


def is_incident(tx: Session, number: str) -> bool:
    """Whether the number is an incident's; an unknown one is not."""
    return tx.scalar(_KIND, {"of": number}) == "incident"


def kind(tx: Session, number: str) -> str:
    """What a number is of: `complaint`, `incident`, …

    Raises:
        NotFound: no case has this number.
    """
    found: str | None = tx.scalar(_KIND, {"of": number})
    if found is None:
        raise NotFound(f"There is no case {number[:40]!r}.")
    return found


def get(tx: Session, number: str, of: str | None = None) -> AnyCase:
    """The complaint or the incident, locked until the transaction ends where the session may write.

    Args:
        of: its kind, where the caller knows it.

    Raises:
        NotFound: no case has this number.
    """
    is_incident = (of or kind(tx, number)) == "incident"
    return incidents.get(tx, number) if is_incident else complaints.get(tx, number)


def region(case: AnyCase) -> Region:
    """Where the case belongs."""
    return Region(province=case.province, city=case.city, branch=case.branch)
