"""Messages owed to the engine. Written with the fact that causes them; `workers.engine.relay` publishes
them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from workers.names import STARTS
from workers.store import statements
from workers.store.record_tables import ProcessInstance
from workers.store.tables import EngineRequest


def add(
    tx: Session, name: str, number: str, message_id: str, variables: Mapping[str, Any], now: datetime
) -> bool:
    """Owe the engine a message, in the caller's transaction.

    Args:
        name: BPMN message name, see `workers.names.Message`.
        number: of the complaint or incident, the correlation key.
        message_id: what makes it once in effect, e.g. the number for the start of a complaint.
        variables: process variables, JSON, no personal data.

    Returns:
        False when a message with this id is owed or was sent already: nothing was added.
    """
    return statements.insert_if_absent(
        tx,
        EngineRequest,
        ["message_id"],
        message_id=message_id,
        name=name,
        number=number,
        variables=dict(variables),
        state="pending",
        attempts=0,
        created_at=now,
    )


def pending(tx: Session, limit: int, besides: Collection[str] = ()) -> list[EngineRequest]:
    """The oldest requests not sent yet, without those whose message ids are in `besides`."""
    found = select(EngineRequest).where(EngineRequest.state == "pending")
    if besides:
        found = found.where(EngineRequest.message_id.not_in(besides))
    return list(tx.scalars(found.order_by(EngineRequest.created_at, EngineRequest.message_id).limit(limit)))


def mark_attempt(tx: Session, message_ids: Collection[str]) -> None:
    """Note, before publishing, that these may reach the engine from now on."""
    chosen = EngineRequest.message_id.in_(message_ids)
    tx.execute(update(EngineRequest).where(chosen).values(attempts=EngineRequest.attempts + 1))


def mark_sent(tx: Session, message_ids: Collection[str], now: datetime) -> None:
    """Note that the engine has these."""
    chosen = EngineRequest.message_id.in_(message_ids)
    waiting = EngineRequest.state == "pending"
    tx.execute(update(EngineRequest).where(chosen, waiting).values(state="sent", sent_at=now))


def arrived(tx: Session, requests: Collection[EngineRequest]) -> set[str]:
    """Message ids of those of these requests whose process is there, running or ended, as the records tell.

    Args:
        requests: of messages that start a process. A case has at most one instance of a process that counts here
            only where its message can be sent once: a later message of the same name is published again.
    """
    numbers = {request.number for request in requests}
    found = select(ProcessInstance.number, ProcessInstance.process_id).where(
        ProcessInstance.number.in_(numbers),
        ProcessInstance.process_id.in_({STARTS[request.name] for request in requests}),
        ProcessInstance.parent_key.is_(None),
    )
    running = {(number, process_id) for number, process_id in tx.execute(found)}
    return {
        request.message_id
        for request in requests
        if request.message_id == f"{request.number}:{request.name}"
        and (request.number, STARTS[request.name]) in running
    }
