"""The tables of the case: facts that people and messages need. The state of the process is the engine's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant

_RUNNING = text("closed_at is null")
_REOPENED = text("code = 'reopened'")


class Case(Base):
    """A number that work, messages and a timeline belong to: a complaint's or an incident's.

    Kept by the database: a new row of `complaints` (or another table of cases) puts its number in.
    """

    __tablename__ = "cases"

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    """`complaint` or `incident`."""


class Complaint(Base):
    """One complaint, whichever channel it came by (rule A1). Personal data lives here and nowhere else."""

    __tablename__ = "complaints"
    __table_args__ = (
        UniqueConstraint("channel", "external_ref"),
        CheckConstraint(
            "status in ('received','accepted','in-progress','resolved','closed','withdrawn')", name="status"
        ),
        CheckConstraint("tier in ('front-desk','department','branch','city','province')", name="tier"),
        Index("complaints_recurrence_idx", "customer_key", "category", "received_at"),
        Index("complaints_progress_key_idx", "progress_key", unique=True),
        Index("complaints_submission_idx", "submission", unique=True),
        Index("complaints_customer_no_idx", "customer_no"),
        Index("complaints_customer_phone_idx", "customer_phone"),
        Index("complaints_contact_phone_idx", "contact_phone"),
        Index("complaints_customer_email_idx", "customer_email"),
        Index("complaints_customer_name_idx", "customer_name"),
        Index("complaints_contact_name_idx", "contact_name"),
        Index("complaints_alike_idx", "category", "product", "received_at"),
        Index("complaints_owner_person_status_idx", "owner_person", "status"),
        Index("complaints_owner_group_status_idx", "owner_group", "status"),
        Index(
            "complaints_next_due_idx",
            "next_due_at",
            "number",
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
        Index(  # holds all that the overview counts, so that it need not open the rows
            "complaints_standing_idx",
            *("status", "province", "city", "branch", "owner_group", "owner_person"),
            *("received_at", "next_due_at"),
            sqlite_where=_RUNNING,
            postgresql_where=_RUNNING,
        ),
    )

    number: Mapped[str] = mapped_column(String(32), primary_key=True)
    policy: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)
    customer_name: Mapped[str | None] = mapped_column(String(200))
    customer_phone: Mapped[str | None] = mapped_column(String(32))
    customer_email: Mapped[str | None] = mapped_column(String(320))
    customer_no: Mapped[str | None] = mapped_column(String(64))
    customer_key: Mapped[str] = mapped_column(String(340))
    """Who the customer is, for recurrence: customer_no, else phone, else e-mail."""
    province: Mapped[str | None] = mapped_column(String(64))
    city: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(64))
    product: Mapped[str | None] = mapped_column(String(64))
    impact: Mapped[str | None] = mapped_column(String(2000))
    flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    external_ref: Mapped[str | None] = mapped_column(String(200))
    occurred_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant, index=True)
    status: Mapped[str] = mapped_column(String(32), default="received", index=True)
    missing_fields: Mapped[list[str]] = mapped_column(JSON, default=list)
    category: Mapped[str | None] = mapped_column(String(64))
    confidence: Mapped[float | None] = mapped_column(Float)
    classified_by: Mapped[str | None] = mapped_column(String(100))
    priority: Mapped[str | None] = mapped_column(String(32))
    owner_group: Mapped[str | None] = mapped_column(String(64))
    owner_person: Mapped[str | None] = mapped_column(String(64))
    tier: Mapped[str] = mapped_column(String(32), default="front-desk")
    satisfaction: Mapped[str | None] = mapped_column(String(32))
    outcome: Mapped[str | None] = mapped_column(String(64))
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    finding: Mapped[str | None] = mapped_column(String(16))
    """upheld, disputed or not-upheld (rule B5)."""
    cause_code: Mapped[str | None] = mapped_column(String(32), index=True)
    """Why it happened (rule F4)."""
    contact_name: Mapped[str | None] = mapped_column(String(200))
    """Whom to speak to, where that is not the account holder (rule B11)."""
    contact_phone: Mapped[str | None] = mapped_column(String(32))
    calls_on_holidays: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The customer asked to be called on holidays, too."""
    progress_key: Mapped[str | None] = mapped_column(String(32))
    """What the link to the customer's page has in it beside the number; who knows both is the customer (rule A6)."""
    submission: Mapped[str | None] = mapped_column(String(64))
    """What the page gave the form it was registered with: sent twice, it is one complaint."""
    anonymised_at: Mapped[datetime | None] = mapped_column(Instant)
    """When everything personal was removed (rule C10)."""
    process_instance_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    next_due_at: Mapped[datetime | None] = mapped_column(Instant)
    """The earliest of its deadlines that are not met. Kept by the database (migrations/next_due.py), never written
    here: a session that has changed a deadline may still hold the old one."""


