"""The tables of major incidents (rules E1 to E7). Stuck work of the engine is something else: record_tables."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant

_OPEN: Final = text("status in ('reported','declared','acknowledged','decided')")


class MajorIncident(Base):
    """One event, reported by hand or found in the data. What people wrote about it lives here and nowhere else."""

    __tablename__ = "major_incidents"
    __table_args__ = (
        CheckConstraint(
            "status in ('reported','declared','acknowledged','decided','solved','closed','dismissed','noted')",
            name="status",
        ),
        CheckConstraint("tier is null or tier in ('branch','city','province')", name="tier"),
        CheckConstraint("level is null or level in ('branch','city','province')", name="level"),
        CheckConstraint("affected_users is null or affected_users >= 0", name="affected_users"),
        CheckConstraint("outage_minutes is null or outage_minutes >= 0", name="outage_minutes"),
        Index(
            "major_incidents_open_cluster_key_idx",
            "cluster_key",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("major_incidents_status_category_idx", "status", "category"),
    )

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    policy: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    """`cluster-complaints`, `hall-outage`, `media-exposure`, … (rule E1); labels.json has the words."""
    text: Mapped[str | None] = mapped_column(Text)
    """What the reporter wrote; null where the data told."""
    source: Mapped[str] = mapped_column(String(64))
    """Username of the reporter, or `duban` for a cluster found in the data."""
    external_ref: Mapped[str | None] = mapped_column(String(200), unique=True)
    """The same report twice is the same event."""
    cluster_key: Mapped[str | None] = mapped_column(ForeignKey("clusters.key"))
    """One open event per cluster: the unique index above."""
    province: Mapped[str | None] = mapped_column(String(64))
    city: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(64))
    product: Mapped[str | None] = mapped_column(String(64))
    category: Mapped[str | None] = mapped_column(String(64))
    affected_users: Mapped[int | None]
    outage_minutes: Mapped[int | None]
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    status: Mapped[str] = mapped_column(String(32), default="reported")
    tier: Mapped[str | None] = mapped_column(String(32))
    """Who has it now."""
    level: Mapped[str | None] = mapped_column(String(32))
    """The tier that decision `incident-level` gave it last; a tier may hand it back to a lower one."""
    owner_group: Mapped[str | None] = mapped_column(String(64))
    owner_person: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(64))
    """Why the level is what it is, or why a report is no event: the word of decision `incident-level`."""
    outcome: Mapped[str | None] = mapped_column(String(32))
    """`solved`, `false-alarm` or `below-threshold`."""
    declared_at: Mapped[datetime] = mapped_column(Instant, index=True)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    solved_at: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    process_instance_key: Mapped[str | None] = mapped_column(String(32), unique=True)


class IncidentComplaint(Base):
    """A complaint that belongs to an event (rule E6); to one at most, and not counted again when it is let go."""

    __tablename__ = "incident_complaints"

    complaint: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    incident: Mapped[str] = mapped_column(ForeignKey("major_incidents.number"), index=True)
    attached_at: Mapped[datetime] = mapped_column(Instant)
    attached_by: Mapped[str] = mapped_column(String(64))
    detached_at: Mapped[datetime | None] = mapped_column(Instant)
    """When a false alarm or somebody let it go, or its customer withdrew it."""


class Cluster(Base):
    """A kind of complaint at a place (rule E7): the row that those who count lock, so that they take turns."""

    __tablename__ = "clusters"
    __table_args__ = (CheckConstraint("place_level in ('branch','city','province')", name="place_level"),)

    id: Mapped[str] = mapped_column("key", String(400), primary_key=True)
    policy: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(64))
    product: Mapped[str | None] = mapped_column(String(64))
    place_level: Mapped[str] = mapped_column(String(32))


class IncidentReport(Base):
    """A report that is due (rule E4): first, progress or final. Its text is an answer of the task."""

    __tablename__ = "incident_reports"
    __table_args__ = (
        CheckConstraint("kind in ('first','progress','final')", name="kind"),
        UniqueConstraint("incident", "kind", "sequence"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The process instance that asks for it."""
    incident: Mapped[str] = mapped_column(ForeignKey("major_incidents.number"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    sequence: Mapped[int]
    """From 1 within its kind."""
    owner_group: Mapped[str] = mapped_column(String(64))
    owner_person: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime] = mapped_column(Instant)
    """The first time it was due; overdue, the next tier gets a time of its own."""
    overdue_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    author: Mapped[str | None] = mapped_column(String(64))
