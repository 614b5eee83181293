"""The worker host against a gateway that fails on purpose: each sharp edge of docs/worker-host.md."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import grpc
import pytest

from tests.engine.scripted_gateway import ScriptedGateway, hang, until
from workers.engine.failures import BackOff
from workers.engine.gateway import EngineHandle
from workers.engine.host import WorkerHost
from workers.engine.jobs import BoundTask, Job, Task, bind
from workers.engine.keep import end, kept
from workers.engine.polls import GATHERING_SECONDS
from workers.errors import Broken, BusinessError, RetryLater
from workers.settings import EngineSettings

Handler = Callable[[Job], Mapping[str, Any] | None]
QUICK = {"retry_seconds": 0.05, "retry_longest_seconds": 0.2, "grace_seconds": 5}


def task(kind: str, handler: Handler = lambda _job: None) -> BoundTask:
    def work(*, job: Job) -> Mapping[str, Any] | None:
        return handler(job)

    return bind(Task(kind, work), {})


@asynccontextmanager
async def hosting(
    gateway: ScriptedGateway,
    *tasks: BoundTask,
    poll_seconds: float = 1.0,
    handle: EngineHandle | None = None,
    **settings: Any,
) -> AsyncIterator[WorkerHost]:
    """A host on some tasks for the length of the block."""
    host = WorkerHost(
        handle or gateway.handle, tasks, EngineSettings(**{**QUICK, **settings}), poll_seconds=poll_seconds
    )
    stop = asyncio.Event()
    running = asyncio.create_task(host.run(stop))
    try:
        yield host
    finally:
        stop.set()
        await running


def outcomes(host: WorkerHost, kind: str = "work") -> dict[str, int]:
    return host.status[kind].outcomes


def raising(error: BaseException) -> Handler:
    def handler(_job: Job) -> None:
        raise error

    return handler


# Reconnecting


def test_an_outage_of_any_length_is_survived_and_the_host_says_that_it_was_not_alive() -> None:
    """pyzeebe's worker has ten tries for its whole life."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.1) as host:
            await until(host.is_alive)
            gateway.faults["ActivateJobs"].extend([grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE] * 5)
            await until(lambda: not gateway.faults["ActivateJobs"])
            await gateway.stop()
            await until(lambda: host.report().types[0].error == "UNAVAILABLE" and not host.is_alive())
            trouble = host.report().trouble
            assert trouble is not None and "does not answer for work" in trouble
            await gateway.start()
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))
            await until(host.is_alive)

    asyncio.run(story())


