"""One run of a worker host: its polls and streams, the jobs it holds, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from workers import metrics
from workers.engine import failures
from workers.engine.answers import Answers
from workers.engine.failures import BackOff, Failed, Outcome
from workers.engine.gateway import Gateway
from workers.engine.held import Held
from workers.engine.jobs import BoundTask
from workers.engine.keep import end, kept
from workers.engine.long_jobs import LongJobs
from workers.engine.polls import Poll
from workers.engine.report import TypeStatus
from workers.engine.room import Room
from workers.engine.streams import JobStream
from workers.engine.threads import TaskThreads
from workers.log_context import about
from workers.settings import EngineSettings
from workers.tracing import Span, span

log = logging.getLogger(__name__)

LAST_ANSWER_SECONDS: Final = 0.5
"""How long the end waits for polls that are being answered, and for what was pushed: jobs that are on their way would
else wait for their time-out. A poll that has no answer by then is one that the engine has no job for."""
HAND_BACK_SECONDS: Final = 3.0
"""How long the end waits until the engine has heard of the jobs that are handed back."""


class Shift:
    """Works off jobs through one gateway, in one set of threads.

    Args:
        tasks: what to do, by job type.
        worker: how the engine's records call this worker.
        statuses: where each type's figures go.
        poll_seconds: how long the engine may keep a request while it has no job.
    """

    def __init__(
        self,
        gateway: Gateway,
        threads: TaskThreads,
        tasks: Mapping[str, BoundTask],
        settings: EngineSettings,
        worker: str,
        statuses: Mapping[str, TypeStatus],
        back_off: BackOff,
        poll_seconds: float,
    ) -> None:
        self._gateway = gateway
        self._threads = threads
        self._settings = settings
        self._statuses = statuses
        self._back_off = back_off
        self._poll_seconds = poll_seconds
        self._answers = Answers(gateway)
        self._working: dict[Held, asyncio.Task[None]] = {}
        self._came_late: set[Held] = set()
        self._is_stopping = False
        self._rooms = {
            kind: Room(settings.max_jobs, statuses[kind], is_shared=settings.stream) for kind in tasks
        }
        self._polls = {
            kind: Poll(
                gateway, task, settings, worker, self._rooms[kind], statuses[kind], self._begin, poll_seconds
            )
            for kind, task in tasks.items()
        }
        self._streams = {
            kind: JobStream(gateway, task, settings, worker, self._rooms[kind], self._begin)
            for kind, task in tasks.items()
        }
        self._shares = {kind: asyncio.Semaphore(thread_share(settings.threads)) for kind in tasks}
        self._long_jobs = LongJobs(gateway, settings, self.held)

    def held(self) -> tuple[Held, ...]:
        """The jobs that are held now. From any thread."""
        return tuple(self._working)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what was begun, as long as the grace period lasts, and hand
        back the rest at once."""
        sources = [
            asyncio.create_task(kept(f"{name} {kind}", source.run))
            for name, of_types in (("poll", self._polls), ("stream", self._streams))
            for kind, source in of_types.items()
        ]
        others = [
            asyncio.create_task(kept("renew", self._renew)),
            asyncio.create_task(kept("long jobs", self._long_jobs.run)),
        ]
        try:
            await stop.wait()
        finally:
            self._is_stopping = True
            for stream in self._streams.values():
                stream.finish()
            if sources:
                await asyncio.wait(sources, timeout=LAST_ANSWER_SECONDS)
            await end(sources)
            await self._drain()
            await end(others)

    def _begin(self, task: BoundTask, held: Held) -> None:
        if self._is_stopping:
            self._came_late.add(held)
            return
        self._statuses[task.type].running += 1
        work = asyncio.create_task(self._work(task, held))
        self._working[held] = work
        work.add_done_callback(lambda _: self._ended(task.type, held))

    def _ended(self, kind: str, held: Held) -> None:
        del self._working[held]
        self._statuses[kind].running -= 1
        self._rooms[kind].changed()

    async def _work(self, task: BoundTask, held: Held) -> None:
        with about(**held.facts), traced(held) as done:
            try:
                ended = await self._told(task, held, done)
            except Exception as error:  # never seen; the job comes again after its time-out
                ended = "unheard"
                done.error = failures.describe(error)
                log.error("job not answered: %s", done.error, extra={"action": "job-unanswered"})
            done.attributes["outcome"] = ended
            self._statuses[task.type].count(ended)
            metrics.JOB_DURATION.labels(task.type).observe(time.monotonic() - held.came_at)

    async def _told(self, task: BoundTask, held: Held, done: Span) -> str:
        """Do the job and tell the engine. Returns what to count."""
        outcome = await self._outcome(task, held)
        if outcome is None:
            return "expired"  # it waited so long for a thread that others may have it by now
        if isinstance(outcome, Failed):
            done.error = outcome.message
            log.warning("job failed: %s", outcome.message, extra={"action": "job-failed"})
        return await self._answers.tell(held.job, outcome, held.until)

    async def _outcome(self, task: BoundTask, held: Held) -> Outcome | None:
        """Run the task with this context's variables; None when its time was up before a thread was free."""

        def body() -> Outcome | None:
            if not held.begin():
                return None
            if held.unreadable is not None:
                return Failed(0, f"{task.type}: {held.unreadable}")
            return failures.run(task, held.job, self._back_off)

        async with self._shares[task.type]:
            return await self._threads.run(body)

    async def _drain(self) -> None:
        """Hand back what was not begun, wait for the rest, hand back what is late."""
        waiting = self._came_late | {held for held in self._working if held.take_back()}
        begun = [work for held, work in self._working.items() if held not in waiting]
        handing_back = asyncio.create_task(self._hand_back(waiting))
        if begun:
            await asyncio.wait(begun, timeout=self._settings.grace_seconds)
        await handing_back
        late = set(self._working)
        if late:
            log.warning("jobs left unfinished", extra={"action": "drain-late", "count": len(late)})
            await self._hand_back(late)

    async def _hand_back(self, jobs: set[Held]) -> None:
        """Their tries stay as they were, and other workers have them at once."""
        await end(self._working[held] for held in jobs if held in self._working)
        await asyncio.gather(*(self._return(held) for held in jobs))

    async def _return(self, held: Held) -> None:
        outcome = Failed(held.job.retries, "given back: the worker stops")
        until = time.monotonic() + HAND_BACK_SECONDS
        with about(**held.facts):
            told = await self._answers.tell(held.job, outcome, until)
        self._statuses[held.job.type].count("returned" if told == "failed" else told)

    async def _renew(self) -> None:
        """A new channel when nothing was answered for a while: a name may lead elsewhere now, or a connection
        be dead without a sign."""
        while True:
            await asyncio.sleep(self._poll_seconds)
            asked = [status for status in self._statuses.values() if status.running < self._settings.max_jobs]
            if asked and all(status.error is not None for status in asked):
                log.warning("new channel to the engine", extra={"action": "channel-renewed"})
                self._gateway.renew()


def traced(held: Held) -> AbstractContextManager[Span]:
    """The job as a part of its case's trace."""
    job = held.job
    return span(
        f"job {job.type}",
        held.number,
        "consumer",
        job_type=job.type,
        job_key=str(job.key),
        process_id=job.process_id,
        process_instance_key=job.process_instance_key,
        element_id=job.element_id,
        retries=job.retries,
    )


def thread_share(threads: int) -> int:
    """How many threads one job type may have: where it is slow or hangs, a quarter is left for the others."""
    return max(1, threads - max(1, threads // 4))
