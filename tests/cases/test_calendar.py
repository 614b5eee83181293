"""Deadlines as instants (rules A9, B1): clock time, working days and hours, holidays and make-up days."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases.calendar import WorkingCalendar, read_hours
from workers.errors import Broken
from workers.names import SHANGHAI

HOURS = read_hours([["08:30", "12:00"], ["13:30", "17:30"]])
CALENDAR = WorkingCalendar(HOURS)


def at(text: str) -> datetime:
    """An instant on the wall in Shanghai, e.g. 2026-02-13 10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("amount", "due"),
    [
        ("PT24H", "2026-02-14 10:00:30"),
        ("PT48H", "2026-02-15 10:00:30"),
        ("PT72H", "2026-02-16 10:00:30"),
        ("P3D", "2026-02-16 10:00:30"),
        ("P1W", "2026-02-20 10:00:30"),
        ("PT90M", "2026-02-13 11:30:30"),
        ("PT0.5H", "2026-02-13 10:30:30"),
    ],
)
def test_a9_clock_time_runs_through_nights_and_holidays(amount: str, due: str) -> None:
    assert CALENDAR.due_at(at("2026-02-13 10:00:30"), amount, "clock") == at(due)


@pytest.mark.parametrize(
    ("start", "amount", "due", "why"),
    [
        ("2026-11-16 09:00", "P1WD", "2026-11-17 17:30", "the day itself is not counted"),
        ("2026-11-16 23:59", "P2WD", "2026-11-18 17:30", "late is still that day"),
        ("2026-11-16 09:00", "P5WD", "2026-11-23 17:30", "over a weekend"),
        ("2026-11-21 09:00", "P1WD", "2026-11-23 17:30", "from a Saturday"),
        (
            "2026-02-13 09:00",
            "P1WD",
            "2026-02-14 17:30",
            "the Saturday before Spring Festival makes up for it",
        ),
        ("2026-02-13 09:00", "P2WD", "2026-02-24 17:30", "then nine days of Spring Festival"),
        ("2026-02-13 09:00", "P5WD", "2026-02-27 17:30", "the week after"),
        ("2026-02-13 09:00", "P6WD", "2026-02-28 17:30", "and its Saturday makes up as well"),
        ("2026-09-30 09:00", "P1WD", "2026-10-08 17:30", "National Day"),
        ("2026-09-30 09:00", "P3WD", "2026-10-10 17:30", "the Saturday after it is worked"),
        ("2025-12-31 09:00", "P1WD", "2026-01-04 17:30", "New Year, and the Sunday that makes up"),
        ("2026-04-03 09:00", "P1WD", "2026-04-07 17:30", "Tomb-Sweeping Day on a Sunday, Monday free"),
        ("2026-11-16 09:00", "PT2WH", "2026-11-16 11:00", "within the morning"),
        ("2026-11-16 11:00", "PT2WH", "2026-11-16 14:30", "lunch is not counted"),
        ("2026-11-16 07:00", "PT8WH", "2026-11-17 09:00", "seven and a half hours a day"),
        ("2026-11-16 08:30", "PT3WH", "2026-11-16 11:30", "from the opening"),
        ("2026-11-16 12:30", "PT1WH", "2026-11-16 14:30", "from lunch"),
        ("2026-11-16 18:00", "PT1WH", "2026-11-17 09:30", "after hours"),
        ("2026-11-20 17:00", "PT1WH", "2026-11-23 09:00", "over a weekend"),
        ("2026-11-16 16:30", "PT1WH", "2026-11-16 17:30", "to the last second of the day"),
        ("2026-02-14 17:00", "PT1WH", "2026-02-24 09:00", "over Spring Festival"),
    ],
)
def test_working_time(start: str, amount: str, due: str, why: str) -> None:
    assert CALENDAR.due_at(at(start), amount, "working") == at(due), why


def test_a_day_begins_in_shanghai() -> None:
    start = datetime.fromisoformat("2026-11-16T16:30:00+00:00")  # already the 17th there
    assert CALENDAR.due_at(start, "P1WD", "working") == at("2026-11-18 17:30")


def test_instants_are_whole_seconds_in_shanghai() -> None:
    start = datetime.fromisoformat("2026-11-16T01:00:00.900+00:00")
    assert CALENDAR.due_at(start, "PT24H", "clock").isoformat() == "2026-11-17T09:00:00+08:00"