def test_a_gateway_that_hangs_is_asked_again_over_a_new_connection() -> None:
    """A connection can be dead without a sign: every call has a deadline, and then the channel is rebuilt."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.3) as host:
            await until(host.is_alive)
            gateway.always["ActivateJobs"] = hang
            before = {call.peer for call in gateway.calls}
            await until(lambda: host.status["work"].error == "DEADLINE_EXCEEDED")
            await gateway.wait(lambda: bool({call.peer for call in gateway.calls} - before))
            del gateway.always["ActivateJobs"]
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))
            await until(host.is_alive)
            assert all(call.seconds_left is not None for call in gateway.calls), "every call has a deadline"

    asyncio.run(story())


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK], ids=lambda code: code.name
)
def test_no_status_of_one_job_type_stops_it_for_good_or_any_other_type(code: grpc.StatusCode) -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway:
            gateway.always["ActivateJobs sick"] = code
            async with hosting(gateway, task("sick"), task("sound"), poll_seconds=0.2) as host:
                sound, sick = await gateway.offer("sound"), await gateway.offer("sick")
                await gateway.wait(lambda: bool(gateway.named("CompleteJob", sound)))
                await until(lambda: host.status["sick"].error is not None)
                assert host.status["sound"].error is None
                del gateway.always["ActivateJobs sick"]
                await gateway.wait(lambda: bool(gateway.named("CompleteJob", sick)))

    asyncio.run(story())


def test_a_channel_that_is_closed_under_its_calls_is_built_anew() -> None:
    """gRPC then says CancelledError or UsageError, which must not end a poll."""

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), poll_seconds=0.3) as host:
            await until(host.is_alive)
            assert host._shift is not None and host._shift._gateway._channel is not None
            await host._shift._gateway._channel.close(None)
            key = await gateway.offer("work")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", key)))

    asyncio.run(story())


def test_a_loop_of_the_host_that_breaks_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def breaks() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise TypeError("13800000000")
        if len(begun) == 2:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async def story() -> None:
        loop = asyncio.create_task(kept("probe", breaks))
        await until(lambda: len(begun) == 3)
        await end([loop])
        assert loop.cancelled()

    asyncio.run(story())
    assert "probe broke" in caplog.text and "TypeError in breaks" in caplog.text
    assert "13800000000" not in caplog.text


# Answers


@pytest.mark.parametrize(
    ("handler", "call"),
    [
        (lambda _job: {"is_done": True}, "CompleteJob"),
        (raising(RetryLater("later")), "FailJob"),
        (raising(BusinessError("NO", "as the diagram expects")), "ThrowError"),
    ],
    ids=["complete", "fail", "throw"],
)
def test_an_answer_is_said_again_until_it_is_heard(handler: Handler, call: str) -> None:
    """Back pressure, an outage, a token that ran out, a proxy's own page: the work is done once, told until heard."""
    refusals = [
        "RESOURCE_EXHAUSTED",
        "UNAVAILABLE",
        "INTERNAL",
        "UNAUTHENTICATED",
        "UNKNOWN",
        "PERMISSION_DENIED",
    ]

    async def story() -> None:
        done: list[int] = []

        def noting(job: Job) -> Mapping[str, Any] | None:
            done.append(job.key)
            return handler(job)

        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work", noting), retry_seconds=60) as host,
        ):
            gateway.faults[call].extend(grpc.StatusCode[name] for name in refusals)
            key = await gateway.offer("work")
            await until(lambda: bool(outcomes(host)), 60)
            calls = gateway.named(call, key)
            assert len(calls) == len(refusals) + 1 and done == [key]
            pauses = [after.at - before.at for before, after in itertools.pairwise(calls)]
            assert pauses[-1] > pauses[0] * 2, "the pauses grow"

    asyncio.run(story())


@pytest.mark.parametrize("code", [grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION])
def test_a_job_that_somebody_else_did_is_counted_and_alarms_nobody(
    code: grpc.StatusCode, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work")) as host:
            gateway.faults["CompleteJob"].append(code)
            await gateway.offer("work")
            await until(lambda: outcomes(host) == {"gone": 1})
            assert len(gateway.named("CompleteJob")) == 1 and not gateway.named("FailJob")

    asyncio.run(story())
    assert not [line for line in caplog.records if line.levelno >= logging.WARNING]


def test_nothing_is_said_after_the_job_s_time_is_up_and_the_next_try_is_heard() -> None:
    async def story() -> None:
        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work"), job_timeout_seconds=1, poll_seconds=0.3) as host,
        ):
            gateway.always["CompleteJob"] = grpc.StatusCode.UNAVAILABLE
            key = await gateway.offer("work")
            await until(lambda: "unheard" in outcomes(host))
            first = [call.at for call in gateway.named("CompleteJob", key)]
            assert first[-1] - first[0] < 1.2
            del gateway.always["CompleteJob"]
            await until(lambda: "completed" in outcomes(host))
            assert gateway.activations[key] >= 2

    asyncio.run(story())


def test_a_gateway_that_hangs_on_an_answer_is_asked_again() -> None:
    async def story() -> None:
        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work"), job_timeout_seconds=2) as host,
        ):
            gateway.faults["CompleteJob"].append(hang)
            key = await gateway.offer("work")
            await until(lambda: "completed" in outcomes(host) or "unheard" in outcomes(host))
            assert all((call.seconds_left or 99) <= 10 for call in gateway.named("CompleteJob", key))

    asyncio.run(story())


