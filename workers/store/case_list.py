"""Lists of complaints by what a figure counts: from a number on the overview to the cases behind it.

No text and nobody's name: what everybody who may see the case's place may see. A page is found by an index, and the
next one begins after the last line of it, so that nothing is shown twice while cases come and go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from workers.cases.figures import Asked
from workers.cases.part import UNKNOWN, Part
from workers.names import Status
from workers.store import facts
from workers.store.standing import in_part
from workers.store.tables import Complaint
from workers.store.urgency import Urgency, has_urgency, is_running, urgency

COUNTED: Final = 10_000
"""A count stops here."""

Order = Literal["due", "new"]
StatusWord = Literal["", "running", "received", "accepted", "in-progress", "resolved", "closed", "withdrawn"]
"""`running`: whose customer waits for the result."""

KEYS: Final[dict[str, InstrumentedAttribute[Any]]] = {
    "group": Complaint.owner_group,
    "owner": Complaint.owner_person,
    "category": Complaint.category,
    "product": Complaint.product,
    "policy": Complaint.policy,
    "channel": Complaint.channel,
    "cause": Complaint.cause_code,
    "priority": Complaint.priority,
}
"""Word of an address -> column."""


@dataclass(frozen=True)
class Wanted:
    """Which complaints.

    Attributes:
        urgency: of running ones.
        keys: word of KEYS -> value; UNKNOWN where the column is empty.
        period: received in it; None: ever.
        of: what a figure of the period counts (`facts.OF`).
        number: begins so.
    """

    status: StatusWord = ""
    urgency: Urgency | Literal[""] = ""
    part: Part = field(default_factory=Part)
    keys: dict[str, str] = field(default_factory=dict)
    period: Asked | None = None
    of: facts.Of | Literal[""] = ""
    number: str = ""
    order: Order = "new"


@dataclass(frozen=True)
class Place:
    """Where a page ends. `at` is the instant that the list is ordered by; None: after all that have one."""

    at: datetime | None
    number: str


@dataclass(frozen=True)
class Line:
    """A complaint in the list.

    Attributes:
        used: share of its time that is gone, 0 to 1.
    """

    number: str
    status: str
    priority: str | None
    category: str | None
    product: str | None
    province: str | None
    city: str | None
    branch: str | None
    owner_group: str | None
    owner_person: str | None
    received_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    urgency: Urgency
    used: float


@dataclass(frozen=True)
class Page:
    """Some complaints; `after` is None on the last page."""

    lines: list[Line]
    after: Place | None = None


_COLUMNS: Final = (
    *(Complaint.number, Complaint.status, Complaint.priority, Complaint.category, Complaint.product),
    *(Complaint.province, Complaint.city, Complaint.branch, Complaint.owner_group, Complaint.owner_person),
    *(Complaint.received_at, Complaint.closed_at, Complaint.next_due_at),
)
_NAMES: Final = tuple(each.name for each in fields(Line))[: len(_COLUMNS)]
_RUNNING: Final = frozenset({Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS})


class CaseList:
    """The complaints that somebody wants to see.

    Args:
        windows: policy -> days of its repeat window (rule A11).
        within: what the person may see.
    """

    def __init__(
        self, tx: Session, wanted: Wanted, now: datetime, windows: facts.Windows, *within: ColumnElement[bool]
    ) -> None:
        self._tx = tx
        self._now = now
        self._order: Order = wanted.order
        self._chosen = [*within, *_conditions(wanted, now, windows)]

    def page(self, *, after: Place | None = None, limit: int = 50) -> Page:
        """The next `limit` of them.

        By `due`: what is due first, then what has nothing due; by `new`: the newest first.
        """
        found: list[Row[Any]] = []
        for part in self._parts(after):
            found += self._tx.execute(part.limit(limit + 1 - len(found))).all()
            if len(found) > limit:
                break
        lines = [self._line(*row) for row in found[:limit]]
        return Page(lines, self._place(lines[-1]) if len(found) > limit else None)

    def count(self) -> int:
        """How many there are, COUNTED at most."""
        some = select(Complaint.number).where(*self._chosen).limit(COUNTED).subquery()
        return self._tx.execute(select(func.count()).select_from(some)).scalar_one()

    def _parts(self, after: Place | None) -> list[Select[*tuple[Any, ...]]]:
        every = select(*_COLUMNS).where(*self._chosen)
        if self._order == "new":
            key = tuple_(Complaint.received_at, Complaint.number)
            newest = every.order_by(Complaint.received_at.desc(), Complaint.number.desc())
            return [newest.where(key < (after.at, after.number)) if after else newest]
        timed = every.where(Complaint.next_due_at.is_not(None)).order_by(
            Complaint.next_due_at, Complaint.number
        )
        never = every.where(Complaint.next_due_at.is_(None)).order_by(Complaint.number)
        if after is None:
            return [timed, never]
        if after.at is None:
            return [never.where(Complaint.number > after.number)]
        key = tuple_(Complaint.next_due_at, Complaint.number)
        return [timed.where(key > (after.at, after.number)), never]

    def _place(self, last: Line) -> Place:
        return Place(last.received_at if self._order == "new" else last.due_at, last.number)

    def _line(self, *row: Any) -> Line:
        status, received_at, closed_at, next_due_at = row[1], *row[-3:]
        is_waiting = closed_at is None and status in _RUNNING
        word, used = urgency(received_at, next_due_at if is_waiting else None, self._now)
        named = dict(zip(_NAMES, row, strict=True))
        return Line(**named, urgency=word, used=used)


def _conditions(wanted: Wanted, now: datetime, windows: facts.Windows) -> list[ColumnElement[bool]]:
    chosen = in_part(wanted.part)
    if wanted.status == "running" or wanted.urgency:
        chosen.append(is_running())
    elif wanted.status:
        chosen.append(Complaint.status == wanted.status)
    if wanted.urgency:
        chosen.append(has_urgency(wanted.urgency, now))
    for word, value in wanted.keys.items():
        chosen.append(KEYS[word].is_(None) if value == UNKNOWN else KEYS[word] == value)
    if wanted.number:
        chosen.append(Complaint.number.startswith(wanted.number.upper(), autoescape=True))
    if wanted.period is not None:
        chosen += [
            Complaint.received_at >= wanted.period.start,
            Complaint.received_at < wanted.period.end,
        ]
        if wanted.of:
            counted = facts.counted(wanted.of, wanted.period, windows, now)
            chosen.append(Complaint.number.in_(counted))
    return chosen
