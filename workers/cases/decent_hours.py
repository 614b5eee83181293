"""When a person may be called: not at night, and on holidays only who asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Final

from workers.cases.calendar import WorkingCalendar
from workers.errors import Broken
from workers.names import SHANGHAI

_FURTHEST_DAYS: Final = 366
"""A calendar without a working day in a year is broken, and is not searched for ever."""


def decent_at(
    wanted: datetime, earliest: str, latest: str, *, on_holidays: bool, calendar: WorkingCalendar
) -> datetime:
    """The first instant at or after `wanted` at which a person may be called.

    Args:
        wanted: zone-aware; when the call would be made without this rule.
        earliest: first time of the day in Asia/Shanghai at which a call is decent, e.g. "09:00".
        latest: from then on no longer, e.g. "20:00"; the same day, after `earliest`.
        on_holidays: this person may be called on days without work, too.
        calendar: knows weekends, holidays and the working days that make up for them.

    Returns:
        Whole seconds in Asia/Shanghai, never before `wanted`.

    Raises:
        Broken: the hours are no times of a day in order, `wanted` has no zone, or the holidays of the year
            aren't known.
    """
    opens, closes = _times(earliest, latest)
    if wanted.tzinfo is None:
        raise Broken("a call needs an instant with a zone")
    asked = _whole_seconds(wanted.astimezone(SHANGHAI))
    for day in _days(asked.date()):
        begin = max(asked, datetime.combine(day, opens, SHANGHAI))
        if begin < datetime.combine(day, closes, SHANGHAI) and (on_holidays or calendar.is_workday(day)):
            return begin
    raise Broken(f"the calendar has no working day within {_FURTHEST_DAYS} days after {asked.date()}")


def _times(earliest: str, latest: str) -> tuple[time, time]:
    try:
        opens, closes = time.fromisoformat(earliest), time.fromisoformat(latest)
    except (TypeError, ValueError) as error:
        raise Broken(
            f"{earliest!r} to {latest!r} are no hours; write times such as 09:00 and 20:00"
        ) from error
    if opens.tzinfo or closes.tzinfo or opens >= closes:
        raise Broken(f"{earliest!r} to {latest!r} are no hours of one day in order, without a zone")
    return opens, closes


def _whole_seconds(instant: datetime) -> datetime:
    """Rounded up: never before the instant."""
    return instant.replace(microsecond=0) + timedelta(seconds=bool(instant.microsecond))


def _days(first: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(_FURTHEST_DAYS))
