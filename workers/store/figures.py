"""Figures from the view `complaint_facts`: shares, medians, hot spots, causes, rates (rules A11, E6, F1, F4).

Every share is None where nothing can be counted, never 0. Nothing personal is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from workers.cases.figures import Asked, Subscribers
from workers.cases.part import Part
from workers.store.facts import FACTS, Windows, is_repeat, on_time, within

_F: Final = FACTS.c
HOT_SPOTS: Final = 20
_COUNTS: Final = (
    *(
        "complaints",
        "cases",
        "withdrawn",
        "due",
        "in_time",
        "satisfied",
        "answered",
        "solved",
        "solved_known",
    ),
    *("repeats", "reopened"),
)
_PLACE: Final = ("category", "product", "province", "city", "branch")


def rows(
    tx: Session,
    asked: Asked,
    columns: Sequence[str],
    windows: Windows,
    now: datetime,
    *seen: ColumnElement[bool],
) -> list[dict[str, Any]]:
    """One row of figures per combination of the columns, in their order; no columns: one row for all.

    Args:
        columns: of the view.
        windows: policy -> days within which the same problem again is a repeat, as the policy says.
        now: a deadline that has passed is missed though the process has not marked it yet.
        seen: what the person who asks may see.
    """
    return tables(tx, asked, {"rows": columns}, windows, now, *seen)["rows"]


def tables(
    tx: Session,
    asked: Asked,
    wanted: Mapping[str, Sequence[str]],
    windows: Windows,
    now: datetime,
    *seen: ColumnElement[bool],
) -> dict[str, list[dict[str, Any]]]:
    """The same complaints counted in several ways, and looked at only once.

    Args:
        wanted: what people call a table -> the columns that it groups by.

    Returns:
        As `rows`, by the name of the table.
    """
    every = sorted({column for columns in wanted.values() for column in columns})
    facts = _facts(asked, every, windows, now, *seen).cte("facts").prefix_with("MATERIALIZED")
    width = max(len(columns) for columns in wanted.values())
    parts = [_table(facts, name, columns, width) for name, columns in wanted.items()]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in wanted}
    for line in tx.execute(parts[0] if len(parts) == 1 else union_all(*parts)):
        row = dict(line._mapping)
        columns = wanted[row["table"]]
        if row["complaints"]:
            keys = [row[f"key{at}"] for at in range(len(columns))]
            found[row["table"]].append(_row(row, keys, columns, knows_repeats=bool(windows)))
    for name, columns in wanted.items():
        found[name].sort(key=lambda row: [(row[each] is None, row[each] or "") for each in columns])
    return found


def _table(facts: CTE, name: str, columns: Sequence[str], width: int) -> Select[Any]:
    keys = [facts.c[column] for column in columns]
    by_hours = (case((facts.c.handled_hours.is_(None), 1), else_=0), facts.c.handled_hours)
    ranked = select(
        facts,
        func.row_number().over(partition_by=keys, order_by=by_hours).label("place"),
        func.count(facts.c.handled_hours).over(partition_by=keys).label("known"),
    ).subquery()
    grouped = [ranked.c[column] for column in columns]
    padding = [type_coerce(null(), String) for _ in range(width - len(columns))]
    labelled = [key.label(f"key{at}") for at, key in enumerate([*grouped, *padding])]
    named = literal(name, String).label("table")
    return select(named, *labelled, *_measures(ranked)).group_by(*grouped)


def hot_spots(tx: Session, asked: Asked, *seen: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Where complaints grew most, by category, product and place, against the period of the same length before.

    `growth` is None where there were none before; `peak_on` is the day with the most.
    """
    keys = [_F[name] for name in _PLACE]
    is_now = _F.received_at >= asked.start
    now, before = _count_if(is_now), _count_if(~is_now)
    found = tx.execute(
        select(*keys, now.label("complaints"), before.label("before"))
        .where(*within(asked.with_before), *seen)
        .group_by(*keys)
        .having(now > before)
        .order_by((now - before).desc(), now.desc(), *(_nulls_last(each) for each in keys))
        .limit(HOT_SPOTS)
    )
    spots = [dict(line._mapping) for line in found]
    peaks = _peaks(tx, asked, *seen) if spots else {}
    for spot in spots:
        spot["growth"] = _share(spot["complaints"] - spot["before"], spot["before"])
        key = tuple(spot[name] for name in _PLACE)
        spot["peak"], spot["peak_on"] = peaks.get(key, (None, None))  # None: it was classified anew meanwhile
    return spots


