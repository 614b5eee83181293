"""Complaints that somebody ties to an event by hand, or lets go again (rule E6)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from workers.clock import Clock
from workers.errors import Conflict
from workers.names import Message
from workers.store import answers, complaints, engine_requests, incidents, timeline
from workers.store.database import Database
from workers.store.incident_tables import IncidentComplaint, MajorIncident

REASON_FIELD: Final = "detach_reason"
"""Under this name the reason is kept with the answers of the event."""
_FORM: Final = "detach-complaint"


def attach_by_hand(
    database: Database,
    clock: Clock,
    number: str,
    numbers: Sequence[str],
    *,
    who: str,
    wake: Callable[[], None] | None = None,
) -> int:
    """Somebody ties complaints to an event that they belong to; those that belong to it already stay so.

    Returns:
        How many complaints the event has now.

    Raises:
        NotFound: no such event or complaint. Conflict: the event takes none any more, or a complaint belongs to
            another one, was let go by one, or has ended; nothing was changed.
    """
    now = clock.now()
    with database.begin() as tx:
        incident = _open(tx, number)
        new = 0
        for each in dict.fromkeys(numbers):
            complaint = complaints.look(tx, each)
            if complaint.closed_at is not None:
                raise Conflict(
                    f"投诉 {each} 已办结，不能关联。 Complaint {each} has ended; it cannot be tied to an event."
                )
            if incidents.attach(tx, incident, complaint, who, now):
                new += 1
            else:
                _refuse_others(tx, number, each)
        total = incidents.count(tx, number)
        if new:
            key = f"{number}:complaints-tied:{now.isoformat()}:{total}"
            timeline.add(tx, number, now, who, "complaints-tied", key, count=new)
        grew = Message.INCIDENT_GREW
        engine_requests.add(tx, grew, number, f"{number}:{grew}:{total}", {}, now)
    if wake is not None:
        wake()
    return total


def detach_by_hand(
    database: Database,
    clock: Clock,
    number: str,
    complaint: str,
    *,
    who: str,
    reason: str | None = None,
    wake: Callable[[], None] | None = None,
) -> int:
    """A complaint turned out not to belong to the event: it is handled by itself again, for good.

    Args:
        reason: what they write about it, kept with the answers of the event.

    Returns:
        How many complaints the event has now.

    Raises:
        NotFound: no such event or complaint. Conflict: the event is solved or over, or the complaint is not of it.
    """
    now = clock.now()
    with database.begin() as tx:
        _open(tx, number)
        complaints.look(tx, complaint)
        mine = incidents.of_complaint(tx, complaint)
        if mine is None or mine.number != number:
            raise Conflict(
                f"投诉 {complaint} 不在此事件中。 Complaint {complaint} does not belong to event {number}."
            )
        key, name = f"{complaint}:detached:{number}", Message.COMPLAINT_DETACHED
        timeline.add(tx, complaint, now, who, "detached", key, incident=number)
        timeline.add(
            tx, number, now, who, "complaint-let-go", f"{number}:let-go:{complaint}", complaint=complaint
        )
        engine_requests.add(tx, name, complaint, f"{complaint}:{name}:{number}", {}, now)
        row = (IncidentComplaint.complaint == complaint, IncidentComplaint.detached_at.is_(None))
        tx.execute(update(IncidentComplaint).where(*row).values(detached_at=now))
        if reason:
            word = hashlib.sha256(key.encode()).hexdigest()[:24]
            answers.keep(tx, number, f"detach-{word}", _FORM, {REASON_FIELD: reason}, who, now)
        total = incidents.count(tx, number)
    if wake is not None:
        wake()
    return total


def _open(tx: Session, number: str) -> MajorIncident:
    incident = incidents.get(tx, number)
    if incident.status not in incidents.OPEN:
        raise Conflict(
            f"事件已解决或结束，关联投诉不再变动。 Event {number} takes and lets go no complaints any more: it is "
            f"{incident.status}."
        )
    return incident


def _refuse_others(tx: Session, number: str, complaint: str) -> None:
    """Raises Conflict unless the complaint is of this event already."""
    other = incidents.of_complaint(tx, complaint)
    if other is None:
        raise Conflict(
            f"投诉 {complaint} 已脱离过事件，不再关联。 Complaint {complaint} was let go by an event and joins "
            "none again."
        )
    if other.number != number:
        raise Conflict(
            f"投诉 {complaint} 已属于事件 {other.number}。 Complaint {complaint} belongs to {other.number} already."
        )
