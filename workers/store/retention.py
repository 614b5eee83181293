"""Runs of record retention: what has expired, who agreed, and how far it is (rule C10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from workers.cases.retention import Rule
from workers.errors import NotFound
from workers.names import SHANGHAI, Message
from workers.store import complaints, engine_requests, incidents, timeline
from workers.store.anonymise import anonymise, anonymise_incident
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.record_tables import ProcessInstance
from workers.store.refund_tables import Refund
from workers.store.retention_tables import RetentionItem, RetentionRun
from workers.store.statements import next_value
from workers.store.tables import Complaint, OutboxMessage, TimelineEntry


def open_run(tx: Session, now: datetime, *, who: str, confirmed: bool = False) -> tuple[str, bool]:
    """Opens a run and owes its process to the engine: one a month by the clock, any number by hand.

    Args:
        who: `duban` for the one of the month, else the username.
        confirmed: a person has seen the figures and said yes.

    Returns:
        The run's number, and whether it is new.
    """
    month = now.astimezone(SHANGHAI).strftime("%Y%m")
    if who == "duban":  # the counter's row is the lock: whoever counts to one opens the run of the month
        number = f"DA{month}"
        is_new = tx.get(RetentionRun, number) is None and next_value(tx, f"retention-by-clock-{month}") == 1
    else:
        number, is_new = f"DA{month}-{next_value(tx, f'retention-{month}')}", True
    if not is_new:
        return number, False
    tx.add(RetentionRun(number=number, opened_by=who, opened_at=now, state="open"))
    tx.flush()
    name = Message.RETENTION_DUE
    variables = {"number": number, "is_anonymisation_confirmed": confirmed or None}
    engine_requests.add(tx, name, number, f"{number}:{name}", variables, now)
    timeline.add(tx, number, now, who, "retention-opened", f"{number}:opened")
    return number, True


def get(tx: Session, number: str) -> RetentionRun:
    """The run. Raises NotFound."""
    found = tx.get(RetentionRun, number)
    if found is None:
        raise NotFound(f"There is no retention run {number[:40]!r}.")
    return found


def count(tx: Session, rules: Sequence[Rule], now: datetime) -> list[tuple[str, str, str]]:
    """What has expired: number, policy, and the month in which it was closed; changes nothing.

    A complaint that still has work, a refund in posting, messages to send, or an event that is not closed is left
    alone.
    """
    expired = or_(
        *(and_(Complaint.policy == rule.policy, Complaint.closed_at <= rule.cutoff(now)) for rule in rules)
    )
    wanted = select(Complaint.number, Complaint.policy, Complaint.closed_at)
    wanted = wanted.where(
        Complaint.anonymised_at.is_(None), Complaint.closed_at.is_not(None), expired, ~_is_busy()
    )
    return [
        (number, policy, closed_at.astimezone(SHANGHAI).strftime("%Y-%m"))
        for number, policy, closed_at in tx.execute(wanted.order_by(Complaint.closed_at, Complaint.number))
        if closed_at is not None
    ]


def find_expired(tx: Session, number: str, rules: Sequence[Rule], now: datetime) -> int:
    """Lists what has expired with the run, the first time; returns how many complaints and events that were."""
    run = get(tx, number)
    if run.counted_at is None:
        run.counted_at = now
        for complaint, policy, month in count(tx, rules, now):
            tx.add(RetentionItem(run=number, complaint=complaint, policy=policy, month=month))
        tx.flush()
    found = listed(tx, number)
    found += len(expired_events(tx, rules, run.counted_at))
    if not found:
        end(tx, number, "nothing", now)
    return found


def listed(tx: Session, number: str) -> int:
    """How many complaints are on the run's list."""
    return tx.scalar(select(func.count()).where(RetentionItem.run == number)) or 0


def _nothing(number: str, hashes: set[str]) -> None:
    """Nothing is kept outside the store."""