class Deadline(Base):
    """A statutory deadline: from receipt, never reset (rule A9), moved only by an extension granted in time (C6)."""

    __tablename__ = "deadlines"
    __table_args__ = (Index("deadlines_due_idx", "due_at"),)

    number: Mapped[str] = mapped_column(ForeignKey("complaints.number"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Instant)
    met_at: Mapped[datetime | None] = mapped_column(Instant)
    missed_at: Mapped[datetime | None] = mapped_column(Instant)
    missed_by: Mapped[str | None] = mapped_column(String(64))
    """The group that had the case when it was missed (rule D8)."""
    extended_from: Mapped[datetime | None] = mapped_column(Instant)
    """When it was due before it was extended (rule C6); null: never extended."""


class TimelineEntry(Base):
    """What happened, when and by whom (rules A6, A7). Only ever inserted."""

    __tablename__ = "timeline"
    __table_args__ = (
        Index("timeline_reopened_idx", "number", sqlite_where=_REOPENED, postgresql_where=_REOPENED),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    at: Mapped[datetime] = mapped_column(Instant)
    who: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)


class Answer(Base):
    """What a person wrote in a form, kept out of process variables because it may hold personal data."""

    __tablename__ = "answers"

    task_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    field: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    form: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(Instant)
    is_final: Mapped[bool] = mapped_column(default=False)
    """True once the engine took the completion; a draft before."""


class Watcher(Base):
    """Somebody who was passed over and stays informed."""

    __tablename__ = "watchers"

    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    group: Mapped[str] = mapped_column("group_name", String(64))
    since: Mapped[datetime] = mapped_column(Instant)


class Staff(Base):
    """A person who owns cases and completes user tasks."""

    __tablename__ = "staff"

    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    groups: Mapped[list[str]] = mapped_column(JSON, default=list)
    province: Mapped[str | None] = mapped_column(String(64))
    city: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(64))
    phone: Mapped[str | None] = mapped_column(String(32))
    email: Mapped[str | None] = mapped_column(String(320))
    is_active: Mapped[bool] = mapped_column(default=True)
    is_from_provider: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Known from the identity provider, and not from the staff file: loading the file leaves them alone."""


class EngineRequest(Base):
    """A message owed to the engine, written with the fact that causes it; a relay publishes it."""

    __tablename__ = "engine_requests"
    __table_args__ = (CheckConstraint("state in ('pending','sent')", name="state"),)

    message_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    variables: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="pending", index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)


class OutboxMessage(Base):
    """A message to a customer or to staff, written with the fact that causes it; a sender delivers it."""

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("status in ('pending','sent','dead')", name="status"),
        Index("outbox_due_idx", "status", "next_attempt_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    event: Mapped[str] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(64))
    """`customer`, or the staff username."""
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str | None] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)


class Counter(Base):
    """The last number given out under a name, e.g. of one day's complaints. Gaps mean nothing."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int]


class Stamp(Base):
    """Facts about this store, e.g. which engine data it belongs to."""

    __tablename__ = "stamps"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(String(500))
