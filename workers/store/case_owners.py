"""Where cases belong, and who owns them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.store.incident_tables import MajorIncident
from workers.store.retention_tables import RetentionRun
from workers.store.statements import KEYS
from workers.store.tables import Complaint


@dataclass(frozen=True)
class CaseOwner:
    """Where a case belongs, and who owns it."""

    region: Region
    person: str | None


_OWNED: Final = tuple(
    select(table.number, table.province, table.city, table.branch, table.owner_person).where(
        table.number.in_(KEYS)
    )
    for table in (Complaint, MajorIncident)
)
"""Asked for with every batch of records: built once."""


def of(tx: Session, numbers: Collection[str]) -> dict[str, CaseOwner]:
    """Region and owner by number of a case; a retention run belongs to no region. Who is unknown is left out."""
    found: dict[str, CaseOwner] = {}
    missing = set(numbers)
    for wanted in _OWNED:
        if missing:
            for number, province, city, branch, person in tx.execute(wanted, {"keys": sorted(missing)}):
                found[number] = CaseOwner(Region(province=province, city=city, branch=branch), person)
        missing -= found.keys()
    if missing:
        for number in tx.scalars(select(RetentionRun.number).where(RetentionRun.number.in_(missing))):
            found[number] = CaseOwner(Region(), None)
    return found
