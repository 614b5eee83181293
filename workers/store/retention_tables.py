"""The tables of record retention (rule C10)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class RetentionRun(Base):
    """One look for records whose time is over; a case of its own number, so that work and a timeline belong to it."""

    __tablename__ = "retention_runs"
    __table_args__ = (
        CheckConstraint("state in ('open','nothing','declined','postponed','done')", name="state"),
    )

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    """E.g. `DA202612`: 档案 and the month; by hand `DA202612-1`."""
    opened_by: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16), default="open")
    counted_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class RetentionItem(Base):
    """A complaint that a run found."""

    __tablename__ = "retention_items"

    run: Mapped[str] = mapped_column(ForeignKey("retention_runs.number"), primary_key=True)
    complaint: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    policy: Mapped[str] = mapped_column(String(64))
    month: Mapped[str] = mapped_column(String(7))
    """In which it was closed, e.g. 2023-11."""
    done_at: Mapped[datetime | None] = mapped_column(Instant)
    kept_because: Mapped[str | None] = mapped_column(String(32))
    """Why it was left alone after all: something of it began to run again meanwhile."""


class Pseudonym(Base):
    """Ties the anonymised complaints of a customer to the others, as long as there are others.

    The name is random. With the customer's last complaint the row goes, and with it every way back to the person;
    the complaints still belong to one another, so that figures of recurrence stay.
    """

    __tablename__ = "pseudonyms"

    customer_key: Mapped[str] = mapped_column(String(340), primary_key=True)
    pseudonym: Mapped[str] = mapped_column(String(64), unique=True)
