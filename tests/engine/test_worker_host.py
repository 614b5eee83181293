"""What becomes of a job, on the real engine."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.engine.conftest import PROBES, Probe
from workers.engine.deployment import deploy
from workers.engine.host import WorkerHost
from workers.engine.incidents import Incidents
from workers.engine.jobs import Job, Task, bind
from workers.engine.messages import Messages
from workers.errors import Broken, BusinessError, Conflict, DubanError, Refused, RetryLater
from workers.settings import EngineSettings

pytestmark = pytest.mark.engine


def _raise(error: BaseException) -> Any:
    raise error


class UntellableError(DubanError):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_job_is_done_once_and_sees_its_headers_and_variables(probe: Probe) -> None:
    number = probe.start(lambda _job: {"is_solved": True})
    assert probe.wait_end(number) == ["Event_Done"]
    (job,) = (job for job in probe.calls if job.variables["number"] == number)
    assert job.headers == {"event": "probe"}
    assert job.element_id == "Task_ProbeWork" and job.retries == 3
    assert job.process_instance_key == str(probe.instance(number))
    assert probe.host.is_alive()


def test_a_business_error_is_caught_by_the_diagram(probe: Probe) -> None:
    number = probe.start(lambda _job: _raise(BusinessError("EXPECTED", "as the diagram expects")))
    assert probe.wait_end(number) == ["Event_CaughtEnd"]
    assert probe.calls_of(number) == 1


def test_an_unexpected_error_is_tried_again_after_a_growing_pause_then_an_incident(probe: Probe) -> None:
    number = probe.start(lambda _job: _raise(KeyError("13800000000")))
    probe.wait_calls(number, 1)
    for done in (1, 2):
        probe.wait_end(probe.start())  # the engine is done with what came before
        assert probe.calls_of(number) == done, "no second try before the pause is over"
        probe.run(probe.engine.engine_clock.advance(timedelta(hours=1) * 2 ** (done - 1)))
        probe.wait_calls(number, done + 1)
    value = probe.incident(number)["value"]
    assert probe.calls_of(number) == 3
    assert value["errorType"] == "JOB_NO_RETRIES"
    assert value["errorMessage"].startswith("KeyError in ") and "13800000000" not in value["errorMessage"]


@pytest.mark.parametrize(
    "result",
    [
        {"amount": Decimal("1.00")},
        {"share": float("nan")},
        {"at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"table": {1: "one"}},
        {"key": 1 << 64},
        {"half": "\ud83d"},
        ["not a mapping"],
    ],
    ids=["decimal", "nan", "datetime", "number as key", "too large", "lone surrogate", "list"],
)
def test_a_result_that_json_cannot_carry_is_an_incident_and_no_loop(probe: Probe, result: Any) -> None:
    number = probe.start(lambda _job: result)
    assert probe.incident(number)["value"]["errorMessage"].startswith("Broken: ")
    probe.run(probe.engine.engine_clock.advance(timedelta(hours=3)))
    probe.wait_end(probe.start())
    assert probe.calls_of(number) == 1


def test_an_error_in_the_failure_path_is_an_incident_and_no_loop(probe: Probe) -> None:
    number = probe.start(lambda _job: _raise(UntellableError()))
    assert "could not be told" in probe.incident(number)["value"]["errorMessage"]
    assert probe.calls_of(number) == 1


def test_broken_is_an_incident_at_once_and_goes_on_when_resolved(probe: Probe) -> None:
    tries: list[Job] = []

    def once_broken(job: Job) -> Mapping[str, Any] | None:
        tries.append(job)
        return _raise(Broken("no row for the case")) if len(tries) == 1 else None

    number = probe.start(once_broken)
    record = probe.incident(number)
    assert record["value"]["errorMessage"] == "Broken: no row for the case"
    incidents = Incidents(probe.engine.gateway)
    probe.run(incidents.resolve(str(record["key"]), str(record["value"]["jobKey"])))
    assert probe.wait_end(number) == ["Event_Done"]
    with pytest.raises(Conflict):
        probe.run(incidents.resolve(str(record["key"]), str(record["value"]["jobKey"])))
    with pytest.raises(Refused):
        probe.run(incidents.resolve("no-key"))


def test_retry_later_succeeds_on_its_second_try(probe: Probe) -> None:
    tries: list[Job] = []

    def once_late(job: Job) -> Mapping[str, Any] | None:
        tries.append(job)
        return _raise(RetryLater("not yet")) if len(tries) == 1 else None

    number = probe.start(once_late)
    probe.wait_calls(number, 1)
    while not probe.host.status["probe-work"].outcomes.get("failed"):
        probe.wait_end(probe.start())
    probe.run(probe.engine.engine_clock.advance(timedelta(hours=1)))
    assert probe.wait_end(number) == ["Event_Done"]
    assert tries[1].retries == 2


def test_the_exporter_sends_only_what_is_projected(probe: Probe) -> None:
    probe.wait_end(probe.start())
    assert {record["valueType"] for record in probe.sink.records} <= {
        "FORM",
        "INCIDENT",
        "MESSAGE_START_EVENT_SUBSCRIPTION",
        "PROCESS",
        "PROCESS_INSTANCE",
        "TIMER",
        "USER_TASK",
        "VARIABLE",
    }


def deploy_slow(probe: Probe, folder: Path) -> None:
    """The probe's process once more, with a job type that its host does not do."""
    model = folder / "probe-slow.bpmn"
    text = (PROBES / "probe-job.bpmn").read_text(encoding="utf-8")
    for old in ("probe-job", "probe-work", "probe-started"):
        text = text.replace(old, old.replace("probe-", "probe-slow-"))
    model.write_text(text, encoding="utf-8")
    probe.run(deploy(probe.engine.handle, [model]))


