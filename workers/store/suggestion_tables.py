"""The table of suggestions for improvement: made by whoever works on a case, tracked to their end (rule A11)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Suggestion(Base):
    """A suggestion, whose it is to decide, and what became of it."""

    __tablename__ = "suggestions"
    __table_args__ = (
        CheckConstraint("status in ('open','accepted','done','rejected')", name="status"),
        CheckConstraint("status <> 'rejected' or reason is not null", name="reason"),
        Index("suggestions_status_idx", "status", "owner_group"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[str | None] = mapped_column(ForeignKey("cases.number"), index=True)
    """The case that gave the idea, if any."""
    text: Mapped[str] = mapped_column(Text)
    owner_group: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="open")
    reason: Mapped[str | None] = mapped_column(String(2000))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
