"""The tables of the rights around a case: appeals, evidence, marks, case files (rules B4, B7, B9, D11)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Appeal(Base):
    """A complaint's second handling, by other people; a complaint has at most one (rule B7)."""

    __tablename__ = "appeals"
    __table_args__ = (
        CheckConstraint("origin in ('unsolved','filed')", name="origin"),
        CheckConstraint("finding in ('upheld','not-upheld')", name="finding"),
        CheckConstraint("outcome in ('solved','guided','no-answer','late','withdrawn')", name="outcome"),
    )

    complaint: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    """E.g. `AP20260301-000001`."""
    origin: Mapped[str] = mapped_column(String(16))
    """`unsolved`: the limit of rounds was reached; `filed`: by the customer, after closing."""
    filed_at: Mapped[datetime] = mapped_column(Instant)
    authority: Mapped[str | None] = mapped_column(String(64))
    """Who comes after: a word of templates/authorities.json."""
    handler: Mapped[str | None] = mapped_column(String(64))
    handler_group: Mapped[str | None] = mapped_column(String(64))
    tier: Mapped[str | None] = mapped_column(String(32))
    finding: Mapped[str | None] = mapped_column(String(16))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(64))
    told_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(String(16))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    process_instance_key: Mapped[str | None] = mapped_column(String(32), unique=True)


class Evidence(Base):
    """A file that belongs to a case; its content is outside the database, under its hash (rules B4, B9, D11)."""

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint("kind in ('document','audio','video','call-recording')", name="kind"),
        CheckConstraint("size > 0", name="size"),
    )

    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    added_by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class Mark(Base):
    """That a complaint is malicious or false, or behaviour was unreasonable, or that this was taken back (B9, D11).

    Only ever inserted: the newest row of a kind says what holds.
    """

    __tablename__ = "marks"
    __table_args__ = (
        CheckConstraint("kind in ('malicious','false','unreasonable-behaviour')", name="kind"),
        Index("marks_number_idx", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(ForeignKey("complaints.number"))
    kind: Mapped[str] = mapped_column(String(32))
    is_set: Mapped[bool]
    """False: the mark was taken back."""
    grounds: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)


class CaseFile(Base):
    """The whole case as a readable file, whole or masked; its content is under its hash (rule B7)."""

    __tablename__ = "case_files"
    __table_args__ = (CheckConstraint("audience in ('authority','customer')", name="audience"),)

    number: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    audience: Mapped[str] = mapped_column(String(16), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    at: Mapped[datetime] = mapped_column(Instant)
