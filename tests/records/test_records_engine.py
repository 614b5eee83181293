"""The record stream of the real engine: taken, projected, and waited for when the clock jumps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from pyzeebe.proto.gateway_pb2 import (
    ActivatedJob,
    ActivateJobsRequest,
    CompleteJobRequest,
    FailJobRequest,
)

from tests.engine_fixture import RunningEngine, running_engine
from tests.records.streams import HERE, tables
from workers.engine import broker_process
from workers.engine.deployment import deploy
from workers.engine.incidents import Incidents
from workers.engine.messages import Messages
from workers.engine.user_tasks import UserTasks
from workers.errors import Unavailable
from workers.records.belonging import check_belonging
from workers.records.endpoint import RecordsServer
from workers.records.settle import wait_settled
from workers.store import record_queries
from workers.store.database import Database

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
MODELS = sorted((HERE / "models").iterdir())
PATIENCE = 90.0


class Worker:
    """Completes jobs of one engine by hand; type by type, as the story wants."""

    def __init__(self, engine: RunningEngine) -> None:
        self._stub = engine.gateway.stub

    async def take(self, kind: str) -> ActivatedJob:
        """Waits for a job of this type."""
        request = ActivateJobsRequest(
            type=kind, worker="test", timeout=600_000, maxJobsToActivate=1, requestTimeout=20_000
        )
        for _ in range(5):
            async for answer in self._stub.ActivateJobs(request, timeout=60):
                if answer.jobs:
                    return answer.jobs[0]
        pytest.fail(f"no job {kind}")

    async def complete(self, kind: str) -> None:
        """Waits for a job of this type and completes it."""
        job = await self.take(kind)
        await self._stub.CompleteJob(CompleteJobRequest(jobKey=job.key, variables="{}"), timeout=20)

    async def break_down(self, kind: str) -> str:
        """Waits for a job of this type and uses up its retries; returns the job's key."""
        job = await self.take(kind)
        failure = FailJobRequest(jobKey=job.key, retries=0, errorMessage="broken")
        await self._stub.FailJob(failure, timeout=20)
        return str(job.key)

    async def keep_completing(self, *kinds: str, pause: float = 0.0) -> None:
        """Completes whatever comes, after a pause in the middle of each job, until cancelled."""

        async def one(kind: str) -> None:
            request = ActivateJobsRequest(
                type=kind, worker="test", timeout=600_000, maxJobsToActivate=5, requestTimeout=20_000
            )
            while True:
                async for answer in self._stub.ActivateJobs(request, timeout=60):
                    for job in answer.jobs:
                        await asyncio.sleep(pause)
                        await self._stub.CompleteJob(
                            CompleteJobRequest(jobKey=job.key, variables="{}"), timeout=20
                        )

        await asyncio.gather(*(one(kind) for kind in kinds))


@asynccontextmanager
async def recorded(database: Database, folder: Path) -> AsyncIterator[tuple[RunningEngine, RecordsServer]]:
    check_belonging(database, folder / "engine")
    async with RecordsServer(database) as records, running_engine(folder, exporter_url=records.url) as engine:
        yield engine, records


async def settle(
    database: Database, engine: RunningEngine, records: RecordsServer, seconds: float = PATIENCE
) -> None:
    mark = Messages(engine.gateway).mark
    await wait_settled(database, engine.clock, seconds, progress=records.progress, mark=mark)


async def begin(engine: RunningEngine, number: str) -> None:
    ttl = timedelta(minutes=1)
    await Messages(engine.gateway).publish("case-received", number, number, ttl, {"number": number})