@pytest.mark.parametrize(("start", "amount"), [("2026-12-30 09:00", "P2WD"), ("2026-12-31 17:00", "PT4WH")])
def test_a_year_whose_holidays_are_not_known_is_never_guessed(start: str, amount: str) -> None:
    known = WorkingCalendar(HOURS).due_at(at("2026-12-30 09:00"), "P1WD", "working")
    assert known == at("2026-12-31 17:30")

    def only_2026(day):  # type: ignore[no-untyped-def]
        if day.year != 2026:
            raise Broken(f"the holidays of {day.year} are not known")
        return True

    with pytest.raises(Broken, match="2027"):
        WorkingCalendar(HOURS, only_2026).due_at(at(start), amount, "working")


def test_the_library_s_own_limit_is_told() -> None:
    with pytest.raises(Broken, match="holidays of 2003"):
        CALENDAR.due_at(at("2003-06-02 09:00"), "P1WD", "working")
    with pytest.raises(Broken, match="holidays of 2099"):
        CALENDAR.due_at(at("2099-06-02 09:00"), "PT1WH", "working")


@pytest.mark.parametrize(
    ("amount", "calendar"),
    [
        ("P5WD", "clock"),
        ("PT24H", "working"),
        ("PT8WH", "clock"),
        ("P0WD", "working"),
        ("PT0WH", "working"),
        ("PT0H", "clock"),
        ("-PT1H", "clock"),
        ("P1M", "clock"),
        ("P1Y", "clock"),
        ("24h", "clock"),
        ("", "clock"),
        ("", "working"),
        ("PT24H", "lunar"),
        ("P999999999D", "clock"),
        ("P5WD ", "working"),
        (24, "working"),
        (None, "clock"),
    ],
)
def test_what_a_table_must_not_say(amount: Any, calendar: str) -> None:
    with pytest.raises(Broken):
        CALENDAR.due_at(at("2026-11-16 09:00"), amount, calendar)


def test_no_zone_and_no_hours_are_told() -> None:
    with pytest.raises(Broken, match="zone"):
        CALENDAR.due_at(datetime(2026, 11, 16, 9), "PT1H", "clock")  # noqa: DTZ001
    with pytest.raises(Broken, match="working hours"):
        WorkingCalendar().due_at(at("2026-11-16 09:00"), "P1WD", "working")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        {},
        None,
        5,
        ["08:30"],
        [["08:30"]],
        [["12:00", "08:30"]],
        [["08:30", "12:00"], ["12:00", "17:30"]],
        [["x", "y"]],
    ],
)
def test_working_hours_that_are_none(rows: object) -> None:
    with pytest.raises(Broken, match="working hours"):
        read_hours(rows)


def test_shares_of_a_deadline() -> None:
    start, due = at("2026-11-16 09:00"), at("2026-11-17 09:00")
    assert CALENDAR.share(start, due, 0.5) == at("2026-11-16 21:00")
    assert CALENDAR.share(start, due, 0.75) == at("2026-11-17 03:00")
    assert CALENDAR.share(start, due, 0) == start
    assert CALENDAR.share(start, due, 1) == due
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(Broken, match="share"):
            CALENDAR.share(start, due, wrong)
    with pytest.raises(Broken, match="share"):
        CALENDAR.share(due, start, 0.5)


starts = st.integers(0, 880 * 24 * 3600).map(lambda seconds: at("2024-01-01") + timedelta(seconds=seconds))
amounts = st.tuples(st.sampled_from(["P{}WD", "PT{}WH"]), st.integers(1, 60))


@given(starts, starts, amounts)
def test_who_starts_later_is_due_no_earlier(one: datetime, other: datetime, amount: tuple[str, int]) -> None:
    early, late = sorted([one, other])
    text = amount[0].format(amount[1])
    assert CALENDAR.due_at(early, text, "working") <= CALENDAR.due_at(late, text, "working")


@given(starts, amounts)
def test_more_time_is_due_later_and_always_when_people_work(start: datetime, amount: tuple[str, int]) -> None:
    template, count = amount
    due = CALENDAR.due_at(start, template.format(count), "working")
    assert start < due < CALENDAR.due_at(start, template.format(count + 1), "working")
    assert any(opens <= due.time() <= closes for opens, closes in HOURS)


@given(starts, st.integers(1, 40), st.integers(1, 40))
def test_working_hours_add_up(start: datetime, first: int, second: int) -> None:
    halfway = CALENDAR.due_at(start, f"PT{first}WH", "working")
    assert CALENDAR.due_at(halfway, f"PT{second}WH", "working") == CALENDAR.due_at(
        start, f"PT{first + second}WH", "working"
    )


@given(starts, st.floats(0, 1), st.floats(0, 1))
def test_shares_are_in_order(start: datetime, one: float, other: float) -> None:
    due = start + timedelta(hours=48)
    early, late = sorted([one, other])
    begin = start.replace(microsecond=0)
    assert begin <= CALENDAR.share(start, due, early) <= CALENDAR.share(start, due, late) <= due
