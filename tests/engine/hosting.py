"""A worker host on a scripted gateway, and tasks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.engine.scripted_gateway import ScriptedGateway
from workers.engine.gateway import EngineHandle
from workers.engine.host import WorkerHost
from workers.engine.jobs import BoundTask, Job, Task, bind
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
