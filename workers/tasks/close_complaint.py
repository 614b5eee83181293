"""End a complaint: archived with everything that belongs to it, or withdrawn by the customer (rule A8).

Job type: archive-complaint
Reads: number, satisfaction, optional is_solved.
Sets: nothing.
Throws: nothing.
Effect: the complaint is closed; its outcome is kept. A refund or a work order that an incident left without its
    process (rule E6) ends with it.

Job type: withdraw-complaint
Reads: number.
Sets: nothing.
Throws: nothing.
Effect: the complaint is withdrawn; nobody is asked to work on it any more. What belongs to it ends with it: a refund
    that waits is cancelled, its appeal is closed, a work order that runs is ended, an event that is not solved yet
    lets it go. A rectification goes on: it is the operator's own (rule B6).
"""

from __future__ import annotations

from datetime import datetime

from workers.clock import Clock
from workers.names import Status
from workers.store import appeals, complaints, incidents, refunds, timeline, work_orders
from workers.store.database import Database
from workers.store.outbox import Transaction


def archive_complaint(
    database: Database, clock: Clock, *, number: str, satisfaction: str, is_solved: bool | None = None
) -> None:
    """Closes the complaint; a customer who never answered leaves the outcome open."""
    outcome = {True: "solved", False: "unsolved", None: "no-answer"}[is_solved]
    _close(database, clock, number, Status.CLOSED, outcome, "archived", satisfaction=satisfaction)


def withdraw_complaint(database: Database, clock: Clock, *, number: str) -> None:
    """Closes the complaint as the customer asked."""
    _close(database, clock, number, Status.WITHDRAWN, "withdrawn", "withdrawn")


def _close(
    database: Database, clock: Clock, number: str, status: Status, outcome: str, code: str, **facts: str
) -> None:
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        if complaint.closed_at is None:
            complaint.status = status
            complaint.outcome = outcome
            complaint.closed_at = clock.now()
            if status == Status.WITHDRAWN:
                _end_what_belongs(tx, number, clock.now())
            else:
                refunds.cancel_waiting(tx, number, clock.now(), "joined-incident")
                work_orders.end_running(tx, number, "withdrawn", clock.now())
            timeline.add(tx, number, clock.now(), "duban", code, f"{number}:{code}", **facts)


def _end_what_belongs(tx: Transaction, number: str, now: datetime) -> None:
    refunds.cancel_waiting(tx, number, now, "withdrawn")
    appeals.end(tx, number, "withdrawn", now)
    work_orders.end_running(tx, number, "withdrawn", now)
    incidents.let_go_of(tx, number, now)
