"""Jobs that the engine pushes: they are begun at once, within the cap, and none is left behind."""

from __future__ import annotations

import asyncio
import threading
import time

import grpc
import pytest

from tests.engine.hosting import QUICK, hosting, outcomes, task
from tests.engine.scripted_gateway import ScriptedGateway, until
from workers.engine.host import WorkerHost
from workers.engine.jobs import BoundTask, Job, Task, bind
from workers.engine.streams import Unread
from workers.settings import EngineSettings


def reading(*names: str) -> BoundTask:
    """A task whose variables are these."""
    given = ", ".join(f"{name}=None" for name in names)
    return bind(Task("work", eval(f"lambda *, {given}: None")), {})  # noqa: S307 - the test's own text


def test_a_job_is_pushed_as_it_comes_up_and_asked_for_by_nobody() -> None:
    """Its variables are named once: Zeebe 8.5 writes a pushed job that nobody can read where a name comes twice."""

    async def story() -> None:
        async with (
            ScriptedGateway(pushes=True) as gateway,
            hosting(gateway, reading("number", "policy"), poll_seconds=60) as host,
        ):
            await gateway.wait(lambda: bool(gateway.streams["work"] and gateway.named("ActivateJobs")))
            for _ in range(50):
                await gateway.offer("work", {"number": "TS1"})
            await until(lambda: outcomes(host) == {"completed": 50})
            assert len(gateway.named("ActivateJobs")) == 1, "the one that was there before"
            (stream,) = gateway.named("StreamActivatedJobs")
            assert sorted(stream.request.fetchVariable) == ["number", "policy"]
            assert stream.request.timeout == 60_000 and stream.seconds_left is not None

    asyncio.run(story())


def test_what_is_pushed_and_what_is_asked_for_together_keep_to_the_cap() -> None:
    """Twelve are pushed and twelve were there before; never more than four are held, and all are done, once."""

    async def story() -> None:
        may_end, most, lock = threading.Semaphore(0), [0], threading.Lock()

        def wait(_job: Job) -> None:
            with lock:
                most[0] = max(most[0], host.status["work"].running)
            assert may_end.acquire(timeout=60)

        async with ScriptedGateway(pushes=True) as gateway:
            for _ in range(12):
                await gateway.offer("work")
            async with hosting(gateway, task("work", wait), max_jobs=4, threads=8) as host:
                await gateway.wait(lambda: bool(gateway.streams["work"]))
                for _ in range(12):
                    await gateway.offer("work")
                for done in range(24):
                    await until(lambda: host.status["work"].running > 0)
                    may_end.release()
                    await until(lambda done=done: outcomes(host).get("completed", 0) > done)
                    assert host.status["work"].running <= 4
                assert outcomes(host) == {"completed": 24} and not gateway.open
                assert set(gateway.activations.values()) == {1}
                assert 2 <= most[0] <= 4
                assert {call.request.maxJobsToActivate for call in gateway.named("ActivateJobs")} <= {1, 2}

    asyncio.run(story())


def test_a_stream_that_breaks_is_opened_again() -> None:
    """What comes up meanwhile is asked for."""

    async def story() -> None:
        async with ScriptedGateway(pushes=True) as gateway, hosting(gateway, task("work")) as host:
            gateway.faults["StreamActivatedJobs"].extend(
                [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL]
            )
            await gateway.wait(lambda: bool(gateway.streams["work"]))
            await gateway.offer("work")
            await until(lambda: outcomes(host) == {"completed": 1})
            await gateway.stop()
            await gateway.offer("work")
            await gateway.start()
            await gateway.wait(lambda: bool(gateway.streams["work"]))
            await gateway.offer("work")
            await until(lambda: outcomes(host) == {"completed": 3})

    asyncio.run(story())


@pytest.mark.parametrize(
    ("pushes", "settings"), [(False, {}), (True, {"stream": False}), (True, {"max_jobs": 1})]
)
def test_without_a_stream_requests_may_fill_all_places(pushes: bool, settings: dict[str, int]) -> None:
    """A gateway that knows none, a setting, and a cap that leaves none for it."""

    async def story() -> None:
        async with (
            ScriptedGateway(pushes=pushes) as gateway,
            hosting(gateway, task("work"), poll_seconds=0.2, **settings) as host,
        ):
            await gateway.offer("work")
            await until(lambda: outcomes(host) == {"completed": 1})
            most = settings.get("max_jobs", 32)
            await gateway.wait(
                lambda: any(call.request.maxJobsToActivate == most for call in gateway.named("ActivateJobs"))
            )
            assert not gateway.named("StreamActivatedJobs")

    asyncio.run(story())


def test_the_end_reads_what_was_pushed_and_hands_it_back() -> None:
    """Two are held, six wait in the connection: all eight are told of before the host ends."""

    async def story() -> None:
        may_end, begun = threading.Event(), threading.Event()

        def slow(_job: Job) -> None:
            begun.set()
            assert may_end.wait(60)

        async with ScriptedGateway(pushes=True) as gateway:
            settings = EngineSettings(**QUICK, threads=1, max_jobs=4)
            host = WorkerHost(gateway.handle, [task("work", slow)], settings)
            stop = asyncio.Event()
            running = asyncio.create_task(host.run(stop))
            await gateway.wait(lambda: bool(gateway.streams["work"]))
            keys = [await gateway.offer("work", retries=3) for _ in range(8)]
            await until(lambda: begun.is_set() and len(gateway.activations) == 8)
            assert host.status["work"].running <= 4
            stop.set()
            await gateway.wait(lambda: len(gateway.named("FailJob")) == 7)
            may_end.set()
            await running
            returned = [call.request for call in gateway.named("FailJob")]
            (completed,) = gateway.named("CompleteJob")
            assert sorted([completed.request.jobKey, *(each.jobKey for each in returned)]) == keys
            assert {each.retries for each in returned} == {3}

    asyncio.run(story())


def test_a_job_that_lay_unread_is_ours_for_what_is_left_of_its_time() -> None:
    """By its deadline on the engine's clock, which may be days ahead of this machine's or behind it."""
    for clock in (-86_400.0, 0.0, 86_400.0):
        offset = time.time() - time.monotonic() + clock
        unread = Unread(60)

        def deadline(pushed_at: float, offset: float = offset) -> float:
            return pushed_at + offset + 60

        assert unread.until(deadline(100), 100, 5) == 160
        unread.grows(101)
        assert unread.until(deadline(102), 130, 0) == pytest.approx(162)
        assert unread.until(deadline(129), 130.1, 0) == pytest.approx(189)
        assert unread.until(deadline(130.15), 130.2, 0) == pytest.approx(190.2), "read as it came"
        assert unread.until(deadline(131) - 3600, 131, 0) == 191, "the engine's clock was put back"


def test_an_unknown_clock_makes_no_job_older_than_the_pause_and_not_for_long() -> None:
    unread = Unread(60)
    unread.grows(100)
    assert unread.until(0, 130, 0) == 160, "no older than thirty seconds"
    assert unread.until(0, 131, 2) == 191, "nothing was there for two seconds: it has just come"
    unread.grows(200)
    ours = [unread.until(-1000, 290, 0) for _ in range(600)]
    assert ours[0] < 290 and ours[-1] == 350, "the connection has no room for so many"
