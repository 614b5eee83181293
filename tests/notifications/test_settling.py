"""What came of deliveries is written down together, and each is told by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.notifications.sender_stage import counts, fill
from workers.clock import MovedClock
from workers.notifications.claims import LEASE, Claims
from workers.notifications.settling import Outcome, Settling
from workers.store import outbox
from workers.store.database import Database
from workers.store.tables import OutboxMessage


class Stage:
    """Five messages that were claimed, and what is told of them."""

    def __init__(self, database: Database, threads: ThreadPoolExecutor) -> None:
        self.clock = MovedClock()
        fill(database, self.clock, 5)
        self.claims = Claims(database, self.clock)
        with database.begin() as tx:
            self.messages = outbox.claim(tx, self.clock.now(), 5, LEASE, channel="sms")
        self.claims.take(self.messages)
        self.told: list[tuple[str, bool]] = []
        self.failures: list[Exception] = []
        self._threads = threads

    def _tell(self, outcome: Outcome, is_ours: bool) -> None:
        self.told.append((outcome.message.number, is_ours))

    def settle(self, *outcomes: Outcome) -> list[bool]:
        async def settle() -> list[bool]:
            settling = Settling(self.claims, self._threads, self._tell, self.failures.append)
            return await asyncio.gather(*map(settling.settle, outcomes))

        return asyncio.run(settle())

    def settle_all(self) -> list[bool]:
        return self.settle(*(Outcome(each, at=self.clock.now()) for each in self.messages))


@pytest.fixture
def stage(sqlite_database: Database) -> Iterator[Stage]:
    with ThreadPoolExecutor(2) as threads:
        yield Stage(sqlite_database, threads)


@contextmanager
def at_commit(database: Database, heard: Callable[[object], None]) -> Iterator[None]:
    """Calls `heard` with the connection at each commit within the block."""
    event.listen(database.engine, "commit", heard)
    try:
        yield
    finally:
        event.remove(database.engine, "commit", heard)


def test_those_that_end_meanwhile_share_the_next_transaction(stage: Stage, sqlite_database: Database) -> None:
    seen: list[object] = []
    with at_commit(sqlite_database, seen.append):
        assert stage.settle_all() == [True] * 5
    assert len(seen) < 5
    assert counts(sqlite_database)["sent"] == 5
    assert sorted(stage.told) == [(f"TS-sms-{index}", True) for index in range(5)]


def test_what_the_store_does_not_take_is_said_to_each_and_can_be_settled_again(
    stage: Stage, sqlite_database: Database
) -> None:
    def refuse(_connection: object) -> None:
        raise OperationalError("commit", {}, Exception("no room"))

    with at_commit(sqlite_database, refuse):
        assert stage.settle_all() == [False] * 5
    assert not stage.told
    assert all(isinstance(each, OperationalError) for each in stage.failures)
    assert counts(sqlite_database)["pending"] == 5
    assert stage.settle_all() == [True] * 5
    assert counts(sqlite_database)["sent"] == 5


def test_a_claim_that_was_lost_takes_no_other_with_it(stage: Stage, sqlite_database: Database) -> None:
    lost = stage.messages[2]
    with sqlite_database.begin() as tx:
        row = tx.get(OutboxMessage, lost.id)
        assert row
        row.claimed_until = stage.clock.now() + LEASE * 2
    assert stage.settle_all() == [True] * 5
    assert dict(stage.told) == {f"TS-sms-{index}": index != 2 for index in range(5)}
    assert counts(sqlite_database) == {"pending": 1, "sent": 4, "dead": 0}


def test_what_failed_keeps_its_reason_and_its_next_try(stage: Stage, sqlite_database: Database) -> None:
    first, second = stage.messages[:2]
    later = stage.clock.now() + LEASE
    stage.settle(Outcome(first, error="busy", next_attempt_at=later), Outcome(second, error="refused"))
    with sqlite_database.read() as tx:
        rows = [tx.get_one(OutboxMessage, each.id) for each in (first, second)]
    assert [(row.status, row.last_error) for row in rows] == [("pending", "busy"), ("dead", "refused")]
    assert rows[0].next_attempt_at == later
