"""What the host tells a gateway that fails, how often, and with which pauses between tries."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import grpc
import pytest

from tests.engine.hosting import Handler, hosting, outcomes, raising, task
from tests.engine.scripted_gateway import ScriptedGateway, hang, until
from workers.engine.failures import BackOff
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError, RetryLater
from workers.settings import EngineSettings

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
