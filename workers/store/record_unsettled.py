"""What is still going on by itself: work that moves without anybody's doing, so it is worth waiting for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from workers.store.record_tables import Element, Incident, ProcessInstance, Timer
from workers.store.tables import EngineRequest, OutboxMessage

BY_ITSELF: Final = (
    "SERVICE_TASK",
    "SEND_TASK",
    "SCRIPT_TASK",
    "BUSINESS_RULE_TASK",
    "INTERMEDIATE_THROW_EVENT",
    "END_EVENT",
)
"""Element types that wait for a worker or for the engine itself, never for a person, a message or a date."""


def unsettled(tx: Session, now: datetime, limit: int = 20) -> list[str]:
    """What the engine, the workers, the relay and the sender have still to do at this instant.

    A job that backs off before it is tried again counts; work held by an incident, a user task, a message
    that has not come and a timer of the future do not.

    Args:
        now: zone-aware; timers, retries of messages: due at or before it.
        limit: lines per kind at most.

    Returns:
        A sentence per thing, without personal data; empty when all is quiet.
    """
    return [
        *_active_work(tx, limit),
        *_due_timers(tx, now, limit),
        *_requests(tx, limit),
        *_messages(tx, now, limit),
    ]


def _active_work(tx: Session, limit: int) -> list[str]:
    stuck = select(Incident.element_key).where(Incident.state == "open")
    wanted = select(Element.element_type, Element.element_id, ProcessInstance.number).outerjoin(
        ProcessInstance, ProcessInstance.key == Element.process_instance_key
    )
    wanted = wanted.where(
        Element.state == "active", Element.element_type.in_(BY_ITSELF), Element.key.not_in(stuck)
    ).limit(limit)
    return [
        f"{kind.lower().replace('_', ' ')} {element} of {number or 'no complaint'} is running"
        for kind, element, number in tx.execute(wanted)
    ]


def _due_timers(tx: Session, now: datetime, limit: int) -> list[str]:
    wanted = select(Timer.element_id, Timer.due_at, ProcessInstance.number).outerjoin(
        ProcessInstance, ProcessInstance.key == Timer.process_instance_key
    )
    wanted = wanted.where(Timer.state == "waiting", Timer.due_at <= now).limit(limit)
    return [
        f"timer {element} of {number or 'no complaint'} is due since {due_at.isoformat()}"
        for element, due_at, number in tx.execute(wanted)
    ]


def _requests(tx: Session, limit: int) -> list[str]:
    wanted = (
        select(EngineRequest.name, EngineRequest.number).where(EngineRequest.state == "pending").limit(limit)
    )
    return [f"message {name} of {number} is not yet with the engine" for name, number in tx.execute(wanted)]


def _messages(tx: Session, now: datetime, limit: int) -> list[str]:
    wanted = select(OutboxMessage.event, OutboxMessage.channel, OutboxMessage.number)
    due = OutboxMessage.status == "pending", OutboxMessage.next_attempt_at <= now
    return [
        f"notification {event} of {number} by {channel} is not yet sent"
        for event, channel, number in tx.execute(wanted.where(*due).limit(limit))
    ]
