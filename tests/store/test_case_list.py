"""The list behind a figure shows what the figure counts, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from tests.store.rows import HOUR, NOON, put
from tests.store.test_figures import NOVEMBER, NOW, WINDOWS, kept  # noqa: F401  (a fixture)
from workers.cases.part import UNKNOWN, Part
from workers.store import deadlines, figures
from workers.store.case_list import CaseList, Wanted
from workers.store.database import Database
from workers.store.facts import Of


def numbers(database: Database, wanted: Wanted, limit: int = 50) -> list[str]:
    """All pages, one after the other."""
    found: list[str] = []
    with database.read() as tx:
        listed = CaseList(tx, wanted, NOW, WINDOWS)
        after = None
        while True:
            page = listed.page(after=after, limit=limit)
            assert len(page.lines) <= limit
            found += [line.number for line in page.lines]
            after = page.after
            if after is None:
                assert listed.count() == len(found)
                return found


@pytest.mark.parametrize(
    ("of", "behind"),
    [
        ("due", ["T5", "T4", "T3", "T2", "T1"]),
        ("in-time", ["T2", "T1"]),
        ("missed", ["T5", "T4", "T3"]),
        ("answered", ["T3", "T2", "T1"]),
        ("satisfied", ["T2", "T1"]),
        ("dissatisfied", ["T3"]),
        ("solved", ["T2", "T1"]),
        ("unsolved", ["T3"]),
        ("repeated", ["T1"]),
        ("reopened", ["T4", "T2"]),
        ("withdrawn", ["T7"]),
        ("ended", ["T8", "T3", "T2", "T1"]),
    ],
)
def test_A11_behind_a_figure_are_the_cases_that_it_counts(
    kept: Database,  # noqa: F811
    of: Of,
    behind: list[str],
) -> None:
    assert numbers(kept, Wanted(period=NOVEMBER, of=of)) == behind


def test_A11_every_count_of_a_row_is_as_long_as_its_list(kept: Database) -> None:  # noqa: F811
    """By city, also where nobody knows it: complaints, missed, reopened."""
    assert len(get_args(Of)) == 12  # a new one belongs into the test above
    with kept.read() as tx:
        rows = figures.rows(tx, NOVEMBER, ("province", "city"), WINDOWS, NOW)
    for row in rows:
        part = Part(row["province"] or UNKNOWN, row["city"] or UNKNOWN if row["province"] else "")
        wanted = Wanted(period=replace(NOVEMBER, part=part), part=part)
        assert len(numbers(kept, wanted)) == row["complaints"]
        assert len(numbers(kept, replace(wanted, of="missed"))) == row["missed"]
        assert len(numbers(kept, replace(wanted, of="reopened"))) == row["reopened"]
    assert len(rows) == 3


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_A9_what_is_due_first_comes_first_and_what_is_never_due_comes_last(
    database: Database, limit: int
) -> None:
    """Page after page, also with equal instants and at the border between the two."""
    for number, hours in (("A", 5), ("B", -1), ("C", None), ("D", 5), ("E", None)):
        put(database, number)
        if hours is not None:
            with database.begin() as tx:
                deadlines.put(tx, number, "result", NOON + hours * HOUR)
    assert numbers(database, Wanted(status="running", order="due"), limit) == ["B", "A", "D", "C", "E"]
    assert numbers(database, Wanted(status="running", order="new"), limit) == ["E", "D", "C", "B", "A"]


def test_B10_filters_narrow_together(database: Database) -> None:
    put(database, "A", category="other", owner_group="billing", status="in-progress")
    put(database, "B", category="other", status="in-progress")
    put(database, "C", owner_group="billing", status="closed", closed_at=NOON)
    assert numbers(database, Wanted(keys={"category": "other"})) == ["B", "A"]
    assert numbers(database, Wanted(keys={"category": "other", "group": UNKNOWN})) == ["B"]
    assert numbers(database, Wanted(keys={"group": "billing"}, status="closed")) == ["C"]
    assert numbers(database, Wanted(status="running", urgency="nothing-due")) == ["B", "A"]
    assert numbers(database, Wanted(number="a")) == ["A"]
    assert numbers(database, Wanted(number="%")) == []
