"""Which open user tasks are offered to whom: what an inbox asks for, so that it need not look at every task."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.cases.region import Region, bare
from workers.store.database import Base, Instant

_BETWEEN: Final = "\x1f"
"""Between the names of a place: what no name of a place has in it."""

_TAKEN: Final = text("assignee is not null")


class TaskOffer(Base):
    """One open user task as one group sees it; gone when the task ends. Written only with the records of tasks."""

    __tablename__ = "task_offers"
    __table_args__ = (
        Index("task_offers_group_due_idx", "group", "sorted_at", "task_key"),
        Index("task_offers_due_idx", "sorted_at", "task_key"),
        Index("task_offers_group_place_idx", "group", "place"),
        Index("task_offers_number_idx", "number"),
        Index("task_offers_assignee_idx", "assignee", sqlite_where=_TAKEN, postgresql_where=_TAKEN),
    )

    task_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    group: Mapped[str] = mapped_column(String(64), primary_key=True)
    """A candidate group; empty for a task that has none."""
    number: Mapped[str | None] = mapped_column(String(64))
    form: Mapped[str | None] = mapped_column(String(128))
    scope: Mapped[str] = mapped_column(String(32))
    """Key of the task's process instance (see exclusions)."""
    assignee: Mapped[str | None] = mapped_column(String(128))
    sorted_at: Mapped[datetime] = mapped_column(Instant)
    """When it is due; a task that is never due comes after all others (NEVER_DUE)."""
    place: Mapped[str] = mapped_column(String(200))
    """Where the case belongs: `place_key` of its region."""


def place_key(region: Region) -> str:
    """A region as one word that is the same however its places are spelt."""
    return _BETWEEN.join(bare(name) if name else "" for name in _names(region))


@lru_cache(maxsize=16_384)
def region_of(place: str) -> Region:
    """The region that a place key stands for, in its shortest spelling."""
    province, city, branch = (name or None for name in place.split(_BETWEEN))
    return Region(province=province, city=city, branch=branch)


def _names(region: Region) -> tuple[str | None, str | None, str | None]:
    return region.province, region.city, region.branch
