"""What can be asked of the figures, and the subscribers that a rate is counted against (rules A11, F1)."""

from __future__ import annotations

import calendar
import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Final, Literal, get_args

from workers.cases.part import Part
from workers.cases.region import bare
from workers.errors import Refused
from workers.names import SHANGHAI

BY: Final[Mapping[str, tuple[str, ...]]] = {
    "month": ("month",),
    "week": ("week",),
    "day": ("day",),
    "category": ("category",),
    "product": ("product",),
    "province": ("province",),
    "city": ("province", "city"),
    "branch": ("province", "city", "branch"),
    "owner": ("owner",),
    "group": ("owner_group",),
    "policy": ("policy",),
    "channel": ("channel",),
    "cause": ("cause_code",),
}
"""Word of `--by` -> the columns of `complaint_facts` that it groups by. Two cities may have a branch of one name."""

TIMES: Final = ("month", "week", "day")

Period = Literal[
    "today",
    "this-week",
    "this-month",
    "last-month",
    "last-7-days",
    "last-30-days",
    "last-90-days",
    "this-year",
]
"""A period that is said from today; the days up to today, today included."""
PERIODS: Final[tuple[Period, ...]] = get_args(Period)
_LONGEST: Final = timedelta(days=3660)
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")


@dataclass(frozen=True)
class Asked:
    """A period of whole days in Asia/Shanghai, first and last included, what to group by, and where to look."""

    first: date
    last: date
    by: tuple[str, ...] = ("month",)
    part: Part = field(default_factory=Part)

    @classmethod
    def parse(cls, first: str | None, last: str | None, by: Sequence[str], today: date) -> Asked:
        """Reads what a person wrote.

        Args:
            first: a day (2026-11-01) or a month (2026-11); None: the first day of the month of the last.
            last: the same; None: today. Days to come are left out, so that the period before is as long.
            by: words of BY; none: by month.

        Raises:
            Refused: no such day, the wrong order, longer than ten years, or a word that BY does not have.
        """
        end = min(_day(last, is_last=True), today) if last else today
        start = _day(first, is_last=False) if first else end.replace(day=1)
        if not timedelta() <= end - start <= _LONGEST:
            raise Refused(
                f"the period from {start} to {end} is not one: --from comes first, ten years at most"
            )
        words = tuple(dict.fromkeys(by)) or ("month",)
        unknown = [word for word in words if word not in BY]
        if unknown:
            raise Refused(f"--by {' '.join(unknown)[:100]} is not known; there are {', '.join(BY)}")
        return cls(start, end, words)

    @classmethod
    def named(cls, period: Period, today: date) -> Asked:
        """A period by its name, e.g. the thirty days that end today."""
        match period:
            case "this-week":
                return cls(today - timedelta(days=today.weekday()), today)
            case "this-month":
                return cls(today.replace(day=1), today)
            case "last-month":
                last = today.replace(day=1) - timedelta(days=1)
                return cls(last.replace(day=1), last)
            case "this-year":
                return cls(today.replace(month=1, day=1), today)
        days = {"today": 1, "last-7-days": 7, "last-30-days": 30, "last-90-days": 90}[period]
        return cls(today - timedelta(days=days - 1), today)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to group by, each once."""
        return tuple(dict.fromkeys(column for word in self.by for column in BY[word]))

    @property
    def start(self) -> datetime:
        """Midnight at which it begins."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """Midnight at which it is over."""
        return _midnight(self.last + timedelta(days=1))

    @property
    def before(self) -> Asked:
        """The period of the same length before it."""
        length = self.last - self.first
        last = self.first - timedelta(days=1)
        return replace(self, first=last - length, last=last)

    @property
    def with_before(self) -> Asked:
        """Both together."""
        return replace(self, first=self.before.first)

    def months(self) -> list[str]:
        """The months that it touches, e.g. `2026-11`."""
        found, day = [], self.first.replace(day=1)
        while day <= self.last:
            found.append(f"{day:%Y-%m}")
            day = (day + timedelta(days=32)).replace(day=1)
        return found

    def cut_months(self) -> list[str]:
        """The months that it does not hold in full."""
        whole = calendar.monthrange(self.last.year, self.last.month)[1]
        cut = [f"{self.first:%Y-%m}"] if self.first.day > 1 else []
        cut += [f"{self.last:%Y-%m}"] if self.last.day < whole else []
        return sorted(set(cut))


@dataclass(frozen=True)
class Subscribers:
    """How many users there are, by (month, province, city); city is empty for a whole province."""

    users: Mapping[tuple[str, str, str], int] = field(default_factory=dict)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Subscribers:
        """Reads CSV with the columns month, province, city, users.

        Raises:
            Refused: a column is missing, a line says no month or number, or says the same twice; names the line.
        """
        reader = csv.DictReader(lines)
        lacking = {"month", "province", "city", "users"} - set(reader.fieldnames or ())
        if lacking:
            raise Refused(f"the subscribers file lacks the columns {', '.join(sorted(lacking))}")
        users: dict[tuple[str, str, str], int] = {}
        for row in reader:
            place = bare((row["province"] or "").strip()), bare((row["city"] or "").strip())
            key = ((row["month"] or "").strip(), *place)
            number = (row["users"] or "").strip()
            if not _MONTH.fullmatch(key[0]) or not place[0] or not number.isascii() or not number.isdigit():
                raise Refused(
                    f"line {reader.line_num} of the subscribers file is not month, province, city, users"
                )
            if key in users or int(number) == 0:
                raise Refused(
                    f"line {reader.line_num} of the subscribers file says no users, or a place a second time"
                )
            users[key] = int(number)
        return cls(users)

    def regions(self) -> list[tuple[str, str]]:
        """The provinces and cities that it knows, (province, city)."""
        return sorted({(province, city) for _, province, city in self.users})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), SHANGHAI)


def _day(text: str, *, is_last: bool) -> date:
    month = _MONTH.fullmatch(text)
    try:
        if month:
            year, number = int(month[1]), int(month[2])
            return date(year, number, calendar.monthrange(year, number)[1] if is_last else 1)
        return date.fromisoformat(text)
    except (ValueError, calendar.IllegalMonthError):
        raise Refused(f"{text[:40]!a} is neither a day (2026-11-01) nor a month (2026-11)") from None
