"""What of the store somebody sees: the cases of their region, and those that they have or had something to do with.

The same rule for a list (a condition that the database checks) and for one case (`allows`). Who has no region in the
staff directory works everywhere; a case whose city or branch nobody knows is seen by everybody around it
(workers.cases.region.is_within).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from workers.cases.region import Region, is_within, spellings
from workers.store import case_owners
from workers.store.inbox import Inbox, Seat, Wanted
from workers.store.incident_tables import MajorIncident
from workers.store.offer_tables import TaskOffer
from workers.store.tables import Complaint, TimelineEntry

Placed = type[Complaint] | type[MajorIncident] | ReadOnlyColumnCollection[str, Any]
"""What has the columns province, city and branch: a table of cases, or the `c` of a view."""


@dataclass(frozen=True)
class Sight:
    """What one person sees.

    Attributes:
        seat: who; None: everything is seen (the instance's own token, commands, a desk without a login).
    """

    seat: Seat | None = None

    @property
    def bound(self) -> Seat | None:
        """The person, where something is hidden from them; None: duty staff and people who work everywhere see all."""
        is_free = self.seat is None or self.seat.groups is None or self.seat.region == Region()
        return None if is_free else self.seat

    def covers(self, table: Placed) -> ColumnElement[bool]:
        """Condition: the row lies where the person works. For figures; see `shows` for lists of cases."""
        who = self.bound
        if who is None:
            return true()
        region = who.region
        columns = (
            (table.province, region.province),
            (table.city, region.city),
            (table.branch, region.branch),
        )
        return and_(*(or_(column.is_(None), column.in_(spellings(name))) for column, name in columns if name))

    def shows(self, table: type[Complaint] | type[MajorIncident]) -> ColumnElement[bool]:
        """Condition: a case that belongs into the person's lists: where they work, theirs, or with a task of theirs.

        `allows` is wider: it opens what the person once worked on, and what their inbox brings from elsewhere.
        """
        who = self.bound
        if who is None:
            return true()
        mine = select(TaskOffer.number).where(TaskOffer.assignee == who.name, TaskOffer.number.is_not(None))
        owns = and_(
            table.owner_person.is_not(None), table.owner_person == who.name
        )  # never null: see shows_number
        return or_(self.covers(table), owns, table.number.in_(mine))

    def shows_number(self, number: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """The same for a table that has the number of the case only; cases without a place are hidden from nobody."""
        if self.bound is None:
            return true()
        placed = (Complaint, MajorIncident)
        hidden = (select(table.number).where(~self.shows(table)) for table in placed)
        return and_(*(number.not_in(each) for each in hidden))

    def allows(self, tx: Session, number: str) -> bool:
        """Whether the person may open a case: where they work, their own, one that they worked on or may work on.

        A number that nobody has is allowed: whoever asks for it is told that there is none.
        """
        who = self.bound
        owner = case_owners.of(tx, [number]).get(number)
        if who is None or owner is None or owner.person == who.name or is_within(owner.region, who.region):
            return True
        took_part = exists().where(TimelineEntry.number == number, TimelineEntry.who == who.name)
        return bool(tx.scalar(select(took_part))) or _has_task(tx, who, number)


def _has_task(tx: Session, who: Seat, number: str) -> bool:
    found = Inbox(tx, who).page(Wanted(number=number)).tasks
    return any(task.number == number for task in found)


EVERYTHING: Final = Sight()
"""What the service itself sees."""
