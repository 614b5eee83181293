"""A person's inbox: the open tasks that they may complete, a page at a time, the one due first comes first.

The same answer as asking `workers.desk.people.Authority` about every open task, but found by indexes: with a hundred
thousand open tasks a page costs no more than with a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session

from workers.cases.region import Nearest, Region, is_within
from workers.store import exclusions, record_queries, staff
from workers.store.exclusion_tables import Exclusion
from workers.store.incident_tables import MajorIncident
from workers.store.offer_tables import TaskOffer, region_of
from workers.store.record_views import TaskView
from workers.store.tables import Complaint

COUNTED: Final = 999
"""A count stops here: nobody reads on, and counting a hundred thousand takes its time."""

Scope = Literal["mine", "open", "all"]
"""`mine`: assigned to the person; `open`: assigned to nobody; `all`: both, and those of colleagues."""


class Seat(Protocol):
    """Who looks; `groups` is None for duty staff, who may do everything."""

    @property
    def name(self) -> str: ...
    @property
    def groups(self) -> frozenset[str] | None: ...
    @property
    def region(self) -> Region: ...


@dataclass(frozen=True)
class Wanted:
    """What the person wants to see.

    Attributes:
        due_before: only tasks that are due by then.
        number: only cases whose number begins so.
        groups: only tasks of these groups; empty: all.
        forms: only tasks with these forms; empty: all.
    """

    scope: Scope = "all"
    due_before: datetime | None = None
    number: str = ""
    groups: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()


@dataclass(frozen=True, order=True)
class Place:
    """Where a page ends: the next begins after it."""

    sorted_at: datetime
    task_key: str


@dataclass(frozen=True)
class Page:
    """Some tasks of an inbox; `after` is None on the last page."""

    tasks: list[TaskView]
    after: Place | None = None


@dataclass(frozen=True)
class Counts:
    """How much there is, each up to COUNTED."""

    all: int = 0
    mine: int = 0
    overdue: int = 0
    soon: int = 0


class Inbox:
    """What one person sees, in one transaction; remembers where the person works for which group."""

    def __init__(self, tx: Session, who: Seat) -> None:
        self._tx = tx
        self._who = who
        self._served: dict[str, tuple[list[str], bool]] = {}

    def page(self, wanted: Wanted, *, after: Place | None = None, limit: int = 50) -> Page:
        """The next `limit` tasks that the person may complete, by due time, then by key."""
        found: set[Place] = set()
        for part in self._parts(wanted):
            query = self._offers(wanted, part).order_by(TaskOffer.sorted_at, TaskOffer.task_key)
            if after is not None:
                query = query.where(
                    tuple_(TaskOffer.sorted_at, TaskOffer.task_key) > (after.sorted_at, after.task_key)
                )
            rows = self._tx.execute(query.distinct().limit(limit + 1))
            found.update(Place(sorted_at, key) for sorted_at, key in rows)
        ordered = sorted(found)
        shown = ordered[:limit]
        tasks = record_queries.tasks(self._tx, [each.task_key for each in shown])
        return Page(tasks, shown[-1] if len(ordered) > limit else None)

    def counts(self, now: datetime, soon: timedelta) -> Counts:
        """The figures above the list.

        Args:
            soon: what is due within this time is due soon.
        """
        due = self._due(Wanted())
        mine = self._due(Wanted(scope="mine"))
        if len(due) == COUNTED:  # there are more: what is due is counted by itself
            overdue = self._due(Wanted(due_before=now))
            until_soon = self._due(Wanted(due_before=now + soon))
        else:
            overdue = [at for at in due if at <= now]
            until_soon = [at for at in due if at <= now + soon]
        return Counts(len(due), len(mine), len(overdue), len(until_soon) - len(overdue))

    def _due(self, wanted: Wanted) -> list[datetime]:
        """When the tasks are due, of COUNTED at most."""
        found: dict[str, datetime] = {}
        for part in self._parts(wanted):
            rows = self._tx.execute(self._offers(wanted, part).limit(COUNTED))
            found |= {key: sorted_at for sorted_at, key in rows}
            if len(found) >= COUNTED:
                break
        return list(found.values())[:COUNTED]

    def _parts(self, wanted: Wanted) -> list[list[ColumnElement[bool]]]:
        """Conditions, each found by an index of its own; what fits one of them is the person's to do.

        A single condition with `or` would be one that no index answers.
        """
        who = self._who
        if who.groups is None:
            return [[TaskOffer.group == group] for group in sorted(wanted.groups)] or [[]]
        chosen: list[ColumnElement[bool]] = [TaskOffer.group.in_(wanted.groups)] if wanted.groups else []
        mine: list[ColumnElement[bool]] = [TaskOffer.assignee == who.name, *chosen]
        if wanted.scope == "mine":
            return [mine]
        groups = sorted(who.groups & wanted.groups if wanted.groups else who.groups)
        own = [
            select(table.number).where(table.owner_person == who.name) for table in (Complaint, MajorIncident)
        ]
        owned: list[list[ColumnElement[bool]]] = [
            [TaskOffer.number.in_(each), TaskOffer.group.in_(groups)] for each in own
        ]
        return [mine, *owned, *(self._of_group(group) for group in groups)]

    def _of_group(self, group: str) -> list[ColumnElement[bool]]:
        served, is_all = self._places(group)
        here = [] if is_all else [TaskOffer.place.in_(served)]
        return [TaskOffer.group == group, *here]

    def _offers(self, wanted: Wanted, part: list[ColumnElement[bool]]) -> Select[datetime, str]:
        chosen = [*part, TaskOffer.number.is_not(None), ~_is_barred(self._who.name)]
        if wanted.scope == "mine":
            chosen.append(TaskOffer.assignee == self._who.name)
        elif wanted.scope == "open":
            chosen.append(TaskOffer.assignee.is_(None))
        if wanted.due_before is not None:
            chosen.append(TaskOffer.sorted_at <= wanted.due_before)
        if wanted.number:
            chosen.append(TaskOffer.number.startswith(wanted.number.upper(), autoescape=True))
        if wanted.forms:
            chosen.append(TaskOffer.form.in_(wanted.forms))
        return select(TaskOffer.sorted_at, TaskOffer.task_key).where(*chosen)

    def _places(self, group: str) -> tuple[list[str], bool]:
        """Where the person does the work of a group (their own region, and those that have nobody nearer), and whether
        that is everywhere."""
        if group not in self._served:
            nearest = staff.nearest_of(self._tx, group)
            places = self._tx.scalars(
                select(TaskOffer.place).where(TaskOffer.group == group).distinct()
            ).all()
            served = [place for place in places if self._serves(region_of(place), nearest)]
            self._served[group] = (served, len(served) == len(places))
        return self._served[group]

    def _serves(self, region: Region, nearest: Nearest[str]) -> bool:
        return is_within(region, self._who.region) or self._who.name in nearest.of(region)


def _places_of(tx: Session, group: str) -> list[str]:
    """Where the group has open tasks: from one place to the next by the index, not through every task."""
    first = select(func.min(TaskOffer.place).label("place")).where(TaskOffer.group == group)
    walk = first.cte("walk", recursive=True)
    after = select(func.min(TaskOffer.place)).where(TaskOffer.group == group, TaskOffer.place > walk.c.place)
    walk = walk.union_all(select(after.scalar_subquery()).where(walk.c.place.is_not(None)))
    return list(tx.scalars(select(walk.c.place).where(walk.c.place.is_not(None))))


def _is_barred(person: str) -> ColumnElement[bool]:
    """Four eyes (workers.store.exclusions), as a condition."""
    return exists().where(
        Exclusion.person == person,
        Exclusion.number == TaskOffer.number,
        Exclusion.form == TaskOffer.form,
        or_(Exclusion.scope == TaskOffer.scope, Exclusion.scope == exclusions.WHOLE_CASE),
    )
