"""Who sees which cases: lists and single cases go by one rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest
from sqlalchemy import select

from tests.store.rows import NOON, put
from workers.cases.region import Region, is_within
from workers.store import rectifications, search, suggestions, timeline
from workers.store.database import Database
from workers.store.rectification_tables import Rectification
from workers.store.sight import EVERYTHING, Sight
from workers.store.tables import Complaint, Staff

PLACES: Final = {
    "TS20261122-000001": ("浙江", "杭州", "西湖"),
    "TS20261122-000002": ("浙江省", "杭州市", "余杭区"),
    "TS20261122-000003": ("浙江", "杭州", None),
    "TS20261122-000004": ("浙江", None, None),
    "TS20261122-000005": ("江苏", "南京", "鼓楼"),
    "TS20261122-000006": (None, None, None),
}
ALL: Final = [number[-1] for number in PLACES]


@dataclass(frozen=True)
class Seat:
    """Somebody who looks."""

    name: str
    region: Region
    groups: frozenset[str] | None = frozenset({"front-desk"})


def sight(province: str | None = None, city: str | None = None, branch: str | None = None) -> Sight:
    return Sight(Seat("lin.qiantai", Region(province=province, city=city, branch=branch)))


@pytest.fixture
def placed(database: Database) -> Database:
    """A complaint in each of the places; the one of Nanjing is nobody's yet."""
    for number, (province, city, branch) in PLACES.items():
        put(database, number, province=province, city=city, branch=branch, customer_name="王小明")
    return database


def listed(database: Database, seen: Sight) -> list[str]:
    with database.read() as tx:
        numbers = tx.scalars(select(Complaint.number).where(seen.shows(Complaint)).order_by(Complaint.number))
        return [number[-1] for number in numbers]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (EVERYTHING, ALL),
        (sight(), ALL),
        (Sight(Seat("li.na", Region(province="江苏"), None)), ALL),
        (sight("浙江"), ["1", "2", "3", "4", "6"]),
        (sight("浙江省", "杭州市"), ["1", "2", "3", "4", "6"]),
        (sight("浙江", "杭州", "西湖区"), ["1", "3", "4", "6"]),
        (sight("浙江", "宁波"), ["4", "6"]),
        (sight("江苏", "南京"), ["5", "6"]),
    ],
)
def test_a_list_shows_the_cases_of_the_persons_region_however_it_is_spelt(
    placed: Database, seen: Sight, expected: list[str]
) -> None:
    """A place that nobody knows belongs to everybody around it; the database and is_within agree."""
    assert listed(placed, seen) == expected
    with placed.read() as tx:
        assert [number[-1] for number in PLACES if seen.allows(tx, number)] == expected
    if seen.bound is not None:
        regions = {n: Region(province=p, city=c, branch=b) for n, (p, c, b) in PLACES.items()}
        assert [n[-1] for n, at in regions.items() if is_within(at, seen.bound.region)] == expected


def test_a_case_elsewhere_is_seen_by_who_owns_it_and_opened_by_who_worked_on_it(placed: Database) -> None:
    """Somebody who took part may look up how it went on; it does not fill their lists."""
    nanjing = "TS20261122-000005"
    seen = sight("浙江", "杭州")
    with placed.begin() as tx:
        timeline.add(
            tx, nanjing, NOON, "lin.qiantai", "task-completed", "task:1:completed", task="核实", form="f"
        )
    assert "5" not in listed(placed, seen)
    with placed.begin() as tx:
        assert seen.allows(tx, nanjing)
        assert not Sight(Seat("xu.qiantai", Region(province="浙江"))).allows(tx, nanjing)
        tx.get_one(Complaint, nanjing).owner_person = "xu.qiantai"
    owner = Sight(Seat("xu.qiantai", Region(province="浙江")))
    assert "5" in listed(placed, owner)
    with placed.read() as tx:
        assert owner.allows(tx, nanjing)


def test_what_hangs_on_a_case_is_seen_with_it(placed: Database) -> None:
    """Search, rectifications and suggestions of another region stay there; a suggestion of no case is for all."""
    with placed.begin() as tx:
        tx.add(Staff(username="li.na", name="李娜", groups=["g"]))
        tx.flush()
        for each in ("1", "5"):
            number = f"TS20261122-00000{each}"
            tx.add(
                Rectification(id=each, number=number, group="g", owner="li.na", opened_at=NOON, due_at=NOON)
            )
            suggestions.add(tx, f"建议{each}", "li.na", NOON, f"key-{each}", number=number)
        suggestions.add(tx, "建议", "li.na", NOON, "key", owner_group="front-desk")
        tx.get_one(Complaint, "TS20261122-000001").owner_person = None  # nobody's is not everybody's
    with placed.read() as tx:
        seen = sight("江苏")
        assert [each["number"][-1] for each in search.find(tx, "王小明", seen)] == ["6", "5"]
        assert [each.id for each in rectifications.page(tx, sight=seen)] == ["5"]
        assert {each.number for each in suggestions.listing(tx, sight=seen)} == {"TS20261122-000005", None}
        assert len(rectifications.page(tx)) == 2
        assert len(suggestions.listing(tx)) == 3


def test_a_number_that_nobody_has_is_not_hidden(database: Database) -> None:
    """Who asks for it is told that there is none."""
    with database.read() as tx:
        assert sight("浙江").allows(tx, "TS20261122-999999")
