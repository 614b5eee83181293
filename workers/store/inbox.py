"""A person's inbox: the open tasks that they may complete, a page at a time, the one due first comes first.

The same answer as asking `workers.desk.people.Authority` about every open task, but found by indexes: with a hundred
thousand open tasks a page costs no more than with a hundred.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from workers.cases.region import Region, is_within
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
        self._places: dict[str, list[str] | None] | None = None

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
        every, overdue, until_soon = self._count(Wanted(), now, now + soon)
        mine, *_ = self._count(Wanted(scope="mine"))
        if every == COUNTED:  # there are more: what is due is counted by itself
            overdue, *_ = self._count(Wanted(due_before=now))
            until_soon, *_ = self._count(Wanted(due_before=now + soon))
        return Counts(every, mine, overdue, until_soon - overdue)

    def _count(self, wanted: Wanted, *due_by: datetime) -> tuple[int, ...]:
        """How many there are, and how many of these are due by the instants; of COUNTED at most."""
        parts = [
            self._offers(wanted, part).distinct().limit(COUNTED).subquery()
            for part in self._parts(wanted, True)
        ]
        every = union(*(select(part) for part in parts)).limit(COUNTED).subquery()
        by = [func.coalesce(func.sum(case((every.c.sorted_at <= at, 1), else_=0)), 0) for at in due_by]
        return tuple(self._tx.execute(select(func.count(), *by).select_from(every)).one())

    def _parts(self, wanted: Wanted, is_unordered: bool = False) -> list[list[ColumnElement[bool]]]:
        """Conditions, each found by an index of its own; what fits one of them is the person's to do.

        A single condition with `or` would be one that no index answers.

        Args:
            is_unordered: groups whose tasks are all the person's may be one condition.
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
        served = self._served(who.groups)
        whole = [group for group in groups if served[group] is None]
        together = [whole] if is_unordered and whole else [[group] for group in whole]
        parts = [mine, *owned]
        parts += [[TaskOffer.group.in_(each)] for each in together]
        for group in groups:
            places = served[group]
            if places is not None:
                parts.append([TaskOffer.group == group, TaskOffer.place.in_(places)])
        return parts

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

    def _served(self, groups: Collection[str]) -> dict[str, list[str] | None]:
        """Where the person does the work of a group: their own region, and places that have nobody nearer; None:
        everywhere."""
        if self._places is None:
            nearest = staff.nearest_of(self._tx, groups)
            places = _places_of(self._tx, groups)
            region = self._who.region
            known = {place for each in places.values() for place in each}
            here = {place for place in known if is_within(region_of(place), region)}
            self._places = {}
            for group, every in places.items():
                mine = [
                    place
                    for place in every
                    if place in here or self._who.name in nearest[group].of(region_of(place))
                ]
                self._places[group] = None if len(mine) == len(every) else mine
        return self._places


def _places_of(tx: Session, groups: Collection[str]) -> dict[str, list[str]]:
    """Where the groups have open tasks: from one place to the next by the index, not through every task."""
    found: dict[str, list[str]] = {group: [] for group in groups}
    if not groups:
        return found
    firsts = (
        select(
            cast(literal(group), String(64)).label("group"),
            select(func.min(TaskOffer.place))
            .where(TaskOffer.group == group)
            .scalar_subquery()
            .label("place"),
        )
        for group in groups
    )
    begun = union_all(*firsts).subquery()
    walk = select(begun.c.group, begun.c.place).cte("walk", recursive=True)
    after = select(func.min(TaskOffer.place)).where(
        TaskOffer.group == walk.c.group, TaskOffer.place > walk.c.place
    )
    walk = walk.union_all(select(walk.c.group, after.scalar_subquery()).where(walk.c.place.is_not(None)))
    for group, place in tx.execute(select(walk.c.group, walk.c.place).where(walk.c.place.is_not(None))):
        found[group].append(place)
    return found


def _is_barred(person: str) -> ColumnElement[bool]:
    """Four eyes (workers.store.exclusions), as a condition."""
    return exists().where(
        Exclusion.person == person,
        Exclusion.number == TaskOffer.number,
        Exclusion.form == TaskOffer.form,
        or_(Exclusion.scope == TaskOffer.scope, Exclusion.scope == exclusions.WHOLE_CASE),
    )
