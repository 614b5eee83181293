"""What customers ask: to withdraw a complaint, to tell how satisfied they are, to appeal (rules A8, A10, B7).

Like intake, each is durable before it is answered: the request to the engine commits with the timeline entry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.orm import Session

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import SHANGHAI, Message, Status
from workers.store import appeals, complaints, completions, engine_requests, timeline
from workers.store.appeal_tables import Appeal
from workers.store.database import Database
from workers.store.tables import Complaint

_ENDED: Final = {Status.CLOSED: "has been closed", Status.WITHDRAWN: "was withdrawn"}


def withdraw(
    database: Database,
    clock: Clock,
    number: str,
    *,
    reason: str | None = None,
    who: str = "customer",
    wake: Callable[[], None] | None = None,
) -> None:
    """Asks the engine to end the complaint because the customer takes it back.

    Args:
        reason: in the customer's words; it stays in the store.
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
        if reason:
            completions.keep_customer_words(tx, number, "withdrawal_reason", reason, who, now)
    if wake is not None:
        wake()


def withdrawal_is_open(tx: Session, complaint: Complaint) -> bool:
    """Whether the customer can take it back now: it has not ended, and this was not asked before."""
    number = complaint.number
    return complaint.status not in _ENDED and timeline.find(tx, f"{number}:withdrawal-asked") is None


def answer_survey(
    database: Database,
    clock: Clock,
    number: str,
    *,
    satisfaction: Literal["satisfied", "dissatisfied"],
    is_solved: bool,
    comment: str | None = None,
    who: str = "customer",
    wake: Callable[[], None] | None = None,
) -> None:
    """Hands the customer's answer to the engine; one answer each time a result was told.

    Args:
        comment: what the customer adds; it stays in the store.

    Raises:
        NotFound: no such complaint.
        Conflict: it has ended, no result was told yet, or this result was answered already.
    """
    now, name = clock.now(), Message.SURVEY_ANSWERED
    with database.begin() as tx:
        key = _survey_key(tx, number)
        variables = {"satisfaction": satisfaction, "is_solved": is_solved}
        if not engine_requests.add(tx, name, number, key, variables, now):
            raise Conflict(f"The survey of complaint {number} has been answered already.")
        timeline.add(tx, number, now, who, "survey-answered", key, **variables)
        if comment:
            completions.keep_customer_words(tx, number, "survey_comment", comment, who, now)
    if wake is not None:
        wake()


def survey_is_open(tx: Session, number: str) -> bool:
    """Whether the customer may answer now: a result was told, and it was not answered yet."""
    try:
        key = _survey_key(tx, number)
    except Conflict:
        return False
    return timeline.find(tx, key) is None


def _survey_key(tx: Session, number: str) -> str:
    """What stands for the answer to the last result that was told. Raises Conflict: there is nothing to answer."""
    complaint = complaints.get(tx, number)
    appeal = appeals.find(tx, number)
    is_on_appeal = appeal is not None and appeal.told_at is not None and appeal.closed_at is None
    if not is_on_appeal:
        _refuse_ended(complaint)
    if not is_on_appeal and complaint.status != Status.RESOLVED:
        raise Conflict(f"Complaint {number} has no result yet; the survey comes with it.")
    result = timeline.latest(tx, number, "appeal-told" if is_on_appeal else "resolved")
    known = timeline.latest(tx, number, "satisfaction-recorded")
    if known and (result is None or known.id > result.id):
        raise Conflict(f"The survey of complaint {number} is over: {known.facts['satisfaction']}.")
    return f"{number}:{Message.SURVEY_ANSWERED}:{result.id if result else 0}"


def appeal_is_open(
    tx: Session, number: str, windows: Callable[[str, str], timedelta | None], now: datetime
) -> bool:
    """Whether the customer may appeal now; see `file_appeal`."""
    complaint = complaints.get(tx, number)
    try:
        _refuse_appeal(complaint, appeals.find(tx, number))
        _refuse_late(complaint, windows(complaint.policy, complaint.channel), now)
    except Conflict:
        return False
    return True


