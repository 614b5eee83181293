"""Who must not complete which user tasks of a case, though their group may (four eyes, rules D3 and B7)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Exclusion(Base):
    """One person who is kept from one form of one case."""

    __tablename__ = "exclusions"
    __table_args__ = (
        CheckConstraint("because in ('asked','decided','worked-before')", name="because"),
        Index("exclusions_person_idx", "person"),
    )

    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), primary_key=True)
    form: Mapped[str] = mapped_column(String(64), primary_key=True)
    scope: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Key of the process instance whose tasks are meant; `case`: those of every one of the case."""
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    because: Mapped[str] = mapped_column(String(32))
    since: Mapped[datetime] = mapped_column(Instant)
