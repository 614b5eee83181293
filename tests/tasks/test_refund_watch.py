"""Refunds whose posting never ended: found once, settled by who may, never paid twice (rule D3)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.tasks import refund_rows
from tests.tasks.test_refund_tasks import NUMBER, store_with
from workers.clock import Clock, MovedClock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError
from workers.store import billing, exclusions, timeline
from workers.store.database import Database
from workers.store.refund_tables import Refund
from workers.store.tables import Answer, EngineRequest
from workers.tasks.post_refund import post_refund
from workers.tasks.refund_watch import find_stuck_refunds, record_posting

FORM = "settle-refund"
TIMES = {"stuck_after": "P1D", "settle_time": "P1D"}


def settle_job() -> Job:
    return Job(7, "any", "1001", "refund-watch", "Task_X", "2002", {"form": FORM}, 3, {})


def look(database: Database, clock: Clock, **times: Any) -> list[EngineRequest]:
    """What is owed to the engine after a morning's look."""
    find_stuck_refunds(database, clock, refund_posting=TIMES | times, job=settle_job())
    with database.read() as tx:
        return list(tx.scalars(select(EngineRequest)))


def row(database: Database, refund_no: str) -> Refund:
    with database.read() as tx:
        found = tx.get_one(Refund, refund_no)
        tx.expunge(found)
        return found


def test_D3_a_posting_that_never_ended_is_found_after_its_time_and_once(database: Database) -> None:
    """The worker died after the ledger was asked; a day later it is found, not before, and not again."""
    refund_no = store_with(database, "post-refund")
    clock = MovedClock()
    billing_port, _ = list(refund_rows.services(database, clock).values())[:2]

    class Dies:
        """The process ends while the ledger works."""

        def post(self, _: object) -> str:
            raise KeyboardInterrupt

        def close(self) -> None:
            """Nothing."""

    with pytest.raises(KeyboardInterrupt):
        post_refund(database, clock, billing_port, Dies(), refund_no=refund_no)  # type: ignore[arg-type]
    assert row(database, refund_no).status == "posting"
    clock.advance(timedelta(hours=23))
    assert look(database, clock) == [], "it may still be on its way"
    clock.advance(timedelta(hours=1))
    [owed] = look(database, clock)
    assert (owed.name, owed.number, owed.message_id) == ("refund-stuck", NUMBER, f"{refund_no}:refund-stuck")
    assert set(owed.variables) == {"number", "refund_no", "settled_as", "settle_due_at"}
    assert owed.variables["settled_as"] == "refund"
    left = datetime.fromisoformat(owed.variables["settle_due_at"]) - clock.now()
    assert abs(left - timedelta(days=1)) < timedelta(minutes=5)
    clock.advance(timedelta(days=3))
    assert len(look(database, clock)) == 1, "told once"
    with database.read() as tx:
        assert timeline.latest(tx, NUMBER, "refund-stuck") is not None
        assert exclusions.people(tx, NUMBER, FORM) == {"wang.fang"}, "who asked does not settle it"


def test_D3_a_refund_that_was_posting_before_this_was_kept_is_found_by_its_registration(
    database: Database,
) -> None:
    """An older release did not note since when."""
    refund_no = store_with(database, "record-posting")
    assert row(database, refund_no).posting_at is None
    assert [each.variables["refund_no"] for each in look(database, MovedClock())] == [refund_no]


@pytest.mark.parametrize("task_type", ["verify-charge", "record-approval", "post-refund"])
def test_D3_only_what_is_posting_is_told(database: Database, task_type: str) -> None:
    """A refund that waits for people has its own deadlines."""
    store_with(database, task_type)
    assert look(database, MovedClock(timedelta(days=30))) == []


@pytest.mark.parametrize("times", [{"stuck_after": "soon"}, {"settle_time": None}, {"stuck_after": "P1M"}])
def test_D3_a_table_without_a_time_is_stuck_work(database: Database, times: dict[str, Any]) -> None:
    """The designer is told which column."""
    with pytest.raises(Broken, match="refund-posting"):
        look(database, MovedClock(), **times)


@pytest.mark.parametrize("person", ["wang.fang", "nobody.here", None])
def test_D3_who_asked_does_not_say_that_it_was_paid(database: Database, person: str | None) -> None:
    """Whoever completes the task by the engine's own API passes no desk, so the task looks."""
    refund_no = store_with(database, "record-posting")
    look(database, MovedClock())
    with pytest.raises(BusinessError) as refusal:
        settle(database, refund_no, person)
    assert refusal.value.code == "FOUR_EYES"
    assert row(database, refund_no).status == "posting"


def settle(database: Database, refund_no: str, person: str | None) -> None:
    record_posting(
        database, MovedClock(), number=NUMBER, refund_no=refund_no, job=settle_job(), decided_by=person
    )


def test_D3_what_a_person_found_in_the_ledger_is_never_posted_again(database: Database) -> None:
    """The reference is kept; a worker that wakes up late posts nothing."""
    refund_no = store_with(database, "record-posting")
    settle(database, refund_no, "li.na")
    done = row(database, refund_no)
    assert (done.status, done.reference, done.paid_fen) == ("paid", refund_rows.REFERENCE, 7600)
    services = list(refund_rows.services(database, MovedClock()).values())
    post_refund(database, MovedClock(), services[0], services[1], refund_no=refund_no)  # type: ignore[arg-type]
    with database.read() as tx:
        assert billing.entries(tx) == []
    assert look(database, MovedClock(timedelta(days=9))) == []


def test_D3_a_reference_that_nobody_wrote_down_is_stuck_work(database: Database) -> None:
    """And so is a refund that is not posting at all."""
    refund_no = store_with(database, "record-posting")
    with database.begin() as tx:
        for answer in tx.scalars(select(Answer)):
            tx.delete(answer)
    with pytest.raises(Broken, match="not written down"):
        settle(database, refund_no, "li.na")
