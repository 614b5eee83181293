"""What `record_queries` answers with: plain facts, safe to keep after the session is closed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class TaskView:
    """A user task with what a person needs to see. state: open, completed, cancelled."""

    key: str
    name: str
    element_id: str
    number: str | None
    process_id: str
    process_instance_key: str
    state: str
    assignee: str | None
    groups: tuple[str, ...]
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    action: str | None
    form_id: str | None
    form_schema: dict[str, Any] | None = field(repr=False, hash=False)


@dataclass(frozen=True)
class IncidentView:
    """Stuck work, with its cause."""

    key: str
    number: str | None
    process_id: str
    process_instance_key: str
    element_id: str
    name: str
    job_key: str | None
    error_type: str
    error_message: str
    created_at: datetime


@dataclass(frozen=True)
class TimerView:
    """A timer that waits. `process_instance_key` is None for a start timer."""

    key: str
    process_instance_key: str | None
    element_id: str
    name: str
    due_at: datetime


@dataclass(frozen=True)
class ElementView:
    """An element instance. state: active, completed, terminated; is_stuck: an open incident holds it."""

    key: str
    process_instance_key: str
    process_id: str
    element_id: str
    name: str
    element_type: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    is_stuck: bool


@dataclass(frozen=True)
class ProcessNode:
    """A process instance and those it called. state: active, completed, terminated."""

    key: str
    process_id: str
    version: int
    definition_key: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    children: tuple[ProcessNode, ...]