def test_a_result_that_the_engine_refuses_is_an_incident_and_no_loop() -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work")) as host:
            gateway.faults["CompleteJob"].append(grpc.StatusCode.INVALID_ARGUMENT)
            key = await gateway.offer("work")
            await until(lambda: outcomes(host) == {"failed": 1})
            (failed,) = gateway.named("FailJob", key)
            assert failed.request.retries == 0 and "INVALID_ARGUMENT" in failed.request.errorMessage

    asyncio.run(story())


@pytest.mark.parametrize(
    "handler",
    [
        lambda _job: {"amount": Decimal("1.00")},
        lambda _job: {"share": float("nan")},
        raising(Broken("no row")),
        raising(SystemExit("a task must not end the worker")),
    ],
    ids=["decimal", "nan", "broken", "exit"],
)
def test_what_cannot_be_better_next_time_uses_up_no_tries_in_a_loop(handler: Handler) -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work", handler)) as host:
            key = await gateway.offer("work", retries=2)
            await until(lambda: not gateway.open)
            assert gateway.named("FailJob", key)[-1].request.retries == 0
            assert gateway.named("FailJob", key)[-1].request.errorMessage
            assert gateway.activations[key] <= 2
            # The host counts when it has the answer, a moment after the gateway gave it.
            await until(lambda: outcomes(host).get("failed") == gateway.activations[key])

    asyncio.run(story())


def test_variables_that_cannot_be_read_fail_their_job_and_not_its_neighbours() -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway:
            bad = await gateway.offer("work", "[" * 100_000)
            good = await gateway.offer("work")
            async with hosting(gateway, task("work")):
                await gateway.wait(lambda: bool(gateway.named("CompleteJob", good)))
                await gateway.wait(lambda: bool(gateway.named("FailJob", bad)))
            (failed,) = gateway.named("FailJob", bad)
            assert failed.request.retries == 0 and "cannot be read" in failed.request.errorMessage

    asyncio.run(story())


# Pauses between tries


def test_pauses_double_have_jitter_are_bounded_and_each_job_type_has_its_own() -> None:
    settings = EngineSettings(
        retry_seconds=1, retry_longest_seconds=60, retry_seconds_by_type={"post-refund": 30}
    )
    back_off = BackOff.of(settings)

    def pauses(kind: str) -> list[float]:
        key = hash(kind)
        jobs = [Job(key, kind, "1", "p", "e", "2", {}, retries, {}) for retries in range(8, 0, -1)]
        return [back_off.after(job).total_seconds() for job in jobs]

    for step, pause in enumerate(pauses("classify-complaint")):
        assert min(2**step, 60) / 2 <= pause <= min(2**step, 60)
    assert all(15 <= pause <= 60 for pause in pauses("post-refund"))
    assert len(set(pauses("notify-customer"))) > 1
    job = Job(1, "work", "1", "p", "e", "2", {}, 3, {})
    assert len({back_off.after(job) for _ in range(20)}) > 10, (
        "jobs that failed together do not come back together"
    )


def test_a_failed_job_comes_again_after_its_pause_and_its_last_failure_is_an_incident() -> None:
    async def story() -> None:
        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work", raising(RetryLater("not yet"))), retry_longest_seconds=2) as host,
        ):
            key = await gateway.offer("work", retries=3)
            await until(lambda: outcomes(host).get("failed") == 3)
            told = [call.request for call in gateway.named("FailJob", key)]
            assert [request.retries for request in told] == [2, 1, 0]
            assert 0 < told[0].retryBackOff < told[2].retryBackOff
            assert not gateway.open

    asyncio.run(story())


# The cap, threads, context


