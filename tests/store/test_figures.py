"""Figures against a set counted by hand, on both databases (rules A11, E6, F1, F4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from workers.cases.figures import Asked, Period, Subscribers
from workers.cases.part import Part
from workers.errors import Refused
from workers.names import SHANGHAI
from workers.store import deadlines, figures, timeline
from workers.store.database import Database
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.tables import Complaint, Deadline

NOVEMBER = Asked(date(2026, 11, 1), date(2026, 11, 30), ("month",))
WINDOWS = {"petition": 30.0, "broadband": 10.0}
NOW = datetime(2026, 11, 30, 12, tzinfo=SHANGHAI)


def at(day: int, hour: int = 12, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=SHANGHAI)


def keep(database: Database, number: str, received: datetime, **columns: Any) -> None:
    """A complaint; `due` and `met` are hours after receipt, `reopened` how often."""
    due, met, reopened = columns.pop("due", None), columns.pop("met", None), columns.pop("reopened", 0)
    missed = columns.pop("missed", None)
    row = {
        "policy": "petition",
        "channel": "phone",
        "text": number,
        "customer_key": f"no:{number}",
        "category": "tariff-billing",
        "province": "浙江",
        "city": "杭州",
        **columns,
    }
    with database.begin() as tx:
        tx.add(Complaint(number=number, received_at=received, **row))
        tx.flush()
        if due is not None:
            deadlines.put(tx, number, "result", received + timedelta(hours=due))
        if met is not None:
            deadlines.mark_met(tx, number, "result", received + timedelta(hours=met))
        if missed is not None:
            deadlines.mark_missed(tx, number, received + timedelta(hours=missed))
        for count in range(reopened):
            timeline.add(tx, number, NOW, "duban", "reopened", f"{number}:reopened:{count}")


@pytest.fixture
def kept(database: Database) -> Database:
    """Eight complaints of November and one of October.

    In time: T1 (48 h allowed, 10 h), T2 (exactly 48 h). Late: T3 (50 h), T4 (open, marked), T5 (open, past, not
    marked yet). Not due yet: T6. Withdrawn: T7. T8 has no deadline. Hours: 10, 48, 50, and T8's end after 20.
    """
    closed = {"status": "closed", "closed_at": NOW}
    happy = {"satisfaction": "satisfied", "outcome": "solved"}
    sad = {"satisfaction": "dissatisfied", "outcome": "unsolved"}
    keep(database, "T0", at(31, 23, month=10), customer_key="no:1", **closed)
    keep(
        database,
        "T1",
        at(1, 0),
        customer_key="no:1",
        due=48,
        met=10,
        **closed,
        **happy,
        cause_code="training",
    )
    keep(database, "T2", at(2), due=48, met=48, reopened=2, **closed, **happy, cause_code="partner")
    keep(
        database,
        "T3",
        at(3),
        province="浙江省",
        city="杭州市",
        due=48,
        met=50,
        **closed,
        **sad,
        cause_code="partner",
    )
    keep(database, "T4", at(4), due=48, missed=48, category="service-quality", reopened=1)
    keep(database, "T5", at(5), due=48, category="service-quality", province="江苏", city="南京")
    keep(database, "T6", at(30, 11), due=48, category="service-quality", province=None, city=None)
    keep(database, "T7", at(6), due=48, status="withdrawn", closed_at=at(6, 13), outcome="withdrawn")
    no_answer = {"satisfaction": "no-answer", "outcome": "no-answer"}
    keep(
        database,
        "T8",
        at(30, 23),
        policy="other",
        status="closed",
        closed_at=at(30, 23) + timedelta(hours=20),
        **no_answer,
    )
    return database


def test_A11_shares_medians_and_counts(kept: Database) -> None:
    """In time, satisfied, solved, repeated, reopened, median: what counting by hand gives."""
    with kept.read() as tx:
        [total] = figures.rows(tx, NOVEMBER, (), WINDOWS, NOW)
    assert total == {
        "complaints": 8,
        "cases": 8,
        "withdrawn": 1,
        "due": 5,
        "missed": 3,
        "on_time": 0.4,
        "answered": 3,
        "satisfaction": 0.6667,
        "solved": 0.6667,
        "repeats": 1,
        "recurrence": 0.125,
        "reopened": 2,
        "reopened_share": 0.25,
        "median_hours": 34.0,
    }


def test_A11_months_begin_at_midnight_in_shanghai(kept: Database) -> None:
    """A complaint of 23:00 on 31 October and one of 0:00 on 1 November are of two months; in UTC they are not."""
    asked = Asked(date(2026, 10, 1), date(2026, 11, 30))
    with kept.read() as tx:
        found = figures.rows(tx, asked, ("month",), WINDOWS, NOW)
        days = figures.rows(tx, asked, ("day",), WINDOWS, NOW)
        weeks = figures.rows(tx, asked, ("week",), WINDOWS, NOW)
    assert [(row["month"], row["complaints"]) for row in found] == [("2026-10", 1), ("2026-11", 8)]
    assert [row["day"] for row in days][:2] == ["2026-10-31", "2026-11-01"]
    assert [(row["week"], row["complaints"]) for row in weeks] == [
        ("2026-10-26", 2),
        ("2026-11-02", 5),
        ("2026-11-30", 2),
    ]


def test_A11_places_are_counted_under_one_name(kept: Database) -> None:
    """浙江省 杭州市 and 浙江 杭州 are one place; an unknown place comes last."""
    with kept.read() as tx:
        found = figures.rows(tx, NOVEMBER, ("province", "city"), WINDOWS, NOW)
    assert [(row["province"], row["city"], row["complaints"]) for row in found] == [
        ("江苏", "南京", 1),
        ("浙江", "杭州", 6),
        (None, None, 1),
    ]
    assert (found[0]["on_time"], found[1]["on_time"], found[2]["on_time"]) == (0.0, 0.5, None)


@pytest.mark.parametrize(
    ("columns", "window", "repeats"),
    [
        ({}, 30.0, 1),
        ({}, 4.0, 0),
        ({"customer_key": "no:2"}, 30.0, 0),
        ({"category": "other"}, 30.0, 0),
        ({"category": "other", "text": "A"}, 30.0, 1),
        ({"product": "iptv"}, 30.0, 0),
        ({"policy": "nobody-knows"}, 30.0, 0),
    ],
)
def test_A11_recurrence_is_the_same_customer_with_the_same_problem(
    database: Database, columns: dict[str, Any], window: float, repeats: int
) -> None:
    """The window is the policy's; another customer, category or product is not the same problem."""
    keep(database, "A", at(1), customer_key="no:1", product="broadband")
    keep(database, "B", at(6), **{"customer_key": "no:1", "product": "broadband", **columns})
    with database.read() as tx:
        [total] = figures.rows(tx, NOVEMBER, (), {"petition": window}, NOW)
    assert total["repeats"] == repeats


