"""The view `complaint_facts` as SQL: which complaints a figure counts, said once for figures and for lists.

What a figure counts is what the list behind it shows (rules A11, F4).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    String,
    and_,
    case,
    column,
    false,
    or_,
    select,
    table,
)

from workers.cases.figures import Asked
from workers.cases.part import UNKNOWN
from workers.store.database import Instant

_WORDS: Final = (
    *("number", "incident", "policy", "channel", "category", "product", "province", "city", "branch"),
    *("owner", "owner_group", "cause_code", "satisfaction", "month", "week", "day"),
)

FACTS: Final = table(
    "complaint_facts",
    *(column(name, String) for name in _WORDS),
    *(column(name, Integer) for name in ("on_time", "is_solved", "withdrawn", "reopened")),
    *(column(name, Float) for name in ("days_since_same", "handled_hours")),
    *(column(name, Instant) for name in ("received_at", "closed_at", "due_at")),
)
_F: Final = FACTS.c

Windows = Mapping[str, float]
"""Policy -> days within which the same problem again is a repeat, as the policy says (rule A11)."""

Of = Literal[
    "due",
    "in-time",
    "missed",
    "answered",
    "satisfied",
    "dissatisfied",
    "solved",
    "unsolved",
    "repeated",
    "reopened",
    "withdrawn",
    "ended",
]
"""Which of the complaints of a period. `due`: their result deadline was met or has passed; `ended`: closed, not taken
back (what causes are counted of)."""


def within(asked: Asked) -> list[ColumnElement[bool]]:
    """Received in the period, in the part of the country that is asked for."""
    places = [
        _F[level].is_(None) if name == UNKNOWN else _F[level] == name
        for level, name in asked.part.names.items()
    ]
    return [_F.received_at >= asked.start, _F.received_at < asked.end, *places]


def on_time(now: datetime) -> ColumnElement[int]:
    """1 in time, 0 missed (also what has passed without being marked yet), null: neither yet."""
    is_overdue = and_(_F.closed_at.is_(None), _F.due_at <= now)
    return case((_F.on_time.is_not(None), _F.on_time), (is_overdue, 0))


def is_repeat(windows: Windows) -> ColumnElement[bool]:
    """The same customer had the same problem within the repeat window of the policy (rule A11)."""
    again = [and_(_F.policy == policy, _F.days_since_same <= days) for policy, days in windows.items()]
    return or_(*again) if again else false()


def counted(of: Of, asked: Asked, windows: Windows, now: datetime) -> Select[str]:
    """The numbers of the complaints of a period that a figure counts."""
    fits: dict[Of, ColumnElement[bool]] = {
        "due": on_time(now).is_not(None),
        "in-time": on_time(now) == 1,
        "missed": on_time(now) == 0,
        "answered": _F.satisfaction.in_(("satisfied", "dissatisfied")),
        "satisfied": _F.satisfaction == "satisfied",
        "dissatisfied": _F.satisfaction == "dissatisfied",
        "solved": _F.is_solved == 1,
        "unsolved": _F.is_solved == 0,
        "repeated": is_repeat(windows),
        "reopened": _F.reopened > 0,
        "withdrawn": _F.withdrawn == 1,
        "ended": and_(_F.closed_at.is_not(None), _F.withdrawn == 0),
    }
    return select(_F.number).where(*within(asked), fits[of])
