"""How running complaints stand: counted by the database as one case is judged in Python."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from tests.store.rows import HOUR, NOON, put
from workers.cases.part import Part
from workers.cases.region import Region
from workers.errors import Refused
from workers.store import deadlines, overview, standing
from workers.store.database import Database
from workers.store.sight import Sight
from workers.store.tables import Complaint, Deadline
from workers.store.urgency import WORDS, has_urgency, is_running, urgency


def due(database: Database, number: str, hours: float, kind: str = "result") -> None:
    with database.begin() as tx:
        deadlines.put(tx, number, kind, NOON + hours * HOUR)


def next_due(database: Database, number: str) -> Any:
    with database.read() as tx:
        return tx.scalar(select(Complaint.next_due_at).where(Complaint.number == number))


def test_A9_the_next_deadline_follows_what_is_decided_met_and_extended(database: Database) -> None:
    """Whoever writes a deadline: the complaint knows the earliest that is not met."""
    put(database, "A")
    put(database, "B")
    assert next_due(database, "A") is None
    due(database, "A", 48)
    due(database, "A", 24, "preliminary")
    assert next_due(database, "A") == NOON + 24 * HOUR
    with database.begin() as tx:
        deadlines.mark_met(tx, "A", "preliminary", NOON)
    assert next_due(database, "A") == NOON + 48 * HOUR
    with database.begin() as tx:
        tx.get_one(Deadline, ("A", "result")).due_at += timedelta(hours=5)
    assert next_due(database, "A") == NOON + 53 * HOUR
    with database.begin() as tx:
        tx.execute(delete(Deadline).where(Deadline.number == "A", Deadline.kind == "result"))
    assert (next_due(database, "A"), next_due(database, "B")) == (None, None)


def test_D8_the_database_finds_the_urgency_that_one_case_shows(database: Database) -> None:
    """Two hundred cases of all ages: word by word as `urgency` says it, at every boundary."""
    dice = random.Random(3)
    for each in range(200):
        received = NOON - dice.choice((0, 1, 3, 9, 30)) * HOUR
        put(database, f"N{each:03}", received_at=received, status=dice.choice(("accepted", "in-progress")))
        if dice.random() < 0.9:
            due(database, f"N{each:03}", dice.choice((-9, -1, 0, 1, 3, 10, 40)))
    with database.read() as tx:
        rows = list(tx.execute(select(Complaint.received_at, Complaint.next_due_at)))
        wanted = Counter(urgency(received, at, NOON)[0] for received, at in rows)
        found = standing.total(tx, NOON)
        counted = {word: getattr(found, word.replace("-", "_")) for word in WORDS}
        listed = {
            word: len(tx.scalars(select(Complaint.number).where(is_running(), has_urgency(word, NOON))).all())
            for word in WORDS
        }
    assert counted == listed == {word: wanted[word] for word in WORDS}
    assert min(counted.values()) > 0


@pytest.fixture
def placed(database: Database) -> Database:
    """Five that are handled in two provinces, one of them nobody's, and two that are over."""
    for number, province, city, group, owner, hours in (
        ("A", "浙江省", "杭州市", "billing", "li.na", -1),
        ("B", "浙江", "杭州", "billing", "wang.fang", 40),
        ("C", "浙江", "宁波市", "callback", None, -2),
        ("D", "江苏省", None, None, None, 40),
        ("E", None, None, None, None, None),
    ):
        put(
            database,
            number,
            province=province,
            city=city,
            owner_group=group,
            owner_person=owner,
            received_at=NOON - 4 * HOUR,
        )
        if hours is not None:
            due(database, number, hours)
    put(database, "F", status="closed", closed_at=NOON, province="浙江", city="杭州")
    put(database, "G", status="withdrawn", closed_at=NOON, province="江苏")
    return database


def test_B10_places_are_counted_under_one_name_and_only_what_is_seen(placed: Database) -> None:
    """浙江 and 浙江省 are one; somebody of Hangzhou counts Hangzhou, and the places that nobody knows below it."""
    with placed.read() as tx:
        country = standing.by_place(tx, NOON, Part())
        cities = standing.by_place(tx, NOON, Part("浙江"))
        here = Sight(_Seat()).covers(Complaint)
        mine = standing.by_place(tx, NOON, Part("浙江"), here)
        nobody = standing.by_place(tx, NOON, Part("浙江", "杭州", "西湖"))
    assert [(each.key, each.running, each.overdue) for each in country] == [
        ("浙江", 3, 2),
        ("江苏", 1, 0),
        (None, 1, 0),
    ]
    assert [(each.key, each.on_time, each.overdue) for each in cities] == [("杭州", 1, 1), ("宁波", 0, 1)]
    assert [each.key for each in mine] == ["杭州"]
    assert nobody == []


def test_A11_departments_persons_and_statuses(placed: Database) -> None:
    """Who has them; what nobody has comes last."""
    with placed.read() as tx:
        found = overview.overview(tx, NOON)
        narrowed = overview.overview(tx, NOON, Part("浙江", "杭州"))
    assert [(each.key, each.running) for each in found.groups] == [("billing", 2), ("callback", 1), (None, 2)]
    assert [(each.key, each.overdue) for each in found.owners] == [
        ("li.na", 1),
        ("wang.fang", 0),
        (None, 1),
    ]
    assert found.statuses == {"received": 5, "accepted": 0, "in-progress": 0, "resolved": 0}
    assert [line.number for line in found.first][:2] == ["C", "A"]
    assert narrowed.total.running == 2
    assert narrowed.statuses["received"] == 2


class _Seat:
    name = "chen.jing"
    groups = frozenset({"branch-management"})
    region = Region(province="浙江省", city="杭州市")


class TestPart:
    def test_a_part_is_called_by_its_shortest_names(self) -> None:
        part = Part.parse("浙江省", "杭州市", "")
        assert part == Part("浙江", "杭州")
        assert [each.name for each in part.path()] == ["", "浙江", "杭州"]
        assert part.next_level == "branch"
        assert part.within("西湖分公司") == Part("浙江", "杭州", "西湖")
        assert part.within(None).next_level is None

    @pytest.mark.parametrize(
        "names", [("", "杭州", ""), ("浙江", "", "西湖"), ("浙" * 65, "", ""), ("a\nb", "", "")]
    )
    def test_what_is_no_part_is_refused(self, names: tuple[str, str, str]) -> None:
        """Two cities may have a branch of one name: a branch alone is nowhere."""
        with pytest.raises(Refused):
            Part.parse(*names)
