"""The worker host: takes jobs that the engine pushes or that it asks for, runs their tasks in threads, tells the
engine what became of them.

Why not pyzeebe's own worker: docs/adr/0002-worker-host.md. What can go wrong, and what is done about it:
docs/worker-host.md.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from typing import Final

from workers.engine.failures import BackOff
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.held import Held
from workers.engine.jobs import BoundTask
from workers.engine.loop_watch import LoopWatch
from workers.engine.polls import POLL_SECONDS
from workers.engine.report import HostReport, TypeStatus
from workers.engine.shift import Shift, thread_share
from workers.engine.threads import TaskThreads
from workers.settings import EngineSettings

_SILENCE: Final = 3.0
"""After so many polls' time without an answer a job type is silent."""


def worker_name() -> str:
    """How this process is called in the engine's records and on the operations page: machine (or pod) and process."""
    return f"duban-{socket.gethostname()}-{os.getpid()}"


class WorkerHost:
    """Works off the jobs of some types. At most `settings.max_jobs` of a type are held at once.

    Args:
        handle: where the engine is; it may be down now and at any time.
        tasks: what to do, one per job type.
        settings: job time-out, numbers of jobs and threads, pauses, grace.
        name: how the engine's records call this worker.
        back_off: pauses between tries; the settings' by default.
        poll_seconds: how long the engine may keep a request while it has no job.

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
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._tasks = {task.type: task for task in tasks}
        if len(self._tasks) != len(tasks):
            raise ValueError("a job type has one task")
        self._handle = handle
        self._settings = settings
        self._name = name
        self._back_off = back_off or BackOff.of(settings)
        self._poll_seconds = poll_seconds
        self._shift: Shift | None = None
        self._watch: LoopWatch | None = None
        self.status = {kind: TypeStatus(kind) for kind in self._tasks}

    def is_alive(self) -> bool:
        """Whether this host works; one that does not is best started again. From any thread."""
        return self.report().is_alive

    def report(self) -> HostReport:
        """How it is doing now. From any thread, whether it runs or not."""
        now = time.monotonic()
        held = self._shift.held() if self._shift else ()
        stuck = [one for one in held if one.running_seconds(now) > self._settings.job_limit_seconds]
        lag = self._watch.lag_seconds if self._watch else 0.0
        return HostReport(
            name=self._name,
            trouble=self._blocked(lag) or self._hanging(stuck) or self._silent(now),
            loop_lag_seconds=lag,
            stuck=len(stuck),
            types=tuple(status.report(now) for status in self.status.values()),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what was begun, as long as the grace period lasts, and hand
        back the rest at once. May be run again."""
        for status in self.status.values():
            status.last_poll_at = time.monotonic()
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(Gateway(self._handle))
            threads = stack.enter_context(closing(TaskThreads(self._settings.threads)))
            self._watch = stack.enter_context(LoopWatch())
            self._shift = Shift(
                gateway,
                threads,
                self._tasks,
                self._settings,
                self._name,
                self.status,
                self._back_off,
                self._poll_seconds,
            )
            await self._shift.run(stop)

    def _blocked(self, lag: float) -> str | None:
        if lag < _SILENCE * self._poll_seconds:
            return None
        place = self._watch.place if self._watch else ""
        return f"事件循环停滞。 The event loop has been blocked for {lag:.0f} s at {place}."

    def _hanging(self, stuck: Sequence[Held]) -> str | None:
        share = thread_share(self._settings.threads)
        counts = Counter(held.job.type for held in stuck)
        hanging = sorted(kind for kind, count in counts.items() if count >= share)
        if not hanging and len(stuck) < self._settings.threads:
            return None
        named = _few(hanging or sorted(counts))
        return f"任务卡住：{named}。 Tasks hang in all threads they may have: {named}; see the log for where."

    def _silent(self, now: float) -> str | None:
        silent = sorted(
            kind
            for kind, status in self.status.items()
            if status.running < self._settings.max_jobs
            and (status.last_poll_at is None or now - status.last_poll_at > _SILENCE * self._poll_seconds)
        )
        if not silent:
            return None
        return f"引擎不应答：{_few(silent)}。 The engine does not answer for {_few(silent)}."


def _few(names: Sequence[str]) -> str:
    rest = len(names) - 3
    return ", ".join(names[:3]) + (f" +{rest}" if rest > 0 else "")
