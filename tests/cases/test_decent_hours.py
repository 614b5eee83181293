"""Calls at decent hours (rules A8, C8): no nights, no holidays unless the customer asked for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases.calendar import WorkingCalendar
from workers.cases.decent_hours import decent_at
from workers.errors import Broken
from workers.names import SHANGHAI

CALENDAR = WorkingCalendar()


def at(text: str) -> datetime:
    """An instant on the wall in Shanghai, e.g. 2026-02-13 10:00."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def called(wanted: datetime, *, on_holidays: bool = False, calendar: WorkingCalendar = CALENDAR) -> datetime:
    return decent_at(wanted, "09:00", "20:00", on_holidays=on_holidays, calendar=calendar)


@pytest.mark.parametrize(
    ("wanted", "call", "why"),
    [
        ("2026-11-16 10:15:30", "2026-11-16 10:15:30", "a Monday by day: at once"),
        ("2026-11-16 09:00", "2026-11-16 09:00", "from the first second"),
        ("2026-11-16 19:59:59", "2026-11-16 19:59:59", "to the last second"),
        ("2026-11-16 20:00", "2026-11-17 09:00", "then the next morning"),
        ("2026-11-16 23:30", "2026-11-17 09:00", "not at night"),
        ("2026-11-17 03:00", "2026-11-17 09:00", "not before the morning"),
        ("2026-11-20 21:00", "2026-11-23 09:00", "not at the weekend"),
        ("2026-11-21 12:00", "2026-11-23 09:00", "from a Saturday to Monday"),
        ("2026-02-13 21:00", "2026-02-14 09:00", "the Saturday before Spring Festival is worked"),
        ("2026-02-14 21:00", "2026-02-24 09:00", "then nine days of Spring Festival"),
        ("2026-09-30 20:30", "2026-10-08 09:00", "National Day"),
    ],
)
def test_c8_a_call_is_made_at_decent_hours(wanted: str, call: str, why: str) -> None:
    """Nobody is called at night or on a day without work."""
    assert called(at(wanted)) == at(call), why


@pytest.mark.parametrize(
    ("wanted", "call"),
    [
        ("2026-11-20 21:00", "2026-11-21 09:00"),
        ("2026-02-17 12:00", "2026-02-17 12:00"),
        ("2026-02-17 03:00", "2026-02-17 09:00"),
        ("2099-10-01 12:00", "2099-10-01 12:00"),
    ],
)
def test_c8_who_asked_for_it_is_called_on_holidays_but_not_at_night(wanted: str, call: str) -> None:
    """The holidays are not even looked up: a year that isn't known is no hindrance."""
    assert called(at(wanted), on_holidays=True) == at(call)


def test_instants_of_other_zones_and_parts_of_a_second() -> None:
    """16:00 in London is midnight in Shanghai; a fraction is rounded up, never to before."""
    assert called(datetime.fromisoformat("2026-11-16T16:00:00+00:00")) == at("2026-11-17 09:00")
    assert called(datetime.fromisoformat("2026-11-16T02:00:00.250+00:00")) == at("2026-11-16 10:00:01")
    assert called(datetime.fromisoformat("2026-11-16T11:59:59.250+00:00")) == at("2026-11-17 09:00")


def test_a_year_whose_holidays_are_not_known_is_never_guessed() -> None:
    with pytest.raises(Broken, match="holidays of 2099"):
        called(at("2099-06-02 12:00"))
    with pytest.raises(Broken, match="no working day"):
        called(at("2026-06-02 12:00"), calendar=WorkingCalendar(workday=lambda _: False))


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [
        ("20:00", "09:00"),
        ("09:00", "09:00"),
        ("9", "20:00"),
        ("", ""),
        (None, "20:00"),
        ("09:00+08:00", "20:00"),
    ],
)
def test_what_a_table_must_not_say(earliest: Any, latest: Any) -> None:
    with pytest.raises(Broken, match="hours"):
        decent_at(at("2026-11-16 12:00"), earliest, latest, on_holidays=False, calendar=CALENDAR)


def test_no_zone_is_told() -> None:
    with pytest.raises(Broken, match="zone"):
        called(datetime(2026, 11, 16, 9))  # noqa: DTZ001


@given(
    st.integers(0, 880 * 24 * 3600).map(lambda seconds: at("2024-01-01") + timedelta(seconds=seconds)),
    st.booleans(),
)
def test_every_call_is_decent_and_none_is_early(wanted: datetime, on_holidays: bool) -> None:
    """And a decent instant stays as it is: asked twice, answered the same."""
    call = called(wanted, on_holidays=on_holidays)
    assert wanted <= call
    assert 9 <= call.hour < 20
    assert on_holidays or CALENDAR.is_workday(date(call.year, call.month, call.day))
    assert called(call, on_holidays=on_holidays) == call
