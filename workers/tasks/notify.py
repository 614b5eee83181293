"""Tell the customer, staff or an authority something, in the words of a template (rules A3, A6, A8, B8, B13).

Job type: notify-customer
Reads: number, optional occasion. Header `event`: the folder under templates/notifications.
Sets: nothing.
Throws: nothing.
Effect: one message in the outbox per event and occasion, however often the job is delivered. The occasion is the
    element instance where the diagram names none.

Job type: notify-staff
Reads: number, to (list of `person:NAME`, `group:NAME`, `watchers`), optional occasion and due_at (the deadline that
    the message speaks of; the next statutory one where the diagram names none). Header `event`.
Sets: nothing.
Throws: nothing.
Effect: one message in the outbox per person, event and occasion. Who has left the staff is not told; for a `person:`
    who has left, the group that owns the case is. The case may be a complaint or an incident, as facts.json says.

Job type: notify-authority
Reads: number, optional channel (the complaint's own where the diagram names none), occasion. Header `event`.
Sets: nothing.
Throws: nothing.
Effect: one e-mail in the outbox per event and occasion, to the address of the setting `authorities` for the channel;
    for a channel that it does not name, to its `regulator`.
"""

from __future__ import annotations

from datetime import datetime

from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken
from workers.notifications.messenger import Messenger
from workers.store import cases, complaints, staff, timeline, watchers
from workers.store.cases import AnyCase
from workers.store.database import Database
from workers.store.outbox import Transaction


def notify_customer(
    database: Database,
    clock: Clock,
    messenger: Messenger,
    *,
    number: str,
    job: Job,
    occasion: str | None = None,
) -> None:
    """Writes the message of header `event` to the customer into the outbox."""
    event, occasion = job.headers["event"], occasion or job.element_instance_key
    with database.begin() as tx:
        complaint = complaints.get(tx, number)
        messenger.tell_customer(tx, complaint, event, occasion, clock.now(), {})
        timeline.add(
            tx,
            number,
            clock.now(),
            "duban",
            "customer-told",
            f"{number}:told:{event}:{occasion}",
            event=event,
        )


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
) -> None:
    """Writes the message of header `event` to everybody in `to`; nobody to tell is fine, an unknown word is not."""
    event, occasion = job.headers["event"], occasion or job.element_instance_key
    facts = {"due_at": datetime.fromisoformat(due_at)} if due_at else {}
    with database.begin() as tx:
        case = cases.get(tx, number)
        usernames: set[str] = set()
        for recipient in to:
            match (recipient or "").partition(":"):
                case ("person", ":", name) if name:
                    usernames |= _reached(tx, case, name)
                case ("group", ":", group) if group:
                    usernames |= staff.usernames_of(tx, group, cases.region(case))
                case ("watchers", "", ""):
                    usernames |= watchers.usernames(tx, number)
                case _:
                    raise Broken(f"{recipient!r} in `to` is none of person:NAME, group:NAME, watchers")
        people = [person for person in staff.by_usernames(tx, usernames) if person.is_active]
        messenger.tell_staff(tx, case, people, event, occasion, clock.now(), facts)
        if people:
            timeline.add(
                tx,
                number,
                clock.now(),
                "duban",
                "staff-told",
                f"{number}:told-staff:{event}:{occasion}",
                event=event,
                people=[person.name for person in people],
            )


def _reached(tx: Transaction, case: AnyCase, username: str) -> set[str]:
    """The person; for one who has left, the people of the group that has the case."""
    is_here = any(person.is_active for person in staff.by_usernames(tx, {username}))
    if is_here or case.owner_group is None:
        return {username}
    return staff.usernames_of(tx, case.owner_group, cases.region(case))