def test_A11_a_withdrawn_complaint_is_not_repeated(database: Database) -> None:
    keep(database, "A", at(1), customer_key="no:1", status="withdrawn", closed_at=at(2))
    keep(database, "B", at(6), customer_key="no:1")
    with database.read() as tx:
        assert figures.rows(tx, NOVEMBER, (), WINDOWS, NOW)[0]["repeats"] == 0


def test_C6_an_extended_deadline_counts_as_extended(database: Database) -> None:
    """Met after the first deadline and before the extended one: in time."""
    keep(database, "A", at(1), due=48)
    with database.begin() as tx:
        deadline = tx.get_one(Deadline, ("A", "result"))
        deadline.extended_from, deadline.due_at = deadline.due_at, deadline.due_at + timedelta(hours=24)
        deadlines.mark_met(tx, "A", "result", at(1) + timedelta(hours=60))
    with database.read() as tx:
        assert figures.rows(tx, NOVEMBER, (), WINDOWS, NOW)[0]["on_time"] == 1.0


def test_E6_complaints_of_one_event_are_one_case(database: Database) -> None:
    """Three complaints, two of them tied to an event, one let go by it again: three complaints, two cases."""
    for number in ("A", "B", "C"):
        keep(database, number, at(5))
    with database.begin() as tx:
        tx.add(
            MajorIncident(
                number="SJ1", policy="petition", kind="network-outage", source="x", declared_at=at(5)
            )
        )
        tx.flush()
        for number, let_go in (("A", None), ("B", None), ("C", at(6))):
            tied = {"attached_at": at(5), "attached_by": "duban", "detached_at": let_go}
            tx.add(IncidentComplaint(complaint=number, incident="SJ1", **tied))
    with database.read() as tx:
        [total] = figures.rows(tx, NOVEMBER, (), WINDOWS, NOW)
    assert (total["complaints"], total["cases"]) == (3, 2)