def test_a_host_holds_no_more_than_its_cap_and_gives_back_what_it_did_not_begin(
    probe: Probe, tmp_path: Path
) -> None:
    deploy_slow(probe, tmp_path)
    begun: list[tuple[str, int]] = []
    is_begun, may_end = threading.Event(), threading.Event()

    def slow(*, number: str, job: Job) -> Mapping[str, Any]:
        begun.append((number, job.retries))
        is_begun.set()
        assert may_end.wait(60)
        return {"seen": tint.get()}

    tint: ContextVar[str] = ContextVar("tint", default="none")
    settings = EngineSettings(max_jobs=2, threads=1)
    tasks = [bind(Task("probe-slow-work", slow), {})]

    async def one_host() -> dict[str, int]:
        host, stop = WorkerHost(probe.engine.handle, tasks, settings), asyncio.Event()
        tint.set("as in the host")
        running = asyncio.create_task(host.run(stop))
        await asyncio.to_thread(is_begun.wait, 60)
        async with asyncio.timeout(240):
            while host.status["probe-slow-work"].running < 2:  # noqa: ASYNC110 - the host tells nobody
                await asyncio.sleep(0.02)
        assert len(begun) == 1 and host.status["probe-slow-work"].running == 2
        stop.set()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.2, may_end.set)
        await running
        return host.status["probe-slow-work"].outcomes

    numbers = [probe.start(message="probe-slow-started") for _ in range(4)]
    assert probe.run(one_host()) == {"completed": 1, "returned": 1}
    assert probe.wait_end(begun[0][0]) == ["Event_Done"]

    async def another_host() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(WorkerHost(probe.engine.handle, tasks, settings).run(stop))
        for number in numbers:
            await asyncio.to_thread(probe.wait_end, number)
        stop.set()
        await running

    probe.run(another_host())
    assert sorted(number for number, _ in begun) == sorted(numbers), "each was done once"
    assert {retries for _, retries in begun} == {3}, "giving back uses up no tries"


def test_a_burst_is_pushed_to_whoever_has_room_and_done_once(probe: Probe, tmp_path: Path) -> None:
    """One host hangs with a task; what it has no room for, and its connection neither, another one does meanwhile."""
    deploy_slow(probe, tmp_path)
    done: list[str] = []
    hangs, may_end = threading.Event(), threading.Event()
    text = "字" * 1000

    def slow(*, number: str, text: str) -> None:
        hangs.set()
        assert may_end.wait(240)
        done.append(number)

    def quick(*, number: str, text: str) -> None:
        done.append(number)

    settings = EngineSettings(max_jobs=4, threads=2)

    async def story() -> list[str]:
        stop, messages = asyncio.Event(), Messages(probe.engine.gateway)
        hanging, free = (
            WorkerHost(probe.engine.handle, [bind(Task("probe-slow-work", task), {})], settings)
            for task in (slow, quick)
        )
        running = [asyncio.create_task(hanging.run(stop))]
        numbers = [f"B{index}" for index in range(150)]
        for number in numbers:
            facts = {"number": number, "text": text}
            await messages.publish("probe-slow-started", number, number, timedelta(hours=1), facts)
            assert hanging.status["probe-slow-work"].running <= 4
        assert await asyncio.to_thread(hangs.wait, 60)
        running.append(asyncio.create_task(free.run(stop)))
        async with asyncio.timeout(240):
            while len(done) < 60:
                await asyncio.sleep(0.05)
                assert hanging.status["probe-slow-work"].running <= 4
            may_end.set()
            while len(done) < 150:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*running)
        return numbers

    numbers = probe.run(story())
    for number in numbers:
        probe.wait_end(number)
    assert sorted(done) == sorted(numbers), "each once"
    assert pushed(probe, "probe-slow-work") > 0


