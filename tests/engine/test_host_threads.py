"""How many jobs a host holds and runs at once, and in which context."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar

from tests.engine.hosting import hosting, outcomes, task
from tests.engine.scripted_gateway import ScriptedGateway, until
from workers.engine.jobs import Job
from workers.engine.polls import GATHERING_SECONDS


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
