"""Tell the customer, staff or an authority something, in the words of a template (rules A3, A6, A8, B8, B13, F3).

Whatever the channel, a text is written from the case itself, as its page and the interface are: the same answer.

Job type: notify-customer
Reads: number, optional occasion and refund_no (the refund that the message speaks of). Header `event`: the folder
    under templates/notifications.
Sets: nothing.
Throws: nothing.
Effect: one message in the outbox per event and occasion, however often the job is delivered. The occasion is the
    element instance where the diagram names none. A deadline kind in `meets`, a header that may be left out, is met.

Job type: notify-staff
Reads: number, to (list of `person:NAME`, `group:NAME`, `watchers`, `engineer`: who has the work order), optional
    occasion, refund_no, due_at (the deadline that the message speaks of; the next statutory one where the diagram names
    none) and deadline_kind. Header `event`; a header named step, which may be left out, is a word the text repeats.
Sets: nothing.
Throws: nothing.
Effect: one message in the outbox per person, event and occasion; `meets` as for notify-customer. Who has left the
    staff is not told; for a `person:` who has left, the group that owns the case is. The case may be a complaint or an
    incident, as facts.json says; groups are told of a run of record retention by its number, too.

Job type: notify-authority
Reads: number, optional channel (the complaint's own where the diagram names none), occasion. Header `event`.
Sets: nothing.
Throws: nothing.
Effect: one e-mail in the outbox per event and occasion, to the address of the setting `authorities` for the channel;
    for a channel that it does not name, to its `regulator`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.region import Region
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.notifications.messenger import Messenger
from workers.store import (
    cases,
    complaints,
    deadlines,
    refunds,
    retention,
    staff,
    timeline,
    watchers,
    work_orders,
)
from workers.store.cases import AnyCase
from workers.store.database import Database
from workers.store.outbox import Transaction
from workers.store.tables import Staff


def notify_customer(
    database: Database,
    clock: Clock,
    messenger: Messenger,
    *,
    number: str,
    job: Job,
    occasion: str | None = None,
    refund_no: str | None = None,
) -> None:
    """Writes the message of header `event` to the customer into the outbox."""
    event, occasion = job.headers["event"], occasion or job.element_instance_key
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        facts = refunds.facts(tx, refund_no) if refund_no else {}
        messenger.tell_customer(tx, complaint, event, occasion, clock.now(), facts)
        met = _meet(tx, number, job, clock.now())
        key = f"{number}:told:{event}:{occasion}"
        timeline.add(tx, number, clock.now(), "duban", "customer-told", key, event=event, **met)


def notify_authority(
    database: Database,
    clock: Clock,
    messenger: Messenger,
    *,
    number: str,
    job: Job,
    channel: str | None = None,
    occasion: str | None = None,
) -> None:
    """Writes the message of header `event` to the authority into the outbox."""
    event, occasion = job.headers["event"], occasion or job.element_instance_key
    with database.begin() as tx:
        complaint, now = complaints.get(tx, number), clock.now()
        messenger.tell_authority(tx, complaint, channel or complaint.channel, event, occasion, now, {})
        key = f"{number}:told-authority:{event}:{occasion}"
        timeline.add(tx, number, now, "duban", "authority-told", key, event=event)


def notify_staff(
    database: Database,
    clock: Clock,
    messenger: Messenger,
    *,
    number: str,
    to: list[str | None],
    job: Job,
    occasion: str | None = None,
    due_at: str | None = None,
    deadline_kind: str | None = None,
    refund_no: str | None = None,
) -> None:
    """Writes the message of header `event` to everybody in `to`; nobody to tell is fine, an unknown word is not."""
    event, occasion = job.headers["event"], occasion or job.element_instance_key
    facts: dict[str, Any] = {"deadline_kind": deadline_kind, "step": job.headers.get("step")}
    facts |= {"due_at": datetime.fromisoformat(due_at)} if due_at else {}
    with database.begin() as tx:
        facts |= refunds.facts(tx, refund_no) if refund_no else {}
        if (kind := cases.kind(tx, number)) == cases.RETENTION_RUN:
            people = _people(tx, None, number, to)
            messenger.tell_of_run(tx, retention.get(tx, number), people, event, occasion, clock.now())
        else:
            about = cases.get(tx, number, kind)
            people = _people(tx, about, number, to)
            messenger.tell_staff(tx, about, people, event, occasion, clock.now(), facts)
        if people:
            told = {"event": event, "people": [person.name for person in people]}
            told |= _meet(tx, number, job, clock.now())
            key = f"{number}:told-staff:{event}:{occasion}"
            timeline.add(tx, number, clock.now(), "duban", "staff-told", key, **told)


def _people(tx: Transaction, about: AnyCase | None, number: str, to: list[str | None]) -> list[Staff]:
    """Whom the words in `to` mean, of those who are here; `about` is None for what belongs nowhere and to nobody."""
    region = Region() if about is None else cases.region(about)
    usernames: set[str] = set()
    for recipient in to:
        match (recipient or "").partition(":"):
            case ("person", ":", name) if name and about is not None:
                usernames |= _reached(tx, about, name)
            case ("group", ":", group) if group:
                usernames |= staff.usernames_of(tx, group, region)
            case ("watchers", "", ""):
                usernames |= watchers.usernames(tx, number)
            case ("engineer", "", ""):
                usernames |= work_orders.on_the_way(tx, number)
            case _:
                raise Broken(f"{recipient!r} in `to` is none of person:NAME, group:NAME, watchers, engineer")
    return [person for person in staff.by_usernames(tx, usernames) if person.is_active]


def _meet(tx: Transaction, number: str, job: Job, now: datetime) -> dict[str, Any]:
    """The deadline that this message meets, as a fact: decide-deadlines finds it where it is decided later."""
    kind = job.headers.get("meets")
    if kind is None:
        return {}
    deadlines.mark_met(tx, number, kind, now)
    return {"meets": kind}


def _reached(tx: Transaction, case: AnyCase, username: str) -> set[str]:
    """The person; for one who has left, the people of the group that has the case."""
    is_here = any(person.is_active for person in staff.by_usernames(tx, {username}))
    if is_here or case.owner_group is None:
        return {username}
    return staff.usernames_of(tx, case.owner_group, cases.region(case))
