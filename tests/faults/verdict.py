"""What must hold after a fault, looked up in engine, store, mail server, SMS gateway and billing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tests.faults.load import CHARGED_FEN, Load
from tests.faults.rig import Rig
from workers.notifications.sender import _delivery
from workers.store.record_tables import Incident, ProcessInstance, UserTask
from workers.store.record_unsettled import unsettled
from workers.store.refund_tables import LedgerEntry, Refund
from workers.store.tables import Complaint, OutboxMessage

PROCESS: Final = "complaint-handling"
HANDLED: Final = frozenset({"resolved", "closed"})
_SHOWN: Final = 5


@dataclass
class Verdict:
    """Of one round. `problems` is empty where everything holds.

    Figures count from the start of the rig; those that begin with `new_` are of this round.

    Attributes:
        settled_s: seconds from the end of the fault until everything was handled.
        copies: messages that were handed over a second time, under the same Message-ID or Idempotency-Key.
        second_starts: process instances that were begun a second time and stopped at once (`Event_DuplicateStopped`).
        tries: how often clients had to try again, by what they met.
        probed_restarts: brokers that a liveness probe restarted.
        longest_ack_s: from receipt to the acknowledgement, of the complaint that waited longest.
    """

    problems: list[str] = field(default_factory=list)
    accepted: int = 0
    unknown: int = 0
    refunds: int = 0
    messages: int = 0
    copies: int = 0
    second_starts: int = 0
    settled_s: float = 0.0
    longest_ack_s: float = 0.0
    new: int = 0
    new_refunds: int = 0
    new_messages: int = 0
    probed_restarts: int = 0
    new_copies: int = 0
    tries: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the file of figures."""
        return asdict(self)


def judge(rig: Rig, load: Load, seconds: float) -> Verdict:
    """Waits until everything is handled, at most so long, and looks at what came of it."""
    began = time.monotonic()
    found = Verdict()
    while (left := unfinished(rig, load)) and time.monotonic() - began < seconds:
        time.sleep(0.5)
    found.settled_s = round(time.monotonic() - began, 1)
    found.problems = [f"after {seconds:.0f} s: {each}" for each in left]
    with rig.database.read() as tx:
        found.problems += [
            *_complaints(tx, load, found),
            *_instances(tx, rig, load, found),
            *_messages(tx, rig, load, found),
            *_refunds(tx, load, found),
            *_stuck(tx, rig),
        ]
    found.problems += [f"refused: {each}" for each in load.told.refused]
    found.problems += [
        f"staff met: {what} ({count} times)" for what, count in load.odd.items() if what[:1].isdigit()
    ]
    found.problems += [f"{name} does not run" for name, part in rig.parts.items() if not part.is_running]
    found.tries = dict(load.told.tries_again)
    found.probed_restarts = rig.brokers.restarts
    return found


def unfinished(rig: Rig, load: Load) -> list[str]:
    """What is still under way, or cannot be seen now; some of it in words."""
    accepted = load.told.accepted
    try:
        with rig.database.read() as tx:
            rows = dict(tx.execute(select(Complaint.external_ref, Complaint.status)).all())
            told = unsettled(tx, datetime.now(UTC), _SHOWN)
            paid = set(tx.scalars(select(Refund.number).where(Refund.status == "paid")))
            owed = list(tx.scalars(select(OutboxMessage).where(OutboxMessage.status == "pending")))
            tasks = list(tx.scalars(select(UserTask.element_id).where(UserTask.state == "open")))
            of_process = ProcessInstance.process_id == PROCESS
            known = set(tx.scalars(select(ProcessInstance.key).where(of_process)))
    except SQLAlchemyError as error:
        return [f"the store does not answer: {type(error).__name__}"]
    left = [f"{ref} is {rows.get(ref)}" for ref in accepted if rows.get(ref) not in HANDLED]
    left += [
        f"{ref} was not paid" for ref, each in accepted.items() if each.is_refund and each.number not in paid
    ]
    left += [f"message {row.id} ({row.event}) is owed until {row.next_attempt_at}" for row in owed]
    left += [f"a task is open: {element}" for element in tasks]  # perhaps only its record is on the way
    begun = rig.witness.instances(PROCESS)
    left += [f"{key} is not in the store yet" for keys in begun.values() for key in keys - known]
    left += [
        f"the engine says nothing of {each.number}" for each in accepted.values() if each.number not in begun
    ]
    return [*left[:_SHOWN], *told, *([f"and {len(left) - _SHOWN} more"] if len(left) > _SHOWN else [])]