def test_a_case_from_start_to_end_with_a_moved_clock(database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with recorded(database, tmp_path) as (engine, records):
            await deploy(engine.handle, MODELS)
            worker = Worker(engine)
            await begin(engine, "C-1")
            await worker.complete("record-register")
            await settle(database, engine, records)
            with database.read() as tx:
                (task,) = record_queries.open_tasks(tx, "C-1")
            assert (task.name, task.form_id) == ("作出决定", "record-form")

            async with UserTasks(engine.handle.rest_url) as tasks:
                await tasks.complete(task.key, {"is_agreed": True}, "approve")
            job_key = await worker.break_down("record-deep")
            await settle(database, engine, records)
            with database.read() as tx:
                assert record_queries.task(tx, task.key).action == "approve"
                (stuck,) = record_queries.open_incidents(tx, "C-1")
            assert (stuck.name, stuck.job_key, stuck.error_message) == ("最里面的任务", job_key, "broken")

            await Incidents(engine.gateway).resolve(stuck.key, job_key)
            await worker.complete("record-deep")
            await settle(database, engine, records)
            with database.read() as tx:
                assert record_queries.open_incidents(tx) == []
                assert [timer.name for timer in record_queries.timers(tx, "C-1")] == ["等一天"]

            await engine.engine_clock.advance(timedelta(hours=25))
            await settle(database, engine, records)
            with database.read() as tx:
                (root,) = record_queries.process_tree(tx, "C-1")
            assert root.state == "completed", "it must not return before a timer that is due has fired"
            assert records.trouble is None

    asyncio.run(story())


def test_settled_means_that_slow_work_is_done_too(sqlite_database: Database, tmp_path: Path) -> None:
    """Jobs that are slow, and jobs that follow them: nothing is still to come when it returns."""

    async def story() -> None:
        async with recorded(sqlite_database, tmp_path) as (engine, records):
            await deploy(engine.handle, MODELS)
            working = asyncio.create_task(
                Worker(engine).keep_completing("record-register", "record-warn", "record-deep", pause=0.4)
            )
            try:
                for number in ("C-1", "C-2", "C-3"):
                    await begin(engine, number)
                await settle(sqlite_database, engine, records)
                with sqlite_database.read() as tx:
                    assert len(record_queries.open_tasks(tx)) == 3
                await engine.engine_clock.advance(timedelta(minutes=31))
                await settle(sqlite_database, engine, records)
                with sqlite_database.read() as tx:
                    warned = [
                        view.state
                        for number in ("C-1", "C-2", "C-3")
                        for view in record_queries.walked_elements(tx, number)
                        if view.element_id == "Task_Warn"
                    ]
                assert warned == ["completed"] * 3
                await engine.engine_clock.advance(timedelta(hours=1))
                await settle(sqlite_database, engine, records)
                with sqlite_database.read() as tx:
                    assert record_queries.open_tasks(tx) == []
                began = time.monotonic()
                await settle(sqlite_database, engine, records)
                assert time.monotonic() - began < 20, "where nothing happens it doesn't take long"
            finally:
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)

    asyncio.run(story())


def test_a_mark_waits_for_nothing_else(
    sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exporter that keeps an incomplete bulk for an hour sends what is before a mark at once."""
    told = broker_process.exporter

    def patient(url: str, *, is_hurried: bool = False) -> dict[str, str]:
        values = told(url, is_hurried=is_hurried)
        (delay,) = (name for name in values if name.endswith("BULK_DELAY"))
        return values | {delay: "3600"}

    monkeypatch.setattr(broker_process, "exporter", patient)

    async def story() -> None:
        async with recorded(sqlite_database, tmp_path) as (engine, records):
            await deploy(engine.handle, MODELS)
            await begin(engine, "C-1")
            await Worker(engine).complete("record-register")
            await settle(sqlite_database, engine, records)
            with sqlite_database.read() as tx:
                assert len(record_queries.open_tasks(tx, "C-1")) == 1

    asyncio.run(story())


def test_what_does_not_settle_is_named(sqlite_database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with recorded(sqlite_database, tmp_path) as (engine, records):
            await deploy(engine.handle, MODELS)
            await begin(engine, "C-1")
            waiting = lambda: record_counts(sqlite_database) > 0  # noqa: E731
            assert await records.progress.wait(waiting, PATIENCE)
            with pytest.raises(Unavailable, match="service task Task_Register of C-1 is running"):
                await settle(sqlite_database, engine, records, seconds=2)

    asyncio.run(story())


def record_counts(database: Database) -> int:
    return sum(row["element_type"] == "SERVICE_TASK" for row in tables(database)["elements"])


def test_a_second_start_sends_again_and_nothing_changes(sqlite_database: Database, tmp_path: Path) -> None:
    async def story() -> None:
        async with recorded(sqlite_database, tmp_path) as (engine, records):
            await deploy(engine.handle, MODELS)
            worker = Worker(engine)
            for number in ("C-1", "C-2", "C-3", "C-4", "C-5"):
                await begin(engine, number)
                await worker.complete("record-register")
            await settle(sqlite_database, engine, records)
        before = tables(sqlite_database)
        async with recorded(sqlite_database, tmp_path) as (engine, records):
            await settle(sqlite_database, engine, records)
            after = tables(sqlite_database)
            assert after | {"record_positions": []} == before | {"record_positions": []}
            await begin(engine, "C-6")
            await Worker(engine).complete("record-register")
            await settle(sqlite_database, engine, records)
            with sqlite_database.read() as tx:
                assert len(record_queries.open_tasks(tx)) == 6
            assert records.trouble is None

    asyncio.run(story())


def test_a_store_beside_a_wiped_engine_takes_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    """Where no folder can be compared (a cluster), the stream itself tells."""

    async def story() -> None:
        for folder, is_first in (("first", True), ("second", False)):
            async with (
                RecordsServer(sqlite_database) as records,
                running_engine(tmp_path / folder, exporter_url=records.url) as engine,
            ):
                await deploy(engine.handle, MODELS)
                await begin(engine, "C-1")
                if is_first:
                    for number in ("C-2", "C-3"):
                        await begin(engine, number)
                    with pytest.raises(Unavailable):
                        await settle(sqlite_database, engine, records, seconds=3)
                    continue
                until = time.monotonic() + PATIENCE
                while records.trouble is None and time.monotonic() < until:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
                assert "belongs to other engine data" in str(records.trouble)

    try:
        asyncio.run(story())
    except grpc.aio.AioRpcError as error:
        pytest.fail(error.details() or "")
