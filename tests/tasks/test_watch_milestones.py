"""A milestone that is missed is told once, whoever noted the miss first (rules C5, D8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from workers.clock import Clock, SystemClock
from workers.engine.jobs import Job, bind
from workers.store import deadlines
from workers.store.database import Database
from workers.store.tables import Complaint
from workers.tasks import TASKS

NUMBER = "TS20260301-000001"
RECEIVED = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> Database:
    with database.begin() as tx:
        tx.execute(
            insert(Complaint).values(
                number=NUMBER,
                policy="network-company",
                channel="phone",
                text="网络中断。",
                customer_phone="+8613900001001",
                customer_key="phone:+8613900001001",
                received_at=RECEIVED,
                owner_group="front-desk",
                owner_person="lin.qiantai",
                flags=[],
                missing_fields=[],
            )
        )
        for kind, hours in (("assignment", 1), ("emergency", 2)):
            deadlines.put(tx, NUMBER, kind, RECEIVED + timedelta(hours=hours))
    return database


def check(store: Database, element_instance: str) -> str | None:
    """The milestone that a job finds missed; None: none."""
    task = next(each for each in TASKS if each.type == "check-milestones")
    variables = {"number": NUMBER}
    job = Job(
        7, task.type, "1001", "milestone-watch", "Task_CheckMilestones", element_instance, {}, 3, variables
    )
    found = bind(task, {Database: store, Clock: SystemClock()}).call(job)
    assert found is not None
    return found["deadline_kind"] if found["is_milestone_missed"] else None


def test_D8_what_another_unit_let_pass_is_told_once_and_stays_with_it(store: Database) -> None:
    """The emergency was held against the department first: it is told all the same, once, and stays with it."""
    with store.begin() as tx:
        deadlines.mark_missed_by(tx, NUMBER, "emergency", "network-operations", RECEIVED + timedelta(hours=3))
    assert check(store, "2001") == "assignment"
    assert check(store, "2002") == "emergency"
    assert check(store, "2002") == "emergency", "delivered twice"
    assert check(store, "2003") is None
    with store.read() as tx:
        held = {each.kind: each.missed_by for each in deadlines.of(tx, NUMBER)}
    assert held == {"assignment": "front-desk", "emergency": "network-operations"}
