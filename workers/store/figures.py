"""Figures from the view `complaint_facts`: shares, medians, hot spots, causes, rates (rules A11, E6, F1, F4).

Every share is None where nothing can be counted, never 0. Nothing personal is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    String,
    and_,
    case,
    column,
    func,
    literal,
    or_,
    select,
    table,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from workers.cases.figures import Asked, Subscribers
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
HOT_SPOTS: Final = 20
_PLACE: Final = ("category", "product", "province", "city", "branch")


def rows(
    tx: Session, asked: Asked, columns: Sequence[str], windows: Mapping[str, float], now: datetime
) -> list[dict[str, Any]]:
    """One row of figures per combination of the columns, in their order; no columns: one row for all.

    Args:
        columns: of the view.
        windows: policy -> days within which the same problem again is a repeat, as the policy says.
        now: a deadline that has passed is missed though the process has not marked it yet.
    """
    facts = _facts(asked, columns, windows, now)
    keys = [facts.c[name] for name in columns]
    by_hours = (case((facts.c.handled_hours.is_(None), 1), else_=0), facts.c.handled_hours)
    ranked = select(
        facts,
        func.row_number().over(partition_by=keys, order_by=by_hours).label("place"),
        func.count(facts.c.handled_hours).over(partition_by=keys).label("known"),
    ).subquery()
    grouped = [ranked.c[name] for name in columns]
    found = tx.execute(
        select(*grouped, *_measures(ranked))
        .group_by(*grouped)
        .order_by(*(_nulls_last(each) for each in grouped))
    )
    return [_row(line._mapping, columns) for line in found if line._mapping["complaints"]]


def hot_spots(tx: Session, asked: Asked) -> list[dict[str, Any]]:
    """Where complaints grew most, by category, product and place, against the period of the same length before.

    `growth` is None where there were none before; `peak_on` is the day with the most.
    """
    keys = [_F[name] for name in _PLACE]
    is_now = _F.received_at >= asked.start
    now, before = _count_if(is_now), _count_if(~is_now)
    found = tx.execute(
        select(*keys, now.label("complaints"), before.label("before"))
        .where(_F.received_at >= asked.before.start, _F.received_at < asked.end)
        .group_by(*keys)
        .having(now > before)
        .order_by((now - before).desc(), now.desc(), *(_nulls_last(each) for each in keys))
        .limit(HOT_SPOTS)
    )
    spots = [dict(line._mapping) for line in found]
    peaks = _peaks(tx, asked) if spots else {}
    for spot in spots:
        spot["growth"] = _share(spot["complaints"] - spot["before"], spot["before"])
        spot["peak"], spot["peak_on"] = peaks[tuple(spot[name] for name in _PLACE)]
    return spots


def causes(tx: Session, asked: Asked) -> list[dict[str, Any]]:
    """How many closed complaints had which cause, by month of receipt (rule F4)."""
    keys = [_F.month, _F.cause_code]
    found = tx.execute(
        select(*keys, func.count().label("complaints"))
        .where(*_within(asked), _F.closed_at.is_not(None), _F.withdrawn == 0)
        .group_by(*keys)
        .order_by(_F.month, func.count().desc(), _nulls_last(_F.cause_code))
    )
    return [dict(line._mapping) for line in found]


def complaint_rate(
    tx: Session, asked: Asked, subscribers: Subscribers
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Complaints per million users by region and month (rule F1).

    Returns:
        The rows (of provinces, and of cities that the subscribers file knows; city None for a whole province),
        and the months and regions with complaints or users for which the file says nothing: no rate is guessed.
    """
    keys = [_F.month, _F.province, _F.city]
    counted = select(*keys, func.count()).where(*_within(asked), _F.province.is_not(None)).group_by(*keys)
    numbers: dict[tuple[str, str, str], int] = {}
    for line in tx.execute(counted):
        month, province, city, count = list(line)
        for part in {"", city or ""}:
            numbers[month, province, part] = numbers.get((month, province, part), 0) + int(count)
    known = subscribers.regions()
    regions = sorted({*known, *((province, "") for _, province, _ in numbers)})
    rates, missing = [], []
    for province, city in regions:
        for month in asked.months():
            users = subscribers.users.get((month, province, city))
            count = numbers.get((month, province, city), 0)
            place = {"month": month, "province": province, "city": city or None}
            if users is not None:
                per_million = round(count * 1_000_000 / users, 2)
                rates.append({**place, "complaints": count, "users": users, "per_million": per_million})
            elif count or (province, city) in known:
                missing.append(
                    {"month": month, "region": " ".join(each for each in (province, city) if each)}
                )
    return rates, missing