def file_appeal(
    database: Database,
    clock: Clock,
    number: str,
    reason: str,
    *,
    windows: Callable[[str, str], timedelta | None] = lambda policy, channel: None,
    who: str = "customer",
    wake: Callable[[], None] | None = None,
) -> str:
    """Starts the second handling of a closed complaint because the customer appeals (rule B7).

    Whoever comes too late hears it at once. The process looks again, by the same table and the instant of filing: what
    the door could not tell is told to the customer there.

    Args:
        reason: in the customer's words.
        windows: policy and channel -> how long after the closing an appeal is taken; None: the process decides.
        who: `customer`, or the username of whom the customer told.

    Returns:
        The number of the appeal.

    Raises:
        NotFound: no such complaint.
        Conflict: it is still open (the message says what is going on), was withdrawn, has an appeal already, or the
            time for appealing is over.
    """
    now, name = clock.now(), Message.APPEAL_FILED
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        _refuse_appeal(complaint, appeals.find(tx, number))
        _refuse_late(complaint, windows(complaint.policy, complaint.channel), now)
        appeal = appeals.add(tx, number, "filed", now)
        variables = {
            "number": number,
            "policy": complaint.policy,
            "channel": complaint.channel,
            "complaint_priority": complaint.priority or "ordinary",
        }
        engine_requests.add(tx, name, number, f"{number}:{name}", variables, now)
        completions.keep_customer_words(tx, number, "appeal_reason", reason, who, now)
        timeline.add(tx, number, now, who, "appeal-filed", f"{number}:appeal-filed", appeal=appeal.number)
    if wake is not None:
        wake()
    return appeal.number


def _refuse_appeal(complaint: Complaint, appeal: Appeal | None) -> None:
    number = complaint.number
    if appeal is not None and appeal.closed_at is None:
        raise Conflict(
            f"申诉 {appeal.number} 正在办理。 The appeal {appeal.number} of {number} is being handled."
        )
    if appeal is not None:
        raise Conflict(
            f"申诉 {appeal.number} 已办结（{appeal.outcome}）。 {number} has been appealed against once: "
            f"{appeal.number} ended as {appeal.outcome}; what can follow is the authority."
        )
    if complaint.status == Status.WITHDRAWN:
        raise Conflict(
            f"投诉已撤诉。 Complaint {number} was withdrawn: there is no result to appeal against."
        )
    if complaint.closed_at is None:
        raise Conflict(
            f"投诉仍在处理中（{complaint.status}）。 Complaint {number} is still being handled "
            f"({complaint.status}, by {complaint.owner_group or 'nobody yet'}); say what is not solved, and it goes on."
        )


def _refuse_late(complaint: Complaint, window: timedelta | None, now: datetime) -> None:
    if window is None or complaint.closed_at is None or now <= complaint.closed_at + window:
        return
    closed, last = (
        at.astimezone(SHANGHAI).date() for at in (complaint.closed_at, complaint.closed_at + window)
    )
    raise Conflict(
        f"很抱歉，申诉期已过：投诉于{closed:%Y-%m-%d}办结，申诉受理至{last:%Y-%m-%d}；您仍可向主管部门反映。 "
        f"We are sorry: appeals against {complaint.number}, closed on {closed:%Y-%m-%d}, were taken until "
        f"{last:%Y-%m-%d}; you can still turn to the authority."
    )


def _refuse_ended(complaint: Complaint) -> None:
    ended = _ENDED.get(Status(complaint.status))
    if ended is not None:
        when = f" on {complaint.closed_at:%Y-%m-%d}" if complaint.closed_at else ""
        raise Conflict(f"Complaint {complaint.number} {ended}{when}; nothing can be changed any more.")
