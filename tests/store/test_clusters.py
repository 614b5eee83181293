"""A cluster is found in the data, once, however many workers look at it at the same instant (rules E6, E7, F2)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.store.rows import NOON, put
from workers.clock import MovedClock
from workers.store import complaints, incidents
from workers.store.database import Database
from workers.store.incident_tables import IncidentComplaint, MajorIncident
from workers.store.tables import EngineRequest
from workers.tasks.detect_cluster import detect_cluster

MINUTE = timedelta(minutes=1)
THRESHOLD = {
    "window": "PT1H",
    "count": 10,
    "place_level": "branch",
    "incident_kind": "cluster-complaints",
    "reassess_every": 10,
}
NONE = dict.fromkeys(THRESHOLD)


@pytest.fixture
def clock() -> Iterator[MovedClock]:
    yield MovedClock()


def complain(database: Database, first: int, last: int, **columns: Any) -> list[str]:
    """Complaints of one kind from one place, a second apart."""
    numbers = [f"TS20261122-{each:06}" for each in range(first, last + 1)]
    for place, number in enumerate(numbers):
        row = {"province": "浙江", "city": "杭州", "branch": "西湖", "product": "broadband"}
        row |= {"category": "service-quality", "status": "accepted"}
        put(database, number, **row | {"received_at": NOON + timedelta(seconds=place)} | columns)
    return numbers


def detect(database: Database, clock: MovedClock, numbers: list[str], threshold: Any = THRESHOLD) -> None:
    for number in numbers:
        detect_cluster(database, clock, number=number, cluster_threshold=threshold)


def events(database: Database) -> list[tuple[str, int]]:
    """Number and size of every event."""
    with database.read() as tx:
        return [(each.number, incidents.count(tx, each.number)) for each in incidents.page(tx)]


def test_E7_two_hundred_complaints_seen_by_sixteen_workers_at_once_are_one_event(
    database: Database, clock: MovedClock
) -> None:
    """Every complaint belongs to it, each is told once, and it is looked at again as it grows."""
    numbers = complain(database, 1, 200)
    twice = [*numbers, *reversed(numbers)]

    with ThreadPoolExecutor(16) as workers:
        list(workers.map(lambda number: detect(database, clock, [number]), twice))

    ((number, size),) = events(database)
    assert size == 200
    with database.read() as tx:
        owed = dict(tx.execute(select(EngineRequest.name, func.count()).group_by(EngineRequest.name)).all())
        assert owed["complaint-attached"] == 200
        assert owed["incident-declared"] == 1
        assert tx.scalar(select(func.count()).select_from(IncidentComplaint)) == 200
        event = tx.get_one(MajorIncident, number)
        assert (event.kind, event.source, event.branch) == ("cluster-complaints", "duban", "西湖")


def test_E7_workers_that_see_the_complaints_come_in_make_one_event(
    database: Database, clock: MovedClock
) -> None:
    """Each is looked at while others are still coming: those before the threshold are tied with it, later ones join."""
    numbers = complain(database, 1, 60)

    def arrive(number: str) -> None:
        detect(database, clock, [number])

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(arrive, numbers))

    assert [size for _, size in events(database)] == [60]


def test_E7_below_the_threshold_nothing_happens(database: Database, clock: MovedClock) -> None:
    detect(database, clock, complain(database, 1, 9))
    assert events(database) == []
    detect(database, clock, complain(database, 10, 10))
    assert [size for _, size in events(database)] == [10], "all of the window, not only the tenth"


@pytest.mark.parametrize(
    "other",
    [
        {"branch": "余杭"},
        {"product": "mobile"},
        {"category": "tariff-billing"},
        {"policy": "broadband"},
        {"received_at": NOON - timedelta(hours=2)},
        {"status": "withdrawn"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_E7_what_is_of_another_kind_or_place_or_time_does_not_count(
    database: Database, clock: MovedClock, other: dict[str, Any]
) -> None:
    numbers = complain(database, 1, 9)
    complain(database, 10, 10, **other)
    detect(database, clock, numbers)
    assert events(database) == []


def test_E7_a_place_is_the_same_however_people_write_it(database: Database, clock: MovedClock) -> None:
    complain(database, 1, 5, city="杭州市", branch="西湖分公司")
    detect(database, clock, complain(database, 6, 10))
    assert [size for _, size in events(database)] == [10]


def test_E7_a_complaint_from_nowhere_is_no_part_of_a_place(database: Database, clock: MovedClock) -> None:
    detect(database, clock, complain(database, 1, 12, province=None, city=None, branch=None))
    assert events(database) == []


def test_E7_a_table_without_a_window_finds_nothing_but_ties_to_what_is_open(
    database: Database, clock: MovedClock
) -> None:
    detect(database, clock, complain(database, 1, 12), NONE)
    assert events(database) == []
    detect(database, clock, complain(database, 13, 22))
    detect(database, clock, complain(database, 23, 23), NONE)
    assert [size for _, size in events(database)] == [23]


def test_E6_late_complaints_join_until_the_event_is_solved(database: Database, clock: MovedClock) -> None:
    """Hours later is still late; after the solution, counting begins anew."""
    detect(database, clock, complain(database, 1, 10))
    late = {"received_at": NOON + timedelta(hours=9)}
    detect(database, clock, complain(database, 11, 11, **late))
    ((number, size),) = events(database)
    assert size == 11
    with database.begin() as tx:
        incidents.get(tx, number).status = "solved"
    detect(database, clock, complain(database, 12, 12, **late))
    assert events(database) == [(number, 11)]


def test_E6_complaints_of_a_false_alarm_are_not_counted_again(database: Database, clock: MovedClock) -> None:
    detect(database, clock, complain(database, 1, 10))
    ((number, _),) = events(database)
    with database.begin() as tx:
        incidents.let_go(tx, number, clock.now())
        incidents.get(tx, number).status = "dismissed"
    detect(database, clock, complain(database, 11, 11))
    assert events(database) == [(number, 0)]


def test_E6_complaints_join_an_event_that_somebody_reported_for_their_category(
    database: Database, clock: MovedClock
) -> None:
    with database.begin() as tx:
        columns = {"policy": "petition", "kind": "network-outage", "city": "杭州市", "flags": []}
        number = incidents.declare(tx, NOON, who="li.na", count=0, category="service-quality", **columns)
    detect(database, clock, complain(database, 1, 2))
    detect(database, clock, complain(database, 3, 3, city="宁波"))
    assert events(database) == [(number, 2)]


def test_E7_a_second_open_event_of_a_cluster_is_refused_by_the_database(
    database: Database, clock: MovedClock
) -> None:
    detect(database, clock, complain(database, 1, 10))
    with database.read() as tx:
        key = tx.scalars(select(MajorIncident.cluster_key)).one()
    columns = {"policy": "petition", "kind": "cluster-complaints", "city": "杭州", "flags": []}
    with pytest.raises(IntegrityError), database.begin() as tx:
        incidents.declare(tx, NOON, who="duban", count=10, cluster_key=key, **columns)


def test_E1_growth_is_looked_at_every_so_many_complaints(database: Database, clock: MovedClock) -> None:
    for each in range(1, 31):
        detect(database, clock, complain(database, each, each))
    with database.read() as tx:
        grown = tx.scalars(select(EngineRequest.message_id).where(EngineRequest.name == "incident-grew"))
        assert sorted(each.rsplit(":", 1)[1] for each in grown) == ["20", "30"]


def test_E6_a_complaint_that_has_ended_is_counted_but_not_disturbed(
    database: Database, clock: MovedClock
) -> None:
    complain(database, 1, 4, status="closed", closed_at=NOON)
    detect(database, clock, complain(database, 5, 10))
    assert [size for _, size in events(database)] == [10]
    with database.read() as tx:
        told = tx.scalars(select(EngineRequest.number).where(EngineRequest.name == "complaint-attached"))
        assert len(list(told)) == 6
        assert complaints.look(tx, "TS20261122-000001").status == "closed"
