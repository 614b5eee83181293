"""End an event: solved and closed with everything that belongs to it, or dismissed as a false alarm (rules E5, E6).

Job type: solve-incident
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: no complaint joins any more; every one that belongs to it learns that it is solved.

Job type: dismiss-incident
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: the event was a false alarm; its complaints are let go and handled as usual, and are not counted again.

Job type: close-incident
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: the event is closed.
"""

from __future__ import annotations

from datetime import datetime

from workers.clock import Clock
from workers.names import Message
from workers.store import engine_requests, incidents, timeline
from workers.store.database import Database
from workers.store.outbox import Transaction


def solve_incident(database: Database, clock: Clock, *, number: str) -> None:
    """Marks it solved and owes its complaints the news, all in one transaction."""
    now = clock.now()
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.solved_at is None:
            incident.status, incident.solved_at = "solved", now
            told = _tell_complaints(tx, number, Message.INCIDENT_SOLVED, now)
            timeline.add(tx, number, now, "duban", "incident-solved", f"{number}:solved", count=told)


def dismiss_incident(database: Database, clock: Clock, *, number: str) -> None:
    """Marks it a false alarm and lets its complaints go, all in one transaction."""
    now = clock.now()
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.closed_at is None:
            incident.status, incident.outcome, incident.closed_at = "dismissed", "false-alarm", now
            told = _tell_complaints(tx, number, Message.COMPLAINT_DETACHED, now)
            incidents.let_go(tx, number, now)
            timeline.add(tx, number, now, "duban", "incident-dismissed", f"{number}:dismissed", count=told)


def close_incident(database: Database, clock: Clock, *, number: str) -> None:
    """Closes it; what was solved stays solved."""
    now = clock.now()
    with database.begin() as tx:
        incident = incidents.get(tx, number)
        if incident.closed_at is None:
            incident.status, incident.outcome, incident.closed_at = "closed", "solved", now
            timeline.add(tx, number, now, "duban", "incident-closed", f"{number}:closed")


def _tell_complaints(tx: Transaction, number: str, name: Message, now: datetime) -> int:
    """Owes every complaint of the event this message; returns how many."""
    complaints = incidents.members(tx, number)
    for complaint in complaints:
        message_id = f"{complaint.number}:{name}:{number}"
        engine_requests.add(tx, name, complaint.number, message_id, {}, now)
    return len(complaints)
