"""An event that several people move, and complaints that they tie and let go, at the same moment (rules E3, E6)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from workers.clock import MovedClock
from workers.errors import Conflict, NotFound
from workers.store import answers, incident_moves, incident_ties, incidents, timeline
from workers.store.database import Database
from workers.store.incident_moves import DOWN, UP
from workers.store.incident_room import stages
from workers.store.tables import Complaint, EngineRequest, TimelineEntry

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
PEOPLE = ("an.shigongsi", "he.kefu", "yin.fenzhang", "li.na")


@pytest.fixture
def number(database: Database) -> str:
    """An event that the city has."""
    with database.begin() as tx:
        number = incidents.declare(
            tx, NOON, who="li.na", count=0, policy="petition", kind="network-outage", city="杭州", flags=[]
        )
        incident = incidents.get(tx, number)
        incident.status, incident.tier = "declared", "city"
    called(database, number, "city", NOON)
    return number


def called(database: Database, number: str, tier: str, at: datetime) -> None:
    with database.begin() as tx:
        facts = {
            "owner": "an.shigongsi",
            "group": f"{tier}-management",
            "tier": tier,
            "due_at": at.isoformat(),
        }
        timeline.add(tx, number, at, "duban", "duty-called", f"{number}:{at}", **facts)


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """What each of them got: its answer, or what it raised."""
    start, got = threading.Barrier(len(acts)), [object()] * len(acts)

    def run(at: int, act: Callable[[], object]) -> None:
        start.wait()
        try:
            got[at] = act()
        except Conflict as error:
            got[at] = error

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def owed(database: Database, name: str) -> int:
    with database.read() as tx:
        return len(list(tx.scalars(select(EngineRequest).where(EngineRequest.name == name))))


def test_E3_of_many_who_move_an_event_at_once_one_does(database: Database, number: str) -> None:
    """Up or down, whoever was first: the others are told that it is under way."""
    clock = MovedClock()

    def asks(at: int, who: str) -> Callable[[], object]:
        way = UP if at % 2 else DOWN
        return lambda: incident_moves.ask(database, clock, number, way, who=who, reason="理由", seen=1)

    got = at_once([asks(at, who) for at, who in enumerate(PEOPLE)])
    assert sorted(isinstance(each, Conflict) for each in got) == [False, True, True, True]
    assert owed(database, "incident-raised") + owed(database, "incident-handed-back") == 1
    with database.read() as tx:
        assert [each.value for each in answers.of(tx, number)] == ["理由"], (
            "the reason of the one who moved it"
        )
        assert "理由" not in str([each.facts for each in timeline.of(tx, number)])


def test_E3_what_was_seen_counts_not_when_it_is_pressed(database: Database, number: str) -> None:
    clock = MovedClock()
    called(database, number, "province", NOON + timedelta(minutes=40))
    with pytest.raises(Conflict, match="已转到另一层级"):
        incident_moves.ask(database, clock, number, UP, who="he.kefu", seen=1)
    incident_moves.ask(database, clock, number, UP, who="he.kefu", seen=2)
    with pytest.raises(NotFound):
        incident_moves.ask(database, clock, "SJ20260302-0999", UP, who="he.kefu")


def test_E6_of_many_who_let_a_complaint_go_at_once_one_does(database: Database, number: str) -> None:
    clock = MovedClock()
    with database.begin() as tx:
        complaint = Complaint(
            number="TS20260302-000001",
            policy="petition",
            channel="web",
            text="断网。",
            customer_key="+8613900001001",
            received_at=NOON,
            status="in-progress",
        )
        tx.add(complaint)
    ties = [
        lambda who=who: incident_ties.attach_by_hand(database, clock, number, ["TS20260302-000001"], who=who)
        for who in PEOPLE
    ]
    assert at_once([*ties]) == [1, 1, 1, 1], "tied already is tied"
    leave = [
        lambda who=who: incident_ties.detach_by_hand(database, clock, number, "TS20260302-000001", who=who)
        for who in PEOPLE
    ]
    got = at_once([*leave])
    assert sorted(isinstance(each, Conflict) for each in got) == [False, True, True, True]
    assert owed(database, "complaint-attached") == owed(database, "complaint-detached") == 1
    with database.read() as tx:
        assert [each.code for each in timeline.of(tx, number)].count("complaint-let-go") == 1


def test_E3_the_way_of_an_event_is_read_from_its_timeline() -> None:
    """Called, acknowledged, too slow to decide; the next one decides and hands back; the first is called again."""

    def entry(minutes: int, code: str, **facts: str) -> TimelineEntry:
        return TimelineEntry(
            number="SJ1", at=NOON + timedelta(minutes=minutes), who="duban", code=code, facts=facts
        )

    def call(minutes: int, tier: str) -> TimelineEntry:
        facts = {"owner": f"of.{tier}", "group": f"{tier}-management", "tier": tier}
        return entry(minutes, "duty-called", due_at=NOON.isoformat(), **facts)

    found = stages(
        [
            entry(0, "incident-reported"),
            call(1, "branch"),
            entry(5, "incident-acknowledged"),
            entry(125, "incident-raised", tier="city", how="decide-overdue"),
            call(126, "city"),
            entry(130, "incident-acknowledged"),
            entry(140, "plan-decided"),
            entry(150, "incident-handed-back", tier="branch"),
            call(151, "branch"),
        ]
    )
    assert [(each.tier, each.how) for each in found] == [
        ("branch", "decide-overdue"),
        ("city", "hand-back"),
        ("branch", None),
    ]
    assert [each.acknowledged_at is not None for each in found] == [True, True, False]
    assert [each.decided_at is not None for each in found] == [False, True, False]
    assert stages([]) == []
