"""Intake: a complaint is durable, and its process owed, before the sender has an answer (rules A1, A2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from workers import metrics
from workers.cases.complaint import ComplaintLine
from workers.clock import Clock
from workers.errors import Unavailable
from workers.names import SHANGHAI, Message
from workers.store import complaints, engine_requests, timeline
from workers.store.database import Database
from workers.store.statements import next_value
from workers.store.tables import Complaint
from workers.tracing import span


@dataclass(frozen=True)
class Accepted:
    """The complaint's number; `is_new` is False when it had come in before."""

    number: str
    is_new: bool


def accept(
    database: Database,
    clock: Clock,
    line: ComplaintLine,
    wake: Callable[[], None] | None = None,
    *,
    submission: str | None = None,
    also: Callable[[Session, Accepted], None] | None = None,
) -> Accepted:
    """Keeps the complaint and owes the engine its start, in one transaction.

    The same channel and external_ref is the same complaint, also when it comes twice at the same instant.

    Args:
        submission: of the page that it was registered with: sent twice, it is one complaint, though another channel or
            reference was chosen meanwhile.
        also: done in the same transaction, with what is going to be returned.
        wake: called after the commit of a new complaint, so that the relay need not wait for its next look.

    Raises:
        Unavailable: the store does not answer; nothing was kept.
    """
    with span("intake", None, "server", policy=line.policy, channel=line.channel) as told:
        accepted = _accept(database, clock, line, submission, also)
        told.number, told.is_root, told.is_told = accepted.number, True, accepted.is_new
    if accepted.is_new:
        metrics.COMPLAINTS.labels(line.policy).inc()
        if wake is not None:
            wake()
    return accepted


def _accept(
    database: Database,
    clock: Clock,
    line: ComplaintLine,
    submission: str | None,
    also: Callable[[Session, Accepted], None] | None,
) -> Accepted:
    try:
        with database.begin() as tx:
            number = _earlier(tx, line, submission)
            if number is not None:
                return Accepted(number, is_new=False)
            number = _keep(tx, line, clock.now(), submission)
            if also is not None:
                also(tx, Accepted(number, is_new=True))
    except IntegrityError:
        with database.read() as tx:  # somebody else brought it in between
            number = _earlier(tx, line, submission)
        if number is None:
            raise
        return Accepted(number, is_new=False)
    except (OperationalError, TimeoutError) as error:
        reason = "The store takes no complaints now (locked, full or unreachable); try again."
        raise Unavailable(reason) from error
    return Accepted(number, is_new=True)


_SAME: Final = select(Complaint.number).where(
    Complaint.channel == bindparam("channel"), Complaint.external_ref == bindparam("ref")
)


def _earlier(tx: Session, line: ComplaintLine, submission: str | None) -> str | None:
    if submission is not None:
        sent = tx.scalars(select(Complaint.number).where(Complaint.submission == submission)).one_or_none()
        if sent is not None:
            return sent
    if line.external_ref is None:
        return None
    return tx.scalars(_SAME, {"channel": line.channel, "ref": line.external_ref}).one_or_none()


def _keep(tx: Session, line: ComplaintLine, now: datetime, submission: str | None) -> str:
    number = _new_number(tx, now)
    tx.add(
        Complaint(
            number=number,
            policy=line.policy,
            channel=line.channel,
            text=line.text,
            customer_name=line.customer.name,
            customer_phone=line.customer.phone,
            customer_email=line.customer.email,
            customer_no=line.customer.customer_no,
            customer_key=line.customer.key,
            progress_key=complaints.new_progress_key(),
            contact_name=line.contact.name if line.contact else None,
            contact_phone=line.contact.phone if line.contact else None,
            calls_on_holidays=line.calls_on_holidays,
            product=line.product,
            impact=line.impact,
            flags=line.flags,
            external_ref=line.external_ref,
            submission=submission,
            occurred_at=line.occurred_at,
            received_at=now,
            **line.region.model_dump(),
        )
    )
    tx.flush()
    timeline.add(tx, number, now, "customer", "received", f"{number}:received", channel=line.channel)
    name = Message.COMPLAINT_RECEIVED
    variables = _start_variables(number, line, now)
    engine_requests.add(tx, name, number, f"{number}:{name}", variables, now)
    return number


def _new_number(tx: Session, now: datetime) -> str:
    """E.g. `TS20261122-000123`: 投诉, the day in Shanghai, the complaint of the day."""
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    return f"TS{day}-{next_value(tx, f'complaints-{day}'):06}"


def _start_variables(number: str, line: ComplaintLine, now: datetime) -> dict[str, Any]:
    """What the process needs to decide; nothing about the person."""
    return {
        "number": number,
        "policy": line.policy,
        "channel": line.channel,
        "product": line.product,
        **line.region.model_dump(),
        "flags": line.flags,
        "received_at": now.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "reopen_count": 0,
        "is_repeat": False,
    }
