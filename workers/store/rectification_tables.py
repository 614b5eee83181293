"""The table of rectification: what is put right after the operator's own fault (rules B6, E5)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Rectification(Base):
    """One thing to put right, followed to its end."""

    __tablename__ = "rectifications"
    __table_args__ = (
        CheckConstraint("status in ('open','done','effective','reported')", name="status"),
        Index("rectifications_status_due_idx", "status", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The process instance that follows it."""
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    group: Mapped[str] = mapped_column("group_name", String(64))
    owner: Mapped[str] = mapped_column(ForeignKey("staff.username"))
    cause_code: Mapped[str | None] = mapped_column(String(32), index=True)
    status: Mapped[str] = mapped_column(String(16), default="open")
    """open: to be carried out · done: the check is due · effective · reported: not effective within the rounds."""
    round: Mapped[int] = mapped_column(default=1)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    missed_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was first overdue and raised."""
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    checked_at: Mapped[datetime | None] = mapped_column(Instant)
    is_effective: Mapped[bool | None]
