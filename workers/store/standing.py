"""How the complaints that are handled now stand: on time, due soon, overdue; by place, by department, by person.

One statement each, answered by the index `complaints_standing_idx` alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from workers.cases.part import UNKNOWN, Part
from workers.cases.region import bare, spellings
from workers.store.complaints import OPEN
from workers.store.tables import Complaint
from workers.store.urgency import WORDS, is_running, urgency_word

_PLACE: Final[dict[str, InstrumentedAttribute[str | None]]] = {
    "province": Complaint.province,
    "city": Complaint.city,
    "branch": Complaint.branch,
}


@dataclass(frozen=True)
class Standing:
    """How many complaints of one place, department or person stand how.

    Attributes:
        key: name of the place (shortest spelling), the group, the username; None where it is not known.
        nothing_due: no deadline is decided, or all of them are met.
    """

    key: str | None
    on_time: int = 0
    due_soon: int = 0
    overdue: int = 0
    nothing_due: int = 0

    @property
    def running(self) -> int:
        """All of them."""
        return self.due + self.nothing_due

    @property
    def due(self) -> int:
        """Those that have a deadline ahead or behind."""
        return self.on_time + self.due_soon + self.overdue


def in_part(part: Part) -> list[ColumnElement[bool]]:
    """Complaints of a part of the country, however its places are spelt."""
    return [
        _PLACE[level].is_(None) if name == UNKNOWN else _PLACE[level].in_(spellings(name))
        for level, name in part.names.items()
    ]


def total(tx: Session, now: datetime, *within: ColumnElement[bool]) -> Standing:
    """All running complaints together.

    Args:
        within: which complaints count: the part that is looked at, and what the person may see.
    """
    word = urgency_word(now)
    found = tx.execute(select(word, func.count()).where(is_running(), *within).group_by(word))
    return _standing(None, dict(found.all()))


def by_place(tx: Session, now: datetime, part: Part, *within: ColumnElement[bool]) -> list[Standing]:
    """By the places that the part is divided into, where most is overdue first; nothing for a branch."""
    level = part.next_level
    if level is None:
        return []
    return _by(tx, now, _PLACE[level], lambda name: bare(name) if name else None, *in_part(part), *within)


def by_group(tx: Session, now: datetime, *within: ColumnElement[bool]) -> list[Standing]:
    """By the department that has them; None: nobody has them yet."""
    return _by(tx, now, Complaint.owner_group, lambda name: name, *within)


def by_owner(tx: Session, now: datetime, *within: ColumnElement[bool]) -> list[Standing]:
    """By username of who has them."""
    return _by(tx, now, Complaint.owner_person, lambda name: name, *within)


def statuses(tx: Session, *within: ColumnElement[bool]) -> dict[str, int]:
    """How many complaints that are not closed are in each status; a status without any is 0."""
    status = _as_key(Complaint.status)
    is_open = Complaint.status.in_(OPEN), Complaint.closed_at.is_(None)
    rows = tx.execute(select(status, func.count()).where(*is_open, *within).group_by(status))
    return {each.value: 0 for each in OPEN} | dict(rows.all())


def _by(
    tx: Session,
    now: datetime,
    column: InstrumentedAttribute[str | None],
    read: Callable[[str | None], str | None],
    *within: ColumnElement[bool],
) -> list[Standing]:
    word = urgency_word(now)
    counted: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    key = _as_key(column)
    rows = select(key, word, func.count()).where(is_running(), *within).group_by(key, word)
    for found, urgency, count in tx.execute(rows):
        counted[read(found or None)][urgency] += count
    return sorted((_standing(key, counts) for key, counts in counted.items()), key=_worst_first)


def _as_key(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """The column to group by, empty where it is null. Not the bare one: SQLite would walk the index that has the groups
    in order, and open every row, instead of reading what is wanted from the index that holds all of it."""
    return func.coalesce(column, "").label("key")


def _standing(key: str | None, counts: Mapping[str, int]) -> Standing:
    return Standing(key, **{word.replace("-", "_"): counts.get(word, 0) for word in WORDS})


def _worst_first(each: Standing) -> tuple[Any, ...]:
    return (each.key is None, -each.overdue, -each.due_soon, -each.running, each.key or "")
