"""Jobs that take long, tasks that hang, and code that blocks the event loop."""

from __future__ import annotations

import asyncio
import threading
import time

import grpc
import pytest

from tests.engine.hosting import hosting, outcomes, task
from tests.engine.scripted_gateway import ScriptedGateway, until
from workers.engine.jobs import Job


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
            assert "hanging_in_the_test (test_host_long_jobs.py:" in caplog.text
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
    assert "blocking_on_the_loop (test_host_long_jobs.py:" in caplog.text
    assert "goes on after" in caplog.text
