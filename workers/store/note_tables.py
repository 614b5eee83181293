"""The table of notes: what is added to a case while it runs, by the customer or by staff (rules A6, F3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Note(Base):
    """A remark on a case. Added, never changed; the words go when the case is anonymised (rule C10)."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(64))
    """Username of who wrote it down, or `customer` who did it on their own page."""
    is_of_customer: Mapped[bool]
    """The customer's own words, whoever wrote them down; else what staff have to say."""
    at: Mapped[datetime] = mapped_column(Instant)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
