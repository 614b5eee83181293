"""Messages owed to the engine. Written with the fact that causes them; `workers.engine.relay` publishes
them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, bindparam, select, update
from sqlalchemy.orm import Session

from workers.names import STARTS
from workers.store import statements
from workers.store.database import Instant
from workers.store.record_tables import ProcessInstance
from workers.store.statements import KEYS, table_of
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


_REQUESTS: Final = table_of(EngineRequest)
_CHOSEN: Final = _REQUESTS.c.message_id.in_(KEYS)
_PENDING: Final = (
    select(EngineRequest)
    .where(
        EngineRequest.state == "pending",
        EngineRequest.message_id.not_in(bindparam("besides", expanding=True)),
    )
    .order_by(EngineRequest.created_at, EngineRequest.message_id)
    .limit(bindparam("most", type_=Integer))
)
_ATTEMPT: Final = update(_REQUESTS).where(_CHOSEN).values(attempts=_REQUESTS.c.attempts + 1)
_SENT: Final = (
    update(_REQUESTS)
    .where(_CHOSEN, _REQUESTS.c.state == "pending")
    .values(state="sent", sent_at=bindparam("now", type_=Instant))
)
"""For every message and several times a second: building a statement takes longer than carrying it out."""


def pending(tx: Session, limit: int, besides: Collection[str] = ()) -> list[EngineRequest]:
    """The oldest requests not sent yet, without those whose message ids are in `besides`."""
    return list(tx.scalars(_PENDING, {"besides": list(besides), "most": limit}))


def mark_attempt(tx: Session, message_ids: Collection[str]) -> None:
    """Note, before publishing, that these may reach the engine from now on."""
    tx.execute(_ATTEMPT, {"keys": list(message_ids)})


def mark_sent(tx: Session, message_ids: Collection[str], now: datetime) -> None:
    """Note that the engine has these."""
    tx.execute(_SENT, {"keys": list(message_ids), "now": now})


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
