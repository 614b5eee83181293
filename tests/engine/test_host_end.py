"""How a host ends, and what it reports of itself."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import asdict

from tests.engine.hosting import QUICK, hosting, outcomes, task
from tests.engine.scripted_gateway import ScriptedGateway, hang, until
from workers.engine.host import WorkerHost
from workers.engine.jobs import Job
from workers.settings import EngineSettings

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