@pytest.mark.parametrize(
    ("hours", "median"), [([], None), ([5], 5.0), ([1, 9], 5.0), ([9, 1, 3], 3.0), ([1, 2, 4, 100], 3.0)]
)
def test_A11_median(database: Database, hours: list[int], median: float | None) -> None:
    keep(database, "open", at(1), due=48)
    for each in hours:
        keep(database, f"H{each}", at(1), due=48, met=each)
    with database.read() as tx:
        assert figures.rows(tx, NOVEMBER, (), WINDOWS, NOW)[0]["median_hours"] == median


def test_A11_nothing_is_no_row(database: Database) -> None:
    with database.read() as tx:
        assert figures.rows(tx, NOVEMBER, (), WINDOWS, NOW) == []
        assert figures.rows(tx, NOVEMBER, ("month",), WINDOWS, NOW) == []
        assert figures.hot_spots(tx, NOVEMBER) == []


def test_A11_hot_spots_are_where_complaints_grew(database: Database) -> None:
    """Three after one is 200 % more; two after two is no hot spot; one after none has no rate of growth."""
    here = {"product": "broadband", "category": "service-quality"}
    for number, day, month in (("a", 5, 10), ("b", 3, 11), ("c", 3, 11), ("d", 9, 11)):
        keep(database, number, at(day, month=month), **here)
    for number, month in (("e", 10), ("f", 10), ("g", 11), ("h", 11)):
        keep(database, number, at(5, month=month), product="iptv")
    keep(database, "i", at(8), category=None)
    with database.read() as tx:
        first, second = figures.hot_spots(tx, NOVEMBER)
    place = {"province": "浙江", "city": "杭州", "branch": None}
    assert first == {
        **here,
        **place,
        "complaints": 3,
        "before": 1,
        "growth": 2.0,
        "peak_on": "2026-11-03",
        "peak": 2,
    }
    assert (second["category"], second["complaints"], second["growth"]) == (None, 1, None)


def test_F4_causes_of_closed_complaints_by_month(kept: Database) -> None:
    with kept.read() as tx:
        found = figures.causes(tx, NOVEMBER)
    assert [(row["cause_code"], row["complaints"]) for row in found] == [
        ("partner", 2),
        ("training", 1),
        (None, 1),
    ]


def test_F1_complaints_per_million_users(kept: Database) -> None:
    """By province and by the cities of the file; a month without users is named, not guessed."""
    file = [
        "month,province,city,users",
        "2026-11,浙江省,,2000000",
        "2026-11,浙江,杭州,500000",
        "2026-10,江苏,,1000",
    ]
    asked = Asked(date(2026, 10, 1), date(2026, 11, 30))
    with kept.read() as tx:
        rates, missing = figures.complaint_rate(tx, asked, Subscribers.parse(file))
    assert [(row["month"], row["province"], row["city"], row["per_million"]) for row in rates] == [
        ("2026-10", "江苏", None, 0.0),
        ("2026-11", "浙江", None, 3.0),
        ("2026-11", "浙江", "杭州", 12.0),
    ]
    assert [(each["month"], each["region"]) for each in missing] == [
        ("2026-11", "江苏"),
        ("2026-10", "浙江"),
        ("2026-10", "浙江 杭州"),
    ]


@pytest.mark.parametrize(
    ("part", "home", "regions"),
    [
        (Part("浙江"), None, [("浙江", None), ("浙江", "杭州")]),
        (Part("浙江", "杭州"), None, [("浙江", "杭州")]),
        (Part(), Part("浙江", "杭州"), [("浙江", "杭州")]),
        (Part("浙江", "杭州", "西湖"), None, []),
        (Part("浙江"), Part("江苏"), []),
    ],
)
def test_F1_a_region_of_which_only_a_part_is_counted_has_no_rate(
    kept: Database, part: Part, home: Part | None, regions: list[tuple[str, str | None]]
) -> None:
    """Complaints of one city over the users of the whole province would be a rate that flatters."""
    file = [
        "month,province,city,users",
        "2026-11,浙江,,2000000",
        "2026-11,浙江,杭州,500000",
        "2026-11,江苏,,1000",
    ]
    asked = replace(NOVEMBER, part=part)
    with kept.read() as tx:
        rates, _ = figures.complaint_rate(tx, asked, Subscribers.parse(file), home=home)
    assert [(row["province"], row["city"]) for row in rates] == regions


