"""The table of field work: one row per engineer who had a case's visit (rule B11)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class WorkOrder(Base):
    """A work order: who goes, when the customer was called, the window, what came of it."""

    __tablename__ = "work_orders"
    __table_args__ = (
        CheckConstraint(
            "status in ('open','appointed','arrived','done','not-done','reassigned','raised','withdrawn')",
            name="status",
        ),
        CheckConstraint("window_from is null or window_from < window_to", name="window"),
        Index("work_orders_engineer_status_idx", "engineer", "status"),
    )

    opened_by: Mapped[str] = mapped_column(String(32), primary_key=True)
    """The element instance that opened it: delivered twice, it is the same work order."""
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    engineer: Mapped[str] = mapped_column(ForeignKey("staff.username"))
    engineer_group: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="open")
    opened_at: Mapped[datetime] = mapped_column(Instant)
    contact_due_at: Mapped[datetime] = mapped_column(Instant)
    contacted_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the customer was first reached; after contact_due_at: late."""
    window_from: Mapped[datetime | None] = mapped_column(Instant)
    window_to: Mapped[datetime | None] = mapped_column(Instant)
    late_told_at: Mapped[datetime | None] = mapped_column(Instant)
    expected_at: Mapped[datetime | None] = mapped_column(Instant)
    arrived_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    is_same_day: Mapped[bool | None]
    reason_code: Mapped[str | None] = mapped_column(String(32))
    """Why it was not done on the day of the visit."""
    visits: Mapped[int] = mapped_column(default=0)
    """Visits that ended without the work done."""
