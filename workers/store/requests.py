"""What customers ask of a running complaint: to withdraw it, to tell how satisfied they are (rules A8, A10).

Like intake, each is durable before it is answered: the request to the engine commits with the timeline entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import Message, Status
from workers.store import complaints, engine_requests, timeline
from workers.store.database import Database
from workers.store.tables import Complaint

_ENDED: Final = {Status.CLOSED: "has been closed", Status.WITHDRAWN: "was withdrawn"}


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
        if not engine_requests.add(tx, name, number, f"{number}:{name}", {}, now):
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
            raise Conflict(f"The survey of complaint {number} is over: {known.facts['satisfaction']}.")
        key = f"{number}:{name}:{result.id if result else 0}"
        variables = {"satisfaction": satisfaction, "is_solved": is_solved}
        if not engine_requests.add(tx, name, number, key, variables, now):
            raise Conflict(f"The survey of complaint {number} has been answered already.")
        timeline.add(tx, number, now, who, "survey-answered", key, **variables)
    if wake is not None:
        wake()


def _refuse_ended(complaint: Complaint) -> None:
    ended = _ENDED.get(Status(complaint.status))
    if ended is not None:
        when = f" on {complaint.closed_at:%Y-%m-%d}" if complaint.closed_at else ""
        raise Conflict(f"Complaint {complaint.number} {ended}{when}; nothing can be changed any more.")
