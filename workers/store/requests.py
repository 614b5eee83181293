"""What customers ask of a running complaint: to withdraw it, to tell how satisfied they are (rules A8, A10).

Like intake, each is durable before it is answered: the request to the engine commits with the timeline entry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy.orm import Session

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import Message, Status
from workers.store import complaints, timeline
from workers.store.database import Database
from workers.store.statements import insert_if_absent
from workers.store.tables import Complaint, EngineRequest

_ENDED: Final = {Status.CLOSED: "has been closed", Status.WITHDRAWN: "was withdrawn"}


def owe(
    tx: Session, message_id: str, name: str, number: str, variables: dict[str, Any], now: datetime
) -> bool:
    """Owes the engine a message, once per message id; False when it was owed before."""
    row = {
        "message_id": message_id,
        "name": name,
        "number": number,
        "variables": variables,
        "created_at": now,
    }
    return insert_if_absent(tx, EngineRequest, ["message_id"], **row, state="pending", attempts=0)


def withdraw(
    database: Database,
    clock: Clock,
    number: str,
    *,
    who: str = "customer",
    wake: Callable[[], None] | None = None,
) -> None:
    """Asks the engine to end the complaint because the customer takes it back.

    Args:
        who: `customer`, or the username of whom the customer told.

    Raises:
        NotFound: no such complaint.
        Conflict: it has ended, or this was asked before.
    """
    now, name = clock.now(), Message.COMPLAINT_WITHDRAWN
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        _refuse_ended(complaint)
        if not owe(tx, f"{number}:{name}", name, number, {}, now):
            raise Conflict(f"The withdrawal of complaint {number} is under way already.")
        timeline.add(tx, number, now, who, "withdrawal-asked", f"{number}:withdrawal-asked")
    if wake is not None:
        wake()


def answer_survey(
    database: Database,
    clock: Clock,
    number: str,
    *,
    satisfaction: Literal["satisfied", "dissatisfied"],
    is_solved: bool,
    who: str = "customer",
    wake: Callable[[], None] | None = None,
) -> None:
    """Hands the customer's answer to the engine; one answer each time a result was told.

    Raises:
        NotFound: no such complaint.
        Conflict: it has ended, no result was told yet, or this result was answered already.
    """
    now, name = clock.now(), Message.SURVEY_ANSWERED
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        _refuse_ended(complaint)
        if complaint.status != Status.RESOLVED:
            raise Conflict(f"Complaint {number} has no result yet; the survey comes with it.")
        result = timeline.latest(tx, number, "resolved")
        known = timeline.latest(tx, number, "satisfaction-recorded")
        if known and (result is None or known.id > result.id):
            raise Conflict(
                f"The survey of complaint {number} is over; the answer was {known.facts['satisfaction']}."
            )
        occasion = result.id if result else 0
        variables = {"satisfaction": satisfaction, "is_solved": is_solved}
        if not owe(tx, f"{number}:{name}:{occasion}", name, number, variables, now):
            raise Conflict(f"The survey of complaint {number} has been answered already.")
        timeline.add(
            tx, number, now, who, "survey-answered", f"{number}:survey-answered:{occasion}", **variables
        )
    if wake is not None:
        wake()


def _refuse_ended(complaint: Complaint) -> None:
    ended = _ENDED.get(Status(complaint.status))
    if ended is not None:
        when = f" on {complaint.closed_at:%Y-%m-%d}" if complaint.closed_at else ""
        raise Conflict(f"Complaint {complaint.number} {ended}{when}; nothing can be changed any more.")
