"""What somebody looks at on the overview: where, and at which days; and the addresses that lead from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query

from workers.cases.figures import PERIODS, Asked, Period
from workers.cases.part import UNKNOWN, Part
from workers.desk.caller import sight
from workers.errors import Refused
from workers.names import SHANGHAI

DEFAULT: Final[Period] = "last-30-days"
PERIOD_WORDS: Final[dict[Period, tuple[str, str]]] = {
    "today": ("今天", "Today"),
    "this-week": ("本周", "This week"),
    "this-month": ("本月", "This month"),
    "last-month": ("上月", "Last month"),
    "last-7-days": ("近 7 天", "7 days"),
    "last-30-days": ("近 30 天", "30 days"),
    "last-90-days": ("近 90 天", "90 days"),
    "this-year": ("今年", "This year"),
}
_ONE_DAY, _FEW_WEEKS = 31, 120
"""Days: up to the first a trend is drawn by day, up to the second by week, else by month."""


@dataclass(frozen=True)
class Looking:
    """Where, and at which days.

    Attributes:
        period: how the days are called; empty: chosen one by one.
        home: the part of the country that the person works in: nothing above it is offered.
    """

    asked: Asked
    period: Period | str
    home: Part

    @property
    def part(self) -> Part:
        """The part of the country."""
        return self.asked.part

    @property
    def step(self) -> str:
        """By what a trend is drawn: `day`, `week` or `month`."""
        days = (self.asked.last - self.asked.first).days + 1
        return "day" if days <= _ONE_DAY else "week" if days <= _FEW_WEEKS else "month"

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """(name, address) of the parts that this one lies in, the largest first; the largest is called "" for all."""
        depth = len(self.home.names)
        return [(part.name, self.overview(part=part)) for part in list(self.part.path())[depth:]]

    def overview(self, path: str = "/", *, part: Part | None = None, period: Period | None = None) -> str:
        """The address of an overview like this one, of another part or period, or in another form."""
        days: dict[str, str] = {"period": period or self.period}
        if not days["period"]:
            days = {"from": self.asked.first.isoformat(), "to": self.asked.last.isoformat()}
        elif days["period"] == DEFAULT:
            days = {}
        return _address(path, {**(part if part is not None else self.part).names, **days})

    def now(self, **more: str | None) -> str:
        """The list of the cases that are handled now, what is due first on top; `key=None`: where nobody knows it."""
        return _address("/complaints", {"status": "running", **self._place(more)})

    def cases(self, **more: str | None) -> str:
        """The list of the cases of the period."""
        days = {"from": self.asked.first.isoformat(), "to": self.asked.last.isoformat()}
        return _address("/complaints", {**days, **self._place(more)})

    def _place(self, more: dict[str, str | None]) -> dict[str, str]:
        given = {name: UNKNOWN if value is None else value for name, value in more.items()}
        return {**self.part.names, **given}


def looking_at(
    now: datetime, province: str, city: str, branch: str, period: str, first: str, last: str
) -> Looking:
    """Reads the address; nothing said: the person's own part of the country, the thirty days that end today.

    Raises:
        Refused: it names no place or no period.
    """
    today = now.astimezone(SHANGHAI).date()
    who = sight().bound
    home = Part.of(who.region) if who else Part()
    part = Part.parse(province, city, branch)
    if first or last:
        asked, period = Asked.parse(first or None, last or None, (), today), ""
    else:
        found = next((each for each in PERIODS if each == (period or DEFAULT)), None)
        if found is None:
            raise Refused("没有这个时段。 There is no such period.")
        asked, period = Asked.named(found, today), found
    return Looking(replace(asked, part=part if part.names else home), period, home)


def _address(path: str, given: dict[str, Any]) -> str:
    said = urlencode({name: value for name, value in given.items() if value})
    return f"{path}?{said}" if said else path


PlaceName = Annotated[str, Query(max_length=64)]
DayWord = Annotated[str, Query(max_length=10)]
