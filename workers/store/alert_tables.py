"""What is wrong with the service, and which alerts told of it (docs/adr/0008-alerts.md). No personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant

_OPEN = text("ended_at is null")


class Alert(Base):
    """One telling of operations: its words are messages of the outbox under this number, one for each recipient."""

    __tablename__ = "alerts"
    __table_args__ = (CheckConstraint("kind in ('raised','reminded','tested')", name="kind"),)

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    """`GJ20261124-000001`; a trigger puts it into `cases`, so that messages can belong to it."""
    kind: Mapped[str] = mapped_column(String(16))
    written_at: Mapped[datetime] = mapped_column(Instant, index=True)
    begun: Mapped[int]
    """Troubles that it tells of first."""
    ended: Mapped[int]
    """Troubles of which it tells that they are over."""
    still: Mapped[int]
    """Troubles that were told before and are not over."""


class Trouble(Base):
    """Something that is or was wrong. At most one of a kind and subject is open at a time."""

    __tablename__ = "troubles"
    __table_args__ = (
        Index(
            "troubles_open_idx", "kind", "subject", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        ),
        Index("troubles_ended_idx", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(200))
    """What it is about within its kind: an incident's key, a message's id, a case's number, a place, a job type."""
    number: Mapped[str | None] = mapped_column(String(64))
    """The case that it concerns."""
    cause: Mapped[str] = mapped_column(String(64))
    """Troubles of one kind and cause are told in one line."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Words for that line; none is personal."""
    since: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    told_in: Mapped[str | None] = mapped_column(ForeignKey("alerts.number"))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    end_told_in: Mapped[str | None] = mapped_column(ForeignKey("alerts.number"))


class AlertWatch(Base):
    """The one row that whoever looks for troubles locks: one of several senders at a time."""

    __tablename__ = "alert_watch"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_at: Mapped[datetime | None] = mapped_column(Instant)
    """By the real clock: whether anybody looks."""
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the last alert was written, tests aside."""
    test_asked_at: Mapped[datetime | None] = mapped_column(Instant)
    """Somebody wants a test alert; whoever looks next writes it."""
    told_to: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Where alerts go by the settings of whoever looked last, addresses masked."""
    kinds: Mapped[list[str]] = mapped_column(JSON, default=list)
