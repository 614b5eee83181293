"""What the page of an event shows: the whole of it for whoever steers it, without what people wrote for others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from workers.desk.caller import Actor
from workers.desk.people import Authority
from workers.desk.services import DeskServices
from workers.desk.steering import Steering, steering
from workers.notifications.event_news import Rehearsal
from workers.store import (
    case_owners,
    case_parts,
    incident_room,
    incidents,
    staff,
    task_view,
    timeline,
    timeline_words,
)
from workers.store.incident_room import Room
from workers.store.outbox import Transaction
from workers.store.overview import urgency
from workers.store.record_views import TaskView


@dataclass(frozen=True)
class Asked:
    """What somebody sent that is shown again: refused, or to be confirmed.

    Attributes:
        act: which action stands open: `raise`, `hand-back`, `tell`, `attach`, `detach`.
        wrong: why it was refused.
        given: what they wrote, by field.
        rehearsal: what telling the customers would do.
    """

    act: str | None = None
    wrong: str | None = None
    given: dict[str, str] = field(default_factory=dict)
    rehearsal: Rehearsal | None = None


@dataclass(frozen=True)
class Clock:
    """An open task with its time: `urgency` is a word of overview.urgency, `used` the share of the time that is gone.

    Attributes:
        is_mine: the reader may complete it.
    """

    task: TaskView
    urgency: str
    used: float
    is_mine: bool


NOBODY = Steering("", "")
"""What somebody who is not signed in may do: nothing, and it is not said why."""


def view(
    services: DeskServices, tx: Transaction, number: str, who: Actor | None, asked: Asked, *, limit: int
) -> dict[str, Any]:
    """Everything that templates/event.html needs.

    Args:
        who: the reader; None: somebody who is not signed in.
        limit: of complaints.

    Raises:
        NotFound: no event has this number.
    """
    now = services.clock.now()
    room = incident_room.look(tx, number, now, limit=limit)
    may = steering(services.rights, who, room.incident) if who else NOBODY
    words = services.timeline_words or timeline_words.shipped()
    entries = [case_parts.entry(each, words) for each in timeline.of(tx, number)]
    said = task_view.said_before(tx, number) if may.steer is None else []
    key = room.incident.process_instance_key
    marks = task_view.marks(tx, key) if key and who else None
    return {
        "room": room,
        "event": room.incident,
        "steering": may,
        "asked": asked,
        "who": who,
        "clocks": _clocks(tx, room, who, now),
        "reports": [(each, _state(each, now)) for each in room.reports],
        "timeline": entries,
        "said": said,
        "marks": asdict(marks) if marks else None,
        "up": incidents.above(room.incident.tier),
        "down": incidents.below(room.incident.tier),
        "people": staff.names(tx, _people(room, entries) | {each.who for each in said}),
        "is_all": limit > incident_room.SHOWN,
    }


def _clocks(tx: Transaction, room: Room, who: Actor | None, now: datetime) -> list[Clock]:
    number, authority = room.incident.number, Authority(tx)
    owner = case_owners.of(tx, [number])[number]
    found = []
    for task in room.tasks:
        word, used = urgency(task.created_at, task.due_at, now)
        is_mine = who is not None and authority.refuses(who, task, owner) is None
        found.append(Clock(task, word, used, is_mine))
    return found


def _state(report: incident_room.Report, now: datetime) -> str:
    """`in`, `late` (in, but after its time), `lapsed`, `overdue` or `due`."""
    row = report.row
    if row.submitted_at is not None:
        return "late" if row.overdue_at is not None else "in"
    if report.is_lapsed:
        return "lapsed"
    return "overdue" if row.overdue_at is not None or row.due_at <= now else "due"


def _people(room: Room, entries: list[dict[str, Any]]) -> set[str | None]:
    named: set[str | None] = {each["who"] for each in entries}
    named |= {room.incident.owner_person, room.incident.source}
    named |= {each.person for each in room.stages} | {
        each.task.assignee for each in room.reports if each.task
    }
    named |= {each.row.owner_person for each in room.reports} | {each.row.author for each in room.reports}
    named |= {each.attached_by for each in room.tied} | {each.assignee for each in room.tasks}
    return named