def test_the_cap_holds_and_a_free_place_is_used_soon() -> None:
    """pyzeebe sleeps five seconds when it is full; here the next job is there soon after one ends."""

    async def story() -> None:
        gates = [threading.Event() for _ in range(12)]
        running, most, lock = set[int](), [0], threading.Lock()

        def wait(job: Job) -> None:
            with lock:
                running.add(job.key)
                most[0] = max(most[0], len(running))
            assert gates[job.variables["index"]].wait(60)
            with lock:
                running.remove(job.key)

        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work", wait), max_jobs=3, threads=8) as host,
        ):
            for index in range(12):
                await gateway.offer("work", {"index": index})
            await until(lambda: len(running) == 3)
            for index in range(12):
                at = time.monotonic()
                gates[index].set()
                await until(lambda index=index: len(gateway.named("CompleteJob")) == index + 1)
                await until(lambda index=index: len(running) == min(3, 11 - index))
                assert time.monotonic() - at < 3, "nobody slept"
                assert host.status["work"].running <= 3
            assert most == [3]
            asked = [call.request.maxJobsToActivate for call in gateway.named("ActivateJobs")]
            assert max(asked) == 3

    asyncio.run(story())


def test_a_busy_worker_asks_now_and_then_for_what_has_gathered() -> None:
    """One request for several jobs is less work for the engine than several, and others may be free for them."""

    async def story() -> None:
        may_end, running = threading.Event(), list[int]()

        def wait(job: Job) -> None:
            running.append(job.key)
            assert may_end.wait(60)

        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work", wait), poll_seconds=10) as host,
        ):
            for count in range(1, 6):
                await gateway.offer("work")
                await until(lambda count=count: len(running) == count)
            first, *_, last = (call.at for call in gateway.named("ActivateJobs"))
            assert last - first > 3 * GATHERING_SECONDS, "four requests while a job was held"
            may_end.set()
            await until(lambda: outcomes(host) == {"completed": 5})

    asyncio.run(story())


def test_as_many_tasks_run_at_once_as_there_are_threads_and_a_slow_type_leaves_some_to_others() -> None:
    async def story() -> None:
        may_end, running, lock = threading.Event(), list[int](), threading.Lock()

        def slow(job: Job) -> None:
            with lock:
                running.append(job.key)
            assert may_end.wait(60)

        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("slow", slow), task("quick"), threads=24, max_jobs=40),
        ):
            for _ in range(40):
                await gateway.offer("slow")
            await until(lambda: len(running) == 18)  # more than asyncio's own pool has on two cores
            quick = await gateway.offer("quick")
            await gateway.wait(lambda: bool(gateway.named("CompleteJob", quick)))
            assert len(running) == 18
            may_end.set()
            await until(lambda: not gateway.open)

    asyncio.run(story())


def test_tasks_see_the_context_of_their_host_and_run_in_threads_of_their_own() -> None:
    async def story() -> None:
        tint: ContextVar[str] = ContextVar("tint", default="none")
        seen: list[tuple[str, bool]] = []

        def look(_job: Job) -> None:
            seen.append((tint.get(), threading.current_thread() is threading.main_thread()))
            tint.set("changed by a task")

        tint.set("as in the host")
        async with ScriptedGateway() as gateway, hosting(gateway, task("work", look), threads=1):
            for _ in range(2):
                await gateway.offer("work")
            await until(lambda: not gateway.open)
        assert seen == [("as in the host", False)] * 2
        assert tint.get() == "as in the host"

    asyncio.run(story())


# Long jobs, hanging tasks, a blocked loop


def test_a_long_job_extends_its_own_time_out_and_is_done_once() -> None:
    async def story() -> None:
        may_end = threading.Event()
        async with (
            ScriptedGateway() as gateway,
            hosting(
                gateway, task("work", lambda _job: may_end.wait(60) and None), job_timeout_seconds=1
            ) as host,
        ):
            key = await gateway.offer("work")
            await gateway.wait(lambda: len(gateway.named("UpdateJobTimeout", key)) >= 4)
            assert gateway.activations[key] == 1, "nobody else was given it"
            may_end.set()
            await until(lambda: outcomes(host) == {"completed": 1})
            assert gateway.named("UpdateJobTimeout", key)[0].request.timeout == 1000

    asyncio.run(story())