def expired_events(tx: Session, rules: Sequence[Rule], at: datetime) -> list[str]:
    """Events with words of people that were closed long enough before `at`, none of whose complaints is open."""
    over = or_(
        *(
            and_(MajorIncident.policy == rule.policy, MajorIncident.closed_at <= rule.cutoff(at))
            for rule in rules
        )
    )
    number = MajorIncident.number
    done = exists().where(TimelineEntry.number == number, TimelineEntry.code == "anonymised")
    member = and_(IncidentComplaint.incident == number, IncidentComplaint.detached_at.is_(None))
    is_open = exists().where(
        member, IncidentComplaint.complaint == Complaint.number, Complaint.closed_at.is_(None)
    )
    chosen = select(number).where(MajorIncident.closed_at.is_not(None), over, ~done, ~is_open)
    return list(tx.scalars(chosen.where(~_has_work(number)).order_by(number)))


def anonymise_batch(
    tx: Session,
    number: str,
    size: int,
    now: datetime,
    forget: Callable[[str, set[str]], None] = _nothing,
    rules: Sequence[Rule] = (),
) -> int:
    """Anonymises the next complaints of a run; with the last ones, the events whose time was over when it counted.

    Args:
        rules: those that the run counted by; none: events are left alone.
        forget: removes what is kept outside the store: the number of the complaint, the hashes of files that no case
            has any more. May be called again.

    Returns:
        How many are left.
    """
    waiting = (
        (RetentionItem.run == number) & RetentionItem.done_at.is_(None) & RetentionItem.kept_because.is_(None)
    )
    batch = select(RetentionItem).where(waiting).order_by(RetentionItem.complaint).limit(size)
    for item in tx.scalars(batch.with_for_update()):
        complaint = complaints.get(tx, item.complaint)
        if tx.scalar(select(_is_busy()).where(Complaint.number == item.complaint)):
            item.kept_because = "in-use"
            continue
        forget(item.complaint, anonymise(tx, complaint, now))
        timeline.add(
            tx, item.complaint, now, "duban", "anonymised", f"{item.complaint}:anonymised", anonymised=True
        )
        item.done_at = now
    tx.flush()
    left = tx.scalar(select(func.count()).select_from(RetentionItem).where(waiting)) or 0
    if not left:
        for event in expired_events(tx, rules, get(tx, number).counted_at or now) if rules else ():
            incidents.get(tx, event)  # locked
            forget(event, anonymise_incident(tx, event))
            timeline.add(tx, event, now, "duban", "anonymised", f"{event}:anonymised", anonymised=True)
        end(tx, number, "done", now)
    return left


def end(tx: Session, number: str, state: str, now: datetime) -> None:
    """The run is over; the first end counts."""
    run = get(tx, number)
    if run.state == "open":
        run.state, run.ended_at = state, now
        timeline.add(tx, number, now, "duban", "retention-ended", f"{number}:ended", state=state)


def figures(rows: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """How many of each policy and month."""
    found = Counter((policy, month) for _, policy, month in rows)
    return [
        {"policy": policy, "month": month, "count": found[policy, month]} for policy, month in sorted(found)
    ]


def described(tx: Session, number: str) -> dict[str, Any]:
    """A run as JSON, with its progress. Raises NotFound."""
    run = get(tx, number)
    items = list(tx.scalars(select(RetentionItem).where(RetentionItem.run == number)))
    return {
        "number": run.number,
        "state": run.state,
        "opened_by": run.opened_by,
        "counted": run.counted_at is not None,
        "expired": len(items),
        "anonymised": sum(item.done_at is not None for item in items),
        "kept": sum(item.kept_because is not None for item in items),
        "by_month": figures([(item.complaint, item.policy, item.month) for item in items]),
    }


def _is_busy() -> ColumnElement[bool]:
    """Work of it runs (an appeal, a rectification, …), a refund may be on its way, it has a message to send, or its
    event is not closed."""
    event = exists().where(
        IncidentComplaint.complaint == Complaint.number,
        IncidentComplaint.incident == MajorIncident.number,
        MajorIncident.closed_at.is_(None),
        IncidentComplaint.detached_at.is_(None),
    )
    posting = exists().where(Refund.number == Complaint.number, Refund.status == "posting")
    return or_(_has_work(Complaint.number), posting, event)


def _has_work(number: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    runs = exists().where(ProcessInstance.number == number, ProcessInstance.state == "active")
    return or_(runs, exists().where(OutboxMessage.number == number, OutboxMessage.status == "pending"))
