"""The worker host: fetches jobs by long polling, runs their tasks in threads, tells the engine what became
of them.

Why not pyzeebe's own worker: docs/adr/0002-worker-host.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import ActivatedJob, ActivateJobsRequest

from workers.engine import failures
from workers.engine.answers import Answers
from workers.engine.failures import BackOff, Failed
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.jobs import BoundTask, Job
from workers.engine.threads import TaskThreads
from workers.settings import EngineSettings

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 15.0
_ANSWER_SECONDS: Final = 5.0  # how much later than asked a poll may end
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_NONE: Final = ("_",)  # an empty fetch list would mean every variable


@dataclass
class TypeStatus:
    """How one job type is doing. `last_poll_at` is the loop's time of the last answered poll, None before
    it."""

    type: str
    last_poll_at: float | None = None
    running: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    """Why the last poll failed; None when it did not."""

    def count(self, outcome: str) -> None:
        """One more job that ended so."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


@dataclass
class _Held:
    """A job that this host has, until (`time.monotonic`) the engine would give it to somebody else."""

    job: Job
    until: float


class WorkerHost:
    """Works off the jobs of some types. At most `settings.max_jobs` of a type are held at once.

    Args:
        handle: where the engine is; it may be down now and at any time.
        tasks: what to do, one per job type.
        settings: job time-out, number of jobs and of threads.
        name: how the engine's records call this worker.

    Raises ValueError when two tasks have one type.
    """

    def __init__(
        self,
        handle: EngineHandle,
        tasks: Sequence[BoundTask],
        settings: EngineSettings,
        name: str = "duban",
        *,
        back_off: BackOff | None = None,
    ) -> None:
        self._tasks = {task.type: task for task in tasks}
        if len(self._tasks) != len(tasks):
            raise ValueError("a job type has one task")
        self._handle = handle
        self._settings = settings
        self._name = name
        self._back_off = back_off or BackOff()
        self._room = {kind: asyncio.Event() for kind in self._tasks}
        self._working: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._threads: TaskThreads | None = None
        self.status = {kind: TypeStatus(kind) for kind in self._tasks}

    def is_alive(self, within: float = 3 * POLL_SECONDS) -> bool:
        """Whether every job type was asked for within so many seconds, or is busy with all that it may
        hold."""
        now = time.monotonic()
        return all(
            status.running >= self._settings.max_jobs
            or (status.last_poll_at is not None and now - status.last_poll_at < within)
            for status in self.status.values()
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what was begun (15 s at most) and give back the rest."""
        self._stopping = False
        for status in self.status.values():
            status.last_poll_at = time.monotonic()
        self._threads = TaskThreads(self._settings.threads)
        try:
            async with Gateway(self._handle) as gateway:
                polls = [asyncio.create_task(self._poll(gateway, task)) for task in self._tasks.values()]
                watch = asyncio.create_task(self._renew(gateway))
                try:
                    await self._until(stop, polls)
                finally:
                    self._stopping = True
                    for poll in (*polls, watch):
                        poll.cancel()
                    await asyncio.gather(*polls, watch, return_exceptions=True)
                    await self._drain()
        finally:
            self._threads.close()
            self._threads = None

    async def _until(self, stop: asyncio.Event, polls: list[asyncio.Task[None]]) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait((stopped, *polls), return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # a poll never ends by itself: whatever it was, it must be seen
        finally:
            stopped.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stopped

    async def _drain(self) -> None:
        if self._working:
            _, late = await asyncio.wait(self._working, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            if late:
                log.warning("jobs left unfinished", extra={"action": "drain-late", "count": len(late)})
                await asyncio.gather(*late, return_exceptions=True)

    async def _poll(self, gateway: Gateway, task: BoundTask) -> None:
        status, room = self.status[task.type], self._room[task.type]
        troubles = 0
        while True:
            free = self._settings.max_jobs - status.running
            if free <= 0:
                room.clear()
                await room.wait()
                continue
            try:
                await self._activate(gateway, task, free)
                status.last_poll_at = time.monotonic()
                status.error = None
                troubles = 0
            except Exception as error:  # whatever it was: a host goes on asking
                rpc = error if isinstance(error, grpc.aio.AioRpcError) else None
                status.error = rpc.code().name if rpc is not None else type(error).__name__
                if troubles in (0, 30):
                    log.warning(
                        "cannot fetch jobs",
                        extra={"action": "poll-failed", "type": task.type, "code": status.error},
                    )
                pause = _PAUSES[min(troubles, len(_PAUSES) - 1)]
                troubles += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    async def _activate(self, gateway: Gateway, task: BoundTask, free: int) -> None:
        request = ActivateJobsRequest(
            type=task.type,
            worker=self._name,
            timeout=self._settings.job_timeout_seconds * 1000,
            maxJobsToActivate=free,
            fetchVariable=task.fetch_variables or _NONE,
            requestTimeout=int(POLL_SECONDS * 1000),
        )
        call = gateway.stub.ActivateJobs(request, timeout=POLL_SECONDS + _ANSWER_SECONDS)
        try:
            async for response in call:
                until = time.monotonic() + self._settings.job_timeout_seconds
                for raw in response.jobs:
                    self._begin(gateway, task, _Held(_job(raw), until))
        finally:
            call.cancel()

    def _begin(self, gateway: Gateway, task: BoundTask, held: _Held) -> None:
        self.status[task.type].running += 1
        work = asyncio.create_task(self._work(gateway, task, held))
        self._working.add(work)
        work.add_done_callback(self._working.discard)

    async def _work(self, gateway: Gateway, task: BoundTask, held: _Held) -> None:
        status = self.status[task.type]
        try:
            outcome = await self._run_in_thread(task, held)
            if outcome is None:
                status.count("expired")  # it waited so long for a thread that others may have it by now
                return
            if isinstance(outcome, Failed) and not self._stopping:
                log.warning(
                    "job failed: %s",
                    outcome.message,
                    extra={"action": "job-failed", "type": task.type, "job": held.job.key},
                )
            told = await Answers(gateway).tell(held.job, outcome, held.until)
            status.count(told)
        except Exception as error:  # never seen; the job comes again after its time-out
            status.count("unheard")
            log.error(
                "job not answered: %s",
                failures.describe(error),
                extra={"action": "job-unanswered", "type": task.type, "job": held.job.key},
            )
        finally:
            status.running -= 1
            self._room[task.type].set()

    async def _run_in_thread(self, task: BoundTask, held: _Held) -> failures.Outcome | None:
        """Run the task with this context's variables; None when its time was up before a thread was free."""
        assert self._threads is not None  # noqa: S101 - for the type checker

        def body() -> failures.Outcome | None:
            if time.monotonic() >= held.until:
                return None
            if self._stopping:
                return Failed(held.job.retries, "given back: the worker stops")
            return failures.run(task, held.job, self._back_off)

        return await self._threads.run(body)

    async def _renew(self, gateway: Gateway) -> None:
        """A new channel when nothing was answered for a while: a name may lead elsewhere now."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self.status and all(status.error == "UNAVAILABLE" for status in self.status.values()):
                gateway.renew()


def _job(raw: ActivatedJob) -> Job:
    return Job(
        key=raw.key,
        type=raw.type,
        process_instance_key=str(raw.processInstanceKey),
        process_id=raw.bpmnProcessId,
        element_id=raw.elementId,
        element_instance_key=str(raw.elementInstanceKey),
        headers=json.loads(raw.customHeaders or "{}"),
        retries=raw.retries,
        variables=json.loads(raw.variables or "{}"),
    )
