"""When all is quiet: without an engine, so that lag can be made to order. test_records_engine has more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.records.streams import element, instance, signal, timer
from workers.clock import MovedClock
from workers.errors import Unavailable
from workers.records import settle
from workers.records.apply import apply_batch
from workers.records.progress import Progress
from workers.records.reading import Record
from workers.records.settle import wait_settled
from workers.store.database import Database


class Stream:
    """A log of one partition, whose records come in when the test says so."""

    def __init__(self, database: Database) -> None:
        self.progress = Progress()
        self.position = 0
        self.marks = 0
        self.before_mark: list[Callable[[int], Record]] = []
        self._database = database

    async def bring(self, make: Callable[[int], Record]) -> None:
        self.position += 1
        await self.progress.add(await asyncio.to_thread(apply_batch, self._database, [make(self.position)]))

    async def mark(self, name: str) -> None:
        """What the exporter held back comes in before the mark."""
        self.marks += 1
        for make in self.before_mark:
            await self.bring(make)
        self.before_mark = []
        await self.bring(lambda position: signal(position, name))


def test_quiet_is_looked_at_twice(database: Database) -> None:
    async def story() -> None:
        stream = Stream(database)
        await stream.bring(lambda position: instance(position, 7))
        began = time.monotonic()
        await wait_settled(database, MovedClock(), 30, progress=stream.progress, mark=stream.mark)
        assert stream.marks == 2
        assert time.monotonic() - began >= settle.QUIET_SECONDS

    asyncio.run(story())


def test_a_completion_whose_follow_up_has_not_come_in_yet(sqlite_database: Database) -> None:
    """The tables look quiet, but the exporter still holds the next service task back."""

    async def story() -> None:
        stream = Stream(sqlite_database)
        await stream.bring(lambda position: instance(position, 7))
        stream.before_mark = [lambda position: element(position, 71, "SERVICE_TASK")]
        waiting = asyncio.create_task(
            wait_settled(sqlite_database, MovedClock(), 60, progress=stream.progress, mark=stream.mark)
        )
        done, _ = await asyncio.wait([waiting], timeout=3 * settle.QUIET_SECONDS)
        assert not done
        await stream.bring(lambda position: element(position, 71, "SERVICE_TASK", "ELEMENT_COMPLETED"))
        await waiting

    asyncio.run(story())


def test_work_that_begins_and_ends_between_two_looks_starts_the_wait_anew(sqlite_database: Database) -> None:
    async def story() -> None:
        stream = Stream(sqlite_database)
        await stream.bring(lambda position: instance(position, 7))

        async def mark(name: str) -> None:
            if stream.marks == 1:
                stream.before_mark = [
                    lambda position: element(position, 71, "SERVICE_TASK"),
                    lambda position: element(position, 71, "SERVICE_TASK", "ELEMENT_COMPLETED"),
                ]
            await stream.mark(name)

        await wait_settled(sqlite_database, MovedClock(), 60, progress=stream.progress, mark=mark)
        assert stream.marks == 3

    asyncio.run(story())


def test_a_timer_that_the_moved_clock_made_due(sqlite_database: Database) -> None:
    async def story() -> None:
        stream, clock = Stream(sqlite_database), MovedClock()
        due = datetime.now(UTC) + timedelta(hours=24)
        await stream.bring(lambda position: timer(position, 90, due))
        await wait_settled(sqlite_database, clock, 30, progress=stream.progress, mark=stream.mark)
        clock.advance(timedelta(hours=25))
        with pytest.raises(
            Unavailable, match=r"Not settled after 1 s: timer Event_Due of no complaint is due"
        ):
            await wait_settled(sqlite_database, clock, 1, progress=stream.progress, mark=stream.mark)
        await stream.bring(lambda position: timer(position, 90, due, "TRIGGERED"))
        await wait_settled(sqlite_database, clock, 30, progress=stream.progress, mark=stream.mark)

    asyncio.run(story())


def test_a_mark_that_does_not_come_back(sqlite_database: Database) -> None:
    async def story() -> None:
        async def lost(_name: str) -> None: ...

        with pytest.raises(Unavailable, match="record stream is behind"):
            await wait_settled(sqlite_database, MovedClock(), 1, progress=Progress(), mark=lost)

    asyncio.run(story())


def test_an_engine_that_is_away_for_a_moment_is_waited_for(sqlite_database: Database) -> None:
    async def story() -> None:
        stream, answers = Stream(sqlite_database), iter([False, True, False, True, True, True])

        async def mark(name: str) -> None:
            if not next(answers):
                raise Unavailable("The engine does not answer.")
            await stream.mark(name)

        await wait_settled(sqlite_database, MovedClock(), 60, progress=stream.progress, mark=mark)
        assert stream.marks == 3

        async def away(_name: str) -> None:
            raise Unavailable("The engine does not answer.")

        with pytest.raises(Unavailable, match=r"Not settled after 1 s: The engine does not answer\."):
            await wait_settled(sqlite_database, MovedClock(), 1, progress=stream.progress, mark=away)

    asyncio.run(story())


def test_without_marks_a_longer_quiet_must_do(sqlite_database: Database) -> None:
    async def story() -> None:
        began = time.monotonic()
        await wait_settled(sqlite_database, MovedClock(), 30)
        assert time.monotonic() - began >= settle.BLIND_QUIET_SECONDS

    asyncio.run(story())
