"""What the engine's record stream says is open, due, stuck and done. Written only by workers.records."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class RecordPosition(Base):
    """The last record applied per partition: anything at or before it was applied already."""

    __tablename__ = "record_positions"

    partition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(BigInteger)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    """The newest time stamp applied: an old position with a newer one comes from another engine."""
    applied_at: Mapped[datetime | None] = mapped_column(Instant)
    """When that was, by the same clock as `recorded_at`: between the two lies how far the tables are behind."""


class ProcessInstance(Base):
    """A process instance. state: active, completed, terminated."""

    __tablename__ = "process_instances"
    __table_args__ = (
        Index(
            "process_instances_active_idx",
            "definition_key",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_id: Mapped[str] = mapped_column(String(128), index=True)
    version: Mapped[int]
    definition_key: Mapped[str] = mapped_column(String(32))
    parent_key: Mapped[str | None] = mapped_column(String(32), index=True)
    number: Mapped[str | None] = mapped_column(String(64), index=True)
    """The complaint number: the correlation key of the start message, inherited by called processes."""
    state: Mapped[str] = mapped_column(String(16), index=True)
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class Element(Base):
    """An element instance. state: active, completed, terminated."""

    __tablename__ = "elements"
    __table_args__ = (
        Index("elements_open_idx", "state", "element_type"),
        Index(
            "elements_here_idx",
            "process_id",
            "element_id",
            "element_type",
            "started_at",
            sqlite_where=text("state = 'active'"),
            postgresql_where=text("state = 'active'"),
        ),
    )

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_instance_key: Mapped[str] = mapped_column(String(32), index=True)
    scope_key: Mapped[str | None] = mapped_column(String(32))
    """The element or instance that it is in; None for what began before this was kept."""
    process_id: Mapped[str] = mapped_column(String(128))
    element_id: Mapped[str] = mapped_column(String(128))
    element_type: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class UserTask(Base):
    """A native user task. state: open, completed, cancelled."""

    __tablename__ = "user_tasks"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_instance_key: Mapped[str] = mapped_column(String(32), index=True)
    process_id: Mapped[str] = mapped_column(String(128))
    definition_key: Mapped[str] = mapped_column(String(32))
    element_id: Mapped[str] = mapped_column(String(128))
    element_key: Mapped[str] = mapped_column(String(32))
    form_key: Mapped[str | None] = mapped_column(String(32))
    assignee: Mapped[str | None] = mapped_column(String(128))
    groups: Mapped[list[str]] = mapped_column(JSON, default=list)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    action: Mapped[str | None] = mapped_column(String(64))


class Timer(Base):
    """A timer. state: waiting, triggered, cancelled."""

    __tablename__ = "timers"
    __table_args__ = (Index("timers_due_idx", "state", "due_at"),)

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_instance_key: Mapped[str | None] = mapped_column(String(32), index=True)
    element_id: Mapped[str] = mapped_column(String(128))
    due_at: Mapped[datetime] = mapped_column(Instant)
    state: Mapped[str] = mapped_column(String(16))


class Incident(Base):
    """Stuck work. state: open, resolved."""

    __tablename__ = "incidents"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_instance_key: Mapped[str] = mapped_column(String(32), index=True)
    process_id: Mapped[str] = mapped_column(String(128))
    element_id: Mapped[str] = mapped_column(String(128))
    element_key: Mapped[str] = mapped_column(String(32))
    job_key: Mapped[str | None] = mapped_column(String(32))
    error_type: Mapped[str] = mapped_column(String(64))
    error_message: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    resolved_at: Mapped[datetime | None] = mapped_column(Instant)


class ProcessVariable(Base):
    """A variable of what is running, gone when that has ended. None is personal (docs/privacy.md)."""

    __tablename__ = "process_variables"

    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_instance_key: Mapped[str] = mapped_column(String(32))
    scope_key: Mapped[str] = mapped_column(String(32), index=True)
    """The element or instance that has it."""
    name: Mapped[str] = mapped_column(String(128))
    value: Mapped[str] = mapped_column(Text)
    """JSON."""


class ProcessVersion(Base):
    """A deployed process, with its diagram."""

    __tablename__ = "process_versions"

    definition_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    process_id: Mapped[str] = mapped_column(String(128), index=True)
    version: Mapped[int]
    resource_name: Mapped[str] = mapped_column(String(300))
    checksum: Mapped[str] = mapped_column(String(64))
    resource: Mapped[str] = mapped_column(Text)
    element_names: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Element id -> label, read from the diagram."""
    deployed_at: Mapped[datetime] = mapped_column(Instant)


class FormVersion(Base):
    """A deployed form, with its schema."""

    __tablename__ = "form_versions"

    form_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    form_id: Mapped[str] = mapped_column(String(128), index=True)
    version: Mapped[int]
    schema: Mapped[dict[str, Any]] = mapped_column("form_schema", JSON)
    deployed_at: Mapped[datetime] = mapped_column(Instant)
    resource_name: Mapped[str | None] = mapped_column(String(300))
    checksum: Mapped[str | None] = mapped_column(String(64))
    """As the engine writes it; None for what was deployed before this was kept."""


class DecisionTables(Base):
    """A deployed DMN file: what its rows say of themselves."""

    __tablename__ = "decision_tables"

    requirements_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    resource_name: Mapped[str] = mapped_column(String(300))
    version: Mapped[int | None]
    """None for what was deployed before this was kept."""
    row_texts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Rule id -> its description, which names the rule of the operator."""
    deployed_at: Mapped[datetime] = mapped_column(Instant)
    checksum: Mapped[str | None] = mapped_column(String(64))
    """As the engine writes it; None for what was deployed before this was kept."""


class DecisionRow(Base):
    """A row of a decision table that said something in a process: who asks why gets this answer."""

    __tablename__ = "decision_rows"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The evaluation's key, the decision's place in it and the row's in the table: `2251799813685301.0.3`."""
    process_instance_key: Mapped[str] = mapped_column(String(32), index=True)
    element_id: Mapped[str] = mapped_column(String(128))
    decision_id: Mapped[str] = mapped_column(String(128))
    decision_name: Mapped[str] = mapped_column(String(300))
    requirements_key: Mapped[str] = mapped_column(String(32))
    rule_id: Mapped[str] = mapped_column(String(128))
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Label of the column -> what was asked with; process variables, so no personal data."""
    outputs: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    made_at: Mapped[datetime] = mapped_column(Instant)