def causes(tx: Session, asked: Asked, *seen: ColumnElement[bool]) -> list[dict[str, Any]]:
    """How many closed complaints had which cause, by month of receipt (rule F4)."""
    keys = [_F.month, _F.cause_code]
    found = tx.execute(
        select(*keys, func.count().label("complaints"))
        .where(*within(asked), *seen, _F.closed_at.is_not(None), _F.withdrawn == 0)
        .group_by(*keys)
        .order_by(_F.month, func.count().desc(), _nulls_last(_F.cause_code))
    )
    return [dict(line._mapping) for line in found]


def complaint_rate(
    tx: Session, asked: Asked, subscribers: Subscribers, *seen: ColumnElement[bool], home: Part | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """Complaints per million users by region and month (rule F1).

    Args:
        home: what `seen` leaves of the country. A region that is not counted as a whole has no rate.

    Returns:
        The rows (of provinces, and of cities that the subscribers file knows; city None for a whole province),
        and the months and regions with complaints or users for which the file says nothing: no rate is guessed.
    """
    keys = [_F.month, _F.province, _F.city]
    counted = (
        select(*keys, func.count()).where(*within(asked), *seen, _F.province.is_not(None)).group_by(*keys)
    )
    numbers: dict[tuple[str, str, str], int] = {}
    for line in tx.execute(counted):
        month, province, city, count = list(line)
        for part in {"", city or ""}:
            numbers[month, province, part] = numbers.get((month, province, part), 0) + int(count)
    known = subscribers.regions()
    limits = [asked.part, home or Part()]
    regions = [
        region
        for region in sorted({*known, *((province, "") for _, province, _ in numbers)})
        if all(_is_counted_whole(*region, part) for part in limits)
    ]
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


def _is_counted_whole(province: str, city: str, part: Part) -> bool:
    """Whether all complaints of a region (city empty: the whole province) lie in the part that is counted."""
    if part.branch:
        return False
    return part.province in {"", province} and part.city in {"", city}


def policies(tx: Session, asked: Asked, *seen: ColumnElement[bool]) -> set[str]:
    """The policies that complaints of the period have."""
    return set(tx.scalars(select(_F.policy).where(*within(asked), *seen).distinct()))


def _facts(
    asked: Asked, columns: Sequence[str], windows: Windows, now: datetime, *seen: ColumnElement[bool]
) -> Select[Any]:
    return select(
        *(_F[name] for name in columns),
        func.coalesce(_F.incident, _F.number).label("case_number"),
        _F.satisfaction,
        _F.is_solved,
        _F.withdrawn,
        _F.handled_hours,
        on_time(now).label("on_time"),
        case((is_repeat(windows), 1), else_=0).label("is_repeat"),
        case((_F.reopened > 0, 1), else_=0).label("is_reopened"),
    ).where(*within(asked), *seen)


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


def _row(
    found: Mapping[str, Any], keys: Sequence[Any], columns: Sequence[str], *, knows_repeats: bool
) -> dict[str, Any]:
    number = {name: int(found[name] or 0) for name in _COUNTS}
    hours = found["median_hours"]
    return {
        **dict(zip(columns, keys, strict=True)),
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
        "recurrence": _share(number["repeats"], number["complaints"]) if knows_repeats else None,
        "reopened": number["reopened"],
        "reopened_share": _share(number["reopened"], number["complaints"]),
        "median_hours": round(float(hours), 2) if hours is not None else None,
    }


def _peaks(
    tx: Session, asked: Asked, *seen: ColumnElement[bool]
) -> dict[tuple[str | None, ...], tuple[int, str]]:
    """The day with the most, the earliest of equals, by category, product and place: (how many, the day)."""
    keys = [_F[name] for name in _PLACE]
    counted = select(*keys, _F.day, func.count()).where(*within(asked), *seen).group_by(*keys, _F.day)
    found: dict[tuple[str | None, ...], tuple[int, str]] = {}
    for *place, day, count in tx.execute(counted.order_by(_F.day)):
        if count > found.get(tuple(place), (0, ""))[0]:
            found[tuple(place)] = count, day
    return found


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _nulls_last(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Both databases in the same order: SQLite would put null first."""
    return key.asc().nulls_last()


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