def test_A11_several_tables_count_the_same_complaints(kept: Database) -> None:
    """One look at them: each table is what it is by itself, and no known policy means no share of repeats."""
    wanted = {"total": (), "cities": ("province", "city"), "days": ("day",)}
    with kept.read() as tx:
        found = figures.tables(tx, NOVEMBER, wanted, WINDOWS, NOW)
        assert found == {
            name: figures.rows(tx, NOVEMBER, columns, WINDOWS, NOW) for name, columns in wanted.items()
        }
        [unknown] = figures.rows(tx, NOVEMBER, (), {}, NOW)
    assert sum(row["complaints"] for row in found["days"]) == found["total"][0]["complaints"] == 8
    assert unknown["recurrence"] is None


def test_B10_the_view_holds_nothing_personal(database: Database) -> None:
    """No name, number, address or text can get into a figure: the view has no such column."""
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("select * from complaint_facts").keys()
    personal = ("name", "phone", "email", "text", "customer", "impact", "contact")
    assert [each for each in found if any(word in each for word in personal)] == []


@pytest.mark.parametrize(
    "lines",
    [
        ["month,province,users"],
        ["month,province,city,users", "2026-1,浙江,,5"],
        ["month,province,city,users", "2026-01,浙江,,many"],
        ["month,province,city,users", "2026-01,浙江,,0"],
        ["month,province,city,users", "2026-01,浙江,,5", "2026-01,浙江省,,6"],
        ["month,province,city,users", "2026-01,,,5"],
    ],
)
def test_F1_a_subscribers_file_that_is_none_is_refused(lines: list[str]) -> None:
    with pytest.raises(Refused, match="subscribers file"):
        Subscribers.parse(lines)


class TestAsked:
    TODAY = date(2026, 11, 22)

    def test_a_month_is_its_first_and_last_day(self) -> None:
        asked = Asked.parse("2026-02", "2026-02", [], self.TODAY)
        assert (asked.first, asked.last, asked.by) == (date(2026, 2, 1), date(2026, 2, 28), ("month",))
        assert asked.start == datetime(2026, 1, 31, 16, tzinfo=UTC)
        assert asked.end == datetime(2026, 2, 28, 16, tzinfo=UTC)
        assert asked.cut_months() == []

    def test_nothing_is_this_month_until_today(self) -> None:
        asked = Asked.parse(None, None, ["city", "city", "branch"], self.TODAY)
        assert (asked.first, asked.last) == (date(2026, 11, 1), self.TODAY)
        assert asked.columns == ("province", "city", "branch")
        assert asked.cut_months() == ["2026-11"]
        assert (asked.before.first, asked.before.last) == (date(2026, 10, 10), date(2026, 10, 31))

    @pytest.mark.parametrize(
        ("period", "first", "last"),
        [
            ("today", TODAY, TODAY),
            ("this-week", date(2026, 11, 16), TODAY),
            ("this-month", date(2026, 11, 1), TODAY),
            ("last-month", date(2026, 10, 1), date(2026, 10, 31)),
            ("last-7-days", date(2026, 11, 16), TODAY),
            ("last-30-days", date(2026, 10, 24), TODAY),
            ("last-90-days", date(2026, 8, 25), TODAY),
            ("this-year", date(2026, 1, 1), TODAY),
        ],
    )
    def test_a_period_has_a_name(self, period: Period, first: date, last: date) -> None:
        """22 November 2026 is a Sunday: the last day of its week."""
        assert (Asked.named(period, self.TODAY).first, Asked.named(period, self.TODAY).last) == (first, last)

    def test_days_to_come_are_left_out(self) -> None:
        """Twenty-two days of November are compared with twenty-two days before them."""
        asked = Asked.parse("2026-11", "2026-11", [], self.TODAY)
        assert (asked.last, asked.before.first) == (self.TODAY, date(2026, 10, 10))

    @pytest.mark.parametrize(
        ("first", "last", "by"),
        [
            ("2026-11-02", "2026-11-01", []),
            ("2026-13", None, []),
            ("2026-02-30", None, []),
            ("yesterday", None, []),
            ("1900-01", None, []),
            (None, None, ["customer"]),
        ],
    )
    def test_what_is_no_period_is_refused(self, first: str, last: str, by: list[str]) -> None:
        with pytest.raises(Refused):
            Asked.parse(first, last, by, self.TODAY)