def pushed(probe: Probe, kind: str) -> float:
    """How many jobs of a type the engine says that it pushed."""
    url = f"{probe.engine.handle.management_url}/actuator/prometheus"
    page = httpx.get(url, trust_env=False, timeout=60).text
    lines = [line for line in page.splitlines() if 'action="pushed"' in line and f'type="{kind}"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_job_that_takes_three_times_its_time_out_is_done_once(probe: Probe, tmp_path: Path) -> None:
    """The engine (8.5) takes UpdateJobTimeout, and offers the job to nobody else meanwhile."""
    deploy_slow(probe, tmp_path)
    begun: list[str] = []

    def slow(*, number: str) -> None:
        begun.append(number)
        assert not threading.Event().wait(6)

    settings = EngineSettings(job_timeout_seconds=2, max_jobs=4, threads=4)
    tasks = [bind(Task("probe-slow-work", slow), {})]

    async def hosts() -> dict[str, int]:
        stop = asyncio.Event()
        both = [WorkerHost(probe.engine.handle, tasks, settings) for _ in range(2)]
        running = [asyncio.create_task(host.run(stop)) for host in both]
        await asyncio.to_thread(probe.wait_end, number)
        stop.set()
        await asyncio.gather(*running)
        return {key: n for host in both for key, n in host.status["probe-slow-work"].outcomes.items()}

    number = probe.start(message="probe-slow-started")
    assert probe.run(hosts()) == {"completed": 1}
    assert begun == [number]


def test_workers_that_come_and_go_leave_no_job_behind(probe: Probe, tmp_path: Path) -> None:
    """A rolling restart under load: every job is done, and none twice."""
    deploy_slow(probe, tmp_path)
    done: list[str] = []

    def work(*, number: str) -> None:
        done.append(number)

    tasks = [bind(Task("probe-slow-work", work), {})]

    async def restarts() -> None:
        while len(done) < len(numbers):
            stop = asyncio.Event()
            running = asyncio.create_task(WorkerHost(probe.engine.handle, tasks, settings).run(stop))
            count = len(done)
            async with asyncio.timeout(120):
                while len(done) < min(count + 4, len(numbers)):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
            stop.set()
            await running

    settings = EngineSettings(job_timeout_seconds=30, max_jobs=3, threads=2)
    numbers = [probe.start(message="probe-slow-started") for _ in range(60)]
    probe.run(restarts())
    for number in numbers:
        probe.wait_end(number)
    assert sorted(done) == sorted(numbers), "none was done twice"


def test_an_engine_that_pauses_is_waited_for_and_its_jobs_are_done_once(probe: Probe) -> None:
    """A machine that swaps, a snapshot of it: connections stay, and nobody answers."""
    may_end = threading.Event()

    def slow(_job: Job) -> None:
        assert may_end.wait(120)

    number = probe.start(slow)
    pid = probe.engine.broker.pid
    assert pid is not None
    probe.wait_end(probe.start())
    os.kill(pid, signal.SIGSTOP)
    try:
        may_end.set()
        probe.wait_calls(number, 1)

        async def until_noticed() -> None:
            async with asyncio.timeout(120):
                while probe.host.status["probe-work"].error is None:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)

        probe.run(until_noticed())
    finally:
        os.kill(pid, signal.SIGCONT)
    assert probe.wait_end(number) == ["Event_Done"]
    assert probe.calls_of(number) == 1
    assert probe.wait_end(probe.start()) == ["Event_Done"]


def test_a_killed_engine_comes_back_and_the_host_goes_on(probe: Probe) -> None:
    waiting = probe.start(lambda _job: _raise(RetryLater("after the engine is back")))
    probe.wait_calls(waiting, 1)
    pid, before = probe.engine.broker.pid, probe.engine.clock.now()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    probe.run(probe.engine.broker.wait_dead())
    probe.run(probe.engine.broker.wait_healthy())
    assert probe.engine.broker.pid != pid and probe.engine.broker.restarts == 1
    assert probe.engine.clock.now() > before
    assert probe.wait_end(probe.start()) == ["Event_Done"]
