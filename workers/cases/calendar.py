"""Deadlines as instants: amounts on the clock, or Chinese working days and hours (rule A9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import chinese_calendar
import isodate

from workers.errors import Broken
from workers.names import SHANGHAI

CLOCK: Final = "clock"
WORKING: Final = "working"

_DAYS: Final = re.compile(r"P([1-9][0-9]{0,3})WD", re.ASCII)
_HOURS: Final = re.compile(r"PT([1-9][0-9]{0,4})WH", re.ASCII)

_SATURDAY: Final = 5

WorkingHours = Sequence[tuple[time, time]]
"""The spans of a working day, in order, none touching the next, e.g. 08:30-12:00 and 13:30-17:30."""


def read_hours(rows: object) -> WorkingHours:
    """Working hours from their JSON form: [["08:30", "12:00"], ["13:30", "17:30"]].

    Raises:
        Broken: they are no such list, or the spans are empty or out of order.
    """
    try:
        spans = [(time.fromisoformat(start), time.fromisoformat(end)) for start, end in rows]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise Broken(
            'working hours must be a list such as [["08:30", "12:00"], ["13:30", "17:30"]]'
        ) from error
    edges = [edge for span in spans for edge in span]
    if not edges or any(edge.tzinfo for edge in edges) or edges != sorted(set(edges)):
        raise Broken("working hours must be spans of a day in order, none empty or touching the next")
    return spans


def iso(instant: datetime) -> str:
    """An instant as a process variable: ISO 8601 to the second, with the offset of Shanghai."""
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds")


def is_workday(day: date) -> bool:
    """Whether people work on this day in China: holidays and make-up days as the State Council set them.

    Raises:
        Broken: the year's holidays aren't known to the library; they are never guessed.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError as error:
        raise Broken(
            f"the holidays of {day.year} are not known; install a chinesecalendar that has them, or "
            "write them into working-days.json beside the models, start again, then retry"
        ) from error


def read_years(document: object) -> Callable[[date], bool]:
    """Tells working days as the library does, and for more years as an operator wrote them down.

    Args:
        document: year -> {"holidays": days without work, "workdays": weekend days that make up for them}, each a list
            of dates such as "2027-01-01". Every other day of the year goes by the week.

    Raises:
        Broken: it is no such table, or a date is in another year than the one it is written under.
    """
    try:
        years = {
            int(year): tuple(
                {date.fromisoformat(day) for day in days[kind]} for kind in ("holidays", "workdays")
            )
            for year, days in document.items()  # type: ignore[attr-defined]
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Broken(
            'years must be a table such as {"2027": {"holidays": ["2027-01-01"], "workdays": []}}'
        ) from error
    if any(day.year != year for year, kinds in years.items() for days in kinds for day in days):
        raise Broken("a date is written under another year than its own")

    def tells(day: date) -> bool:
        if day.year not in years:
            return is_workday(day)
        holidays, workdays = years[day.year]
        return day in workdays or (day.weekday() < _SATURDAY and day not in holidays)

    return tells


class WorkingCalendar:
    """Counts time as policies do. All days begin and end in Asia/Shanghai; instants are whole seconds.

    Args:
        hours: spans of a working day; None: no deadline may be given in working time.
        workday: tells working days; for tests and for operators with a calendar of their own.
    """

    def __init__(
        self, hours: WorkingHours | None = None, workday: Callable[[date], bool] = is_workday
    ) -> None:
        self._hours = hours
        self._is_workday = workday

    def is_workday(self, day: date) -> bool:
        """Whether people work on this day. Raises Broken when the year's holidays aren't known."""
        return self._is_workday(day)

    def due_at(self, start: datetime, amount: str, calendar: str) -> datetime:
        """When an amount of time is over.

        - `clock`: an ISO 8601 duration, e.g. PT24H, P3D.
        - `working`: P5WD is the close of business on the fifth working day after the day of `start`, which
          itself isn't counted; PT8WH is when eight working hours have passed, counted from `start`.

        Args:
            start: zone-aware.
            amount: as written in the table.
            calendar: `clock` or `working`.

        Raises:
            Broken: the amount can't be read, isn't positive or doesn't go with the calendar; the calendar has
                another name; the holidays or working hours that are needed aren't known.
        """
        if start.tzinfo is None:
            raise Broken("a deadline needs a start with a zone")
        if not isinstance(amount, str):
            raise Broken("the amount of time for a deadline must be text such as PT24H or P5WD")
        start = start.astimezone(SHANGHAI).replace(microsecond=0)
        try:
            if calendar == CLOCK:
                return start + _clock_time(amount)
            if calendar == WORKING:
                return self._working(start, amount)
        except OverflowError as error:
            raise Broken(f"{amount!r} is too long for a deadline") from error
        raise Broken(f"{calendar!r} is no calendar; there are {CLOCK} and {WORKING}")

    def share(self, start: datetime, due: datetime, fraction: float) -> datetime:
        """When this fraction of the time between start and due has passed, on the clock; for warnings.

        Raises:
            Broken: the fraction isn't between 0 and 1, or due is before start.
        """
        if not 0 <= fraction <= 1 or due < start:
            raise Broken(f"{fraction!r} is no share of the time between two instants in order")
        passed = start.astimezone(SHANGHAI) + (due - start) * fraction
        return passed.replace(microsecond=0)

    def _working(self, start: datetime, amount: str) -> datetime:
        if days := _DAYS.fullmatch(amount):
            return self._after_days(start, int(days[1]))
        if hours := _HOURS.fullmatch(amount):
            return self._after_hours(start, timedelta(hours=int(hours[1])))
        raise Broken(f"{amount!r} is no working time; write P5WD for working days or PT8WH for working hours")

    def _after_days(self, start: datetime, count: int) -> datetime:
        for number, day in enumerate(self._workdays(start.date() + timedelta(days=1)), 1):
            if number == count:
                return datetime.combine(day, self._spans()[-1][1], SHANGHAI)
        raise AssertionError("the calendar has no last day")

    def _after_hours(self, start: datetime, left: timedelta) -> datetime:
        for day in self._workdays(start.date()):
            for opens, closes in self._spans():
                begin = max(start, datetime.combine(day, opens, SHANGHAI))
                end = datetime.combine(day, closes, SHANGHAI)
                if begin + left <= end:
                    return begin + left
                left -= max(end - begin, timedelta())
        raise AssertionError("the calendar has no last day")

    def _workdays(self, day: date) -> Iterator[date]:
        while True:
            if self._is_workday(day):
                yield day
            day += timedelta(days=1)

    def _spans(self) -> WorkingHours:
        if not self._hours:
            raise Broken("a deadline in working time needs working hours, and none are set")
        return self._hours


def _clock_time(amount: str) -> timedelta:
    try:
        found = isodate.parse_duration(amount)
    except (isodate.ISO8601Error, TypeError) as error:
        raise Broken(f"{amount!r} is no time on the clock; write PT24H or P3D") from error
    if not isinstance(found, timedelta):
        raise Broken(f"{amount!r} has months or years, whose length varies; write days")
    if found < timedelta(seconds=1):
        raise Broken(f"{amount!r} leaves no time")
    return found
