"""How far cases have come, for those who measure: the engine's own times, and no case's facts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.store.record_tables import Incident, ProcessInstance, RecordPosition, UserTask
from workers.store.tables import OutboxMessage


@dataclass(frozen=True)
class Message:
    """When a message to a customer was written, and when it was delivered (None: not yet)."""

    number: str
    written_at: datetime
    sent_at: datetime | None


def ended(tx: Session, process_id: str, since: datetime) -> dict[str, datetime]:
    """Case number -> when its process of this id ended by itself, for those that began at `since` or later."""
    wanted = select(ProcessInstance.number, ProcessInstance.ended_at).where(
        ProcessInstance.process_id == process_id,
        ProcessInstance.state == "completed",
        ProcessInstance.started_at >= since,
    )
    return {number: at for number, at in tx.execute(wanted) if number is not None and at is not None}


def open_tasks(tx: Session) -> dict[str, str]:
    """Key -> element id of every open user task."""
    found = tx.execute(select(UserTask.key, UserTask.element_id).where(UserTask.state == "open"))
    return {row.key: row.element_id for row in found}


def stuck(tx: Session) -> list[tuple[str, str]]:
    """Element id and message of every open incident of the engine."""
    wanted = select(Incident.element_id, Incident.error_message).where(Incident.state == "open")
    return [(element, message) for element, message in tx.execute(wanted)]


def newest_record(tx: Session) -> datetime | None:
    """The oldest of the partitions' newest applied time stamps: nothing after it is in the tables for sure."""
    found = tx.scalars(select(RecordPosition.recorded_at)).all()
    return min(found, default=None)


def messages(tx: Session, event: str, numbers: Collection[str]) -> list[Message]:
    """The messages of one event that these cases had."""
    wanted = select(OutboxMessage.number, OutboxMessage.created_at, OutboxMessage.sent_at).where(
        OutboxMessage.event == event
    )
    return [Message(*row) for row in tx.execute(wanted) if row[0] in numbers]