def _complaints(tx: Session, load: Load, found: Verdict) -> Iterator[str]:
    """Every accepted complaint is there, once, under the number that was answered; nothing else is."""
    rows = tx.execute(select(Complaint.external_ref, Complaint.number)).all()
    count = Counter(ref for ref, _ in rows)
    numbers = dict(rows)
    found.accepted, found.unknown = len(load.told.accepted), len(load.told.unknown)
    for ref, each in load.told.accepted.items():
        if numbers.get(ref) != each.number:
            yield f"{ref} was answered {each.number}, the store has {numbers.get(ref)}"
    yield from (f"{ref} is there {times} times" for ref, times in count.items() if times > 1)
    known = {*load.told.accepted, *load.told.unknown}
    yield from (f"{ref} is there, and nobody complained" for ref in numbers if ref not in known)
    if len({each.number for each in load.told.accepted.values()}) != len(load.told.accepted):
        yield "two complaints have one number"


def _instances(tx: Session, rig: Rig, load: Load, found: Verdict) -> Iterator[str]:
    """The engine began one process per complaint that goes on, and the store knows what the engine did."""
    roots = select(ProcessInstance).where(
        ProcessInstance.process_id == PROCESS, ProcessInstance.parent_key.is_(None)
    )
    known: dict[str, dict[str, str]] = {}
    for row in tx.scalars(roots):
        known.setdefault(row.number or "", {})[row.key] = row.state
    owners = dict(tx.execute(select(Complaint.number, Complaint.process_instance_key)).all())
    begun = rig.witness.instances(PROCESS)
    for number, keys in begun.items():
        if keys != set(known.get(number, {})):
            yield f"{number}: the engine began {sorted(keys)}, the store knows {sorted(known.get(number, {}))}"
        others = {key: state for key, state in known.get(number, {}).items() if key != owners.get(number)}
        found.second_starts += len(others)
        yield from (
            f"{number}: a second process {key} is {state}"
            for key, state in others.items()
            if state == "active"
        )
    yield from (f"{number}: no process" for number in owners if number not in begun)


def _messages(tx: Session, rig: Rig, load: Load, found: Verdict) -> Iterator[str]:
    """Every message was handed over under one id, no other was, and each complaint was acknowledged once."""
    rows = list(tx.scalars(select(OutboxMessage)))
    mails = Counter(str(mail["Message-ID"]) for mail in list(rig.mails.mails))
    texts = Counter(str(headers["Idempotency-Key"]) for headers in list(rig.sms.headers))
    got = mails + texts
    found.messages, found.copies = len(got), sum(got.values()) - len(got)
    expected = {_delivery(row).key: row for row in rows}
    for key, row in expected.items():
        name = next((each for each in (key, f"<{key}@localhost>") if each in got), None)
        if name is None:
            yield f"message {row.id} ({row.event} by {row.channel}, {row.status}) never came"
        else:
            del got[name]
    yield from (f"{name} came, and nobody wrote it" for name in got)
    said = Counter((row.number, row.event, row.recipient, row.body) for row in rows)
    yield from (
        f"{key[0]}: {key[1]} to {key[2]} was written {count} times"
        for key, count in said.items()
        if count > 1
    )
    registered = [row for row in rows if row.event == "complaint-registered" and row.recipient == "customer"]
    count = Counter(row.number for row in registered)
    yield from (
        f"{each.number} was acknowledged {count[each.number]} times"
        for each in load.told.accepted.values()
        if count[each.number] != 1
    )
    received = dict(tx.execute(select(Complaint.number, Complaint.received_at)).all())
    waits = [(row.sent_at - received[row.number]).total_seconds() for row in registered if row.sent_at]
    found.longest_ack_s = round(max(waits, default=0.0), 1)


def _refunds(tx: Session, load: Load, found: Verdict) -> Iterator[str]:
    """Money was paid back once to everybody who was to have it, and to nobody else."""
    entries = list(tx.scalars(select(LedgerEntry)))
    found.refunds = len(entries)
    paid = Counter(entry.number for entry in entries)
    owed = {each.number for each in load.told.accepted.values() if each.is_refund}
    yield from (f"{number} was paid {paid[number]} times" for number in owed if paid[number] > 1)
    yield from (f"{number} was paid, and nothing was owed" for number in paid if number not in owed)
    yield from (
        f"{entry.number} was paid {entry.amount_fen} fen"
        for entry in entries
        if entry.amount_fen != CHARGED_FEN
    )
    charges = Counter(entry.charge_id for entry in entries)
    yield from (
        f"charge {charge} was paid back {times} times" for charge, times in charges.items() if times > 1
    )


def _stuck(tx: Session, rig: Rig) -> Iterator[str]:
    """Nothing ever needed a hand, and nobody has work left."""
    said = Counter(rig.witness.incidents())
    yield from (f"incident at {element}: {why} ({times} times)" for (element, why), times in said.items())
    for row in tx.scalars(select(Incident).where(Incident.state == "open").limit(_SHOWN)):
        yield f"an incident is open: {row.error_message}"
    for task in tx.scalars(select(UserTask).where(UserTask.state == "open").limit(_SHOWN)):
        yield f"a task is open: {task.element_id}"