def test_a_task_that_hangs_is_named_its_job_goes_to_others_and_the_host_says_that_it_is_stuck(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def story() -> None:
        may_end = threading.Event()

        def hanging_in_the_test(_job: Job) -> None:
            assert may_end.wait(60)

        async with (
            ScriptedGateway() as gateway,
            hosting(
                gateway,
                task("work", hanging_in_the_test),
                job_timeout_seconds=1,
                job_limit_seconds=2,
                threads=1,
                poll_seconds=0.5,
            ) as host,
        ):
            key = await gateway.offer("work")
            await until(lambda: "a task hangs" in caplog.text)
            assert "hanging_in_the_test (test_host_against_script.py:" in caplog.text
            await until(lambda: gateway.activations[key] == 2)
            report = host.report()
            assert report.stuck == 1 and not report.is_alive
            assert report.trouble is not None and "Tasks hang" in report.trouble and "work" in report.trouble
            may_end.set()
            await until(host.is_alive)

    asyncio.run(story())


def test_an_engine_that_cannot_extend_is_asked_once(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        may_end = threading.Event()
        async with (
            ScriptedGateway() as gateway,
            hosting(gateway, task("work", lambda _job: may_end.wait(60) and None), job_timeout_seconds=1),
        ):
            gateway.always["UpdateJobTimeout"] = grpc.StatusCode.UNIMPLEMENTED
            key = await gateway.offer("work")
            await until(lambda: gateway.activations[key] == 2)
            assert len(gateway.named("UpdateJobTimeout")) == 1
            may_end.set()
            await until(lambda: not gateway.open)

    asyncio.run(story())
    assert "cannot extend time-outs" in caplog.text


def test_code_that_blocks_the_loop_is_named_while_it_blocks(caplog: pytest.LogCaptureFixture) -> None:
    def blocking_on_the_loop() -> None:
        time.sleep(2.5)

    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work")) as host:
            await until(host.is_alive)
            lags: list[float] = []
            probe = threading.Timer(2.2, lambda: lags.append(host.report().loop_lag_seconds))
            probe.start()
            blocking_on_the_loop()
            probe.join()
            assert lags[0] > 0.5, "another thread is told while the loop says nothing"
            await until(lambda: host.report().loop_lag_seconds < 0.5)

    asyncio.run(story())
    assert "blocking_on_the_loop (test_host_against_script.py:" in caplog.text
    assert "goes on after" in caplog.text


# The end


def test_the_end_waits_for_what_was_begun_and_hands_back_the_rest_at_once() -> None:
    async def story() -> None:
        may_end, begun = threading.Event(), threading.Event()

        def slow(_job: Job) -> None:
            begun.set()
            assert may_end.wait(60)

        async with ScriptedGateway() as gateway:
            host = WorkerHost(gateway.handle, [task("work", slow)], EngineSettings(**QUICK, threads=1))
            stop = asyncio.Event()
            running = asyncio.create_task(host.run(stop))
            keys = [await gateway.offer("work", retries=3) for _ in range(3)]
            await until(lambda: begun.is_set() and host.status["work"].running == 3)
            stop.set()
            await gateway.wait(lambda: len(gateway.named("FailJob")) == 2)
            assert not may_end.is_set() and not gateway.named("CompleteJob"), "the one that was begun goes on"
            may_end.set()
            await running
            (completed,) = gateway.named("CompleteJob")
            returned = [call.request for call in gateway.named("FailJob")]
            assert sorted([completed.request.jobKey, *(each.jobKey for each in returned)]) == keys
            assert {each.retries for each in returned} == {3}, "handing back uses up no tries"
            assert {each.retryBackOff for each in returned} == {0}, "others have it at once"
            assert outcomes(host) == {"completed": 1, "returned": 2}

    asyncio.run(story())


def test_what_does_not_end_within_the_grace_period_is_handed_back_and_the_host_ends() -> None:
    async def story() -> None:
        may_end = threading.Event()
        async with ScriptedGateway() as gateway:
            settings = EngineSettings(**{**QUICK, "grace_seconds": 0.5})
            host = WorkerHost(
                gateway.handle, [task("work", lambda _job: may_end.wait(60) and None)], settings
            )
            stop = asyncio.Event()
            running = asyncio.create_task(host.run(stop))
            key = await gateway.offer("work", retries=3)
            await until(lambda: host.status["work"].running == 1)
            await until(lambda: host._shift is not None and all(h.begun_at for h in host._shift.held()))
            stop.set()
            await asyncio.wait_for(running, 10)
            (returned,) = gateway.named("FailJob", key)
            assert returned.request.retries == 3 and "worker stops" in returned.request.errorMessage
            may_end.set()
            await asyncio.sleep(0.2)
            assert not gateway.named("CompleteJob"), "what comes too late is not told"

    asyncio.run(story())


def test_a_job_that_is_on_its_way_when_the_end_comes_is_handed_back_and_waits_for_no_time_out() -> None:
    """A rolling restart under load: the engine has handed it out, and a poll that is cut off would leave it there."""

    async def slowly() -> None:
        await asyncio.sleep(0.2)

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            begun: list[int] = []
            gateway.always["ActivateJobs"] = slowly
            host = WorkerHost(
                gateway.handle, [task("work", lambda job: begun.append(job.key))], EngineSettings(**QUICK)
            )
            stop = asyncio.Event()
            running = asyncio.create_task(host.run(stop))
            await gateway.wait(lambda: bool(gateway.named("ActivateJobs")))
            key = await gateway.offer("work", retries=3)
            stop.set()
            await running
            assert gateway.activations[key] == 1 and begun == []
            (returned,) = gateway.named("FailJob", key)
            assert returned.request.retries == 3 and outcomes(host) == {"returned": 1}

    asyncio.run(story())


def test_the_end_has_a_deadline_even_when_the_gateway_hangs() -> None:
    async def story() -> None:
        may_end = threading.Event()
        async with ScriptedGateway() as gateway:
            settings = EngineSettings(**{**QUICK, "grace_seconds": 0.5})
            host = WorkerHost(
                gateway.handle, [task("work", lambda _job: may_end.wait(60) and None)], settings
            )
            stop = asyncio.Event()
            running = asyncio.create_task(host.run(stop))
            await gateway.offer("work")
            await until(lambda: host.status["work"].running == 1)
            gateway.always = {"FailJob": hang, "ActivateJobs": hang}
            stop.set()
            await asyncio.wait_for(running, 10)
            may_end.set()

    asyncio.run(story())


def test_a_host_that_was_stopped_can_run_again() -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway:
            host = WorkerHost(gateway.handle, [task("work")], EngineSettings(**QUICK), poll_seconds=0.5)
            for _ in range(2):
                stop = asyncio.Event()
                running = asyncio.create_task(host.run(stop))
                key = await gateway.offer("work")
                await gateway.wait(lambda key=key: bool(gateway.named("CompleteJob", key)))
                stop.set()
                await running
            assert outcomes(host) == {"completed": 2}

    asyncio.run(story())


# The report


def test_the_report_is_plain_numbers_and_names() -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway, hosting(gateway, task("work"), task("idle")) as host:
            await until(host.is_alive)
            await gateway.offer("work", {"number": "13800000000"})
            await until(lambda: outcomes(host) == {"completed": 1})
            report = asdict(host.report())
            assert json.loads(json.dumps(report)) == json.loads(json.dumps(report))
            assert "13800000000" not in json.dumps(report)
            (work, idle) = report["types"]
            assert (work["type"], work["done"], work["failed"], work["running"]) == ("work", 1, 0, 0)
            assert idle["done"] == 0 and report["trouble"] is None and report["name"] == "duban"

    asyncio.run(story())