def policies(tx: Session, asked: Asked) -> set[str]:
    """The policies that complaints of the period have."""
    return set(tx.scalars(select(_F.policy).where(*_within(asked)).distinct()))


def _facts(asked: Asked, columns: Sequence[str], windows: Mapping[str, float], now: datetime) -> Subquery:
    is_overdue = and_(_F.closed_at.is_(None), _F.due_at <= now)
    on_time = case((_F.on_time.is_not(None), _F.on_time), (is_overdue, 0))
    again = [and_(_F.policy == policy, _F.days_since_same <= days) for policy, days in windows.items()]
    is_repeat = case((or_(*again), 1), else_=0) if again else literal(0)
    return (
        select(
            *(_F[name] for name in columns),
            func.coalesce(_F.incident, _F.number).label("case_number"),
            _F.satisfaction,
            _F.is_solved,
            _F.withdrawn,
            _F.handled_hours,
            on_time.label("on_time"),
            is_repeat.label("is_repeat"),
            case((_F.reopened > 0, 1), else_=0).label("is_reopened"),
        )
        .where(*_within(asked))
        .subquery()
    )


def _measures(ranked: Subquery) -> list[ColumnElement[Any]]:
    given = ranked.c
    middle = and_(given.place * 2 >= given.known, given.place * 2 <= given.known + 2)
    return [
        func.count().label("complaints"),
        func.count(given.case_number.distinct()).label("cases"),
        func.sum(given.withdrawn).label("withdrawn"),
        func.count(given.on_time).label("due"),
        func.sum(given.on_time).label("in_time"),
        _count_if(given.satisfaction == "satisfied").label("satisfied"),
        _count_if(given.satisfaction.in_(("satisfied", "dissatisfied"))).label("answered"),
        func.sum(given.is_solved).label("solved"),
        func.count(given.is_solved).label("solved_known"),
        func.sum(given.is_repeat).label("repeats"),
        func.sum(given.is_reopened).label("reopened"),
        func.avg(case((middle, given.handled_hours))).label("median_hours"),
    ]


def _row(found: Mapping[Any, Any], columns: Sequence[str]) -> dict[str, Any]:
    number = {name: int(found[name] or 0) for name in found if name not in {*columns, "median_hours"}}
    hours = found["median_hours"]
    return {
        **{name: found[name] for name in columns},
        "complaints": number["complaints"],
        "cases": number["cases"],
        "withdrawn": number["withdrawn"],
        "due": number["due"],
        "missed": number["due"] - number["in_time"],
        "on_time": _share(number["in_time"], number["due"]),
        "answered": number["answered"],
        "satisfaction": _share(number["satisfied"], number["answered"]),
        "solved": _share(number["solved"], number["solved_known"]),
        "repeats": number["repeats"],
        "recurrence": _share(number["repeats"], number["complaints"]),
        "reopened": number["reopened"],
        "reopened_share": _share(number["reopened"], number["complaints"]),
        "median_hours": round(float(hours), 2) if hours is not None else None,
    }


def _peaks(tx: Session, asked: Asked) -> dict[tuple[str | None, ...], tuple[int, str]]:
    """The day with the most, the earliest of equals, by category, product and place: (how many, the day)."""
    keys = [_F[name] for name in _PLACE]
    counted = select(*keys, _F.day, func.count()).where(*_within(asked)).group_by(*keys, _F.day)
    found: dict[tuple[str | None, ...], tuple[int, str]] = {}
    for *place, day, count in tx.execute(counted.order_by(_F.day)):
        if count > found.get(tuple(place), (0, ""))[0]:
            found[tuple(place)] = count, day
    return found


def _within(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return _F.received_at >= asked.start, _F.received_at < asked.end


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _nulls_last(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Both databases in the same order: SQLite would put null first."""
    return key.asc().nulls_last()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
