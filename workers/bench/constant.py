"""Workers that do nothing but give constant answers: `python -m workers.bench.constant host|bare ADDRESS ANSWERS`.

`host` is Duban's worker host, `bare` is pyzeebe's own worker. Both do what the lines of standard input say: `go` and
`rest`; the end of the input ends them. So every round finds a process that has run for a while.

No `from __future__ import annotations` here: pyzeebe finds its `Job` by the annotation itself.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pyzeebe import Job, ZeebeWorker, create_insecure_channel

from workers.engine import jobs
from workers.engine.gateway import EngineHandle
from workers.engine.host import WorkerHost
from workers.settings import EngineSettings

Answers = Mapping[str, Mapping[str, Any]]
MAX_JOBS: Final = 32
JOB_SECONDS: Final = 60


@asynccontextmanager
async def host(address: str, types: list[str], answers: Answers) -> AsyncIterator[None]:
    """Duban's worker host, as `duban work` runs it, with tasks that look their answer up."""

    def answer(*, job: jobs.Job) -> Mapping[str, Any]:
        return answers[job.element_id]

    stop = asyncio.Event()
    tasks = [jobs.bind(jobs.Task(kind, answer), {}) for kind in types]
    settings = EngineSettings(max_jobs=MAX_JOBS, job_timeout_seconds=JOB_SECONDS)
    working = asyncio.create_task(
        WorkerHost(EngineHandle(address, ""), tasks, settings, "bench-host").run(stop)
    )
    yield
    stop.set()
    await working


@asynccontextmanager
async def bare(address: str, types: list[str], answers: Answers) -> AsyncIterator[None]:
    """pyzeebe with a coroutine. With its default of five seconds between polls it would be fifty times slower."""
    channel = create_insecure_channel(address)
    options: dict[str, Any] = {"poll_retry_delay": 0.05, "max_connection_retries": -1}
    worker = ZeebeWorker(channel, **options)

    async def answer(job: Job) -> dict[str, Any]:
        return dict(answers[job.element_id])

    for kind in types:
        task: Any = worker.task(
            task_type=kind,
            timeout_ms=JOB_SECONDS * 1000,
            max_jobs_to_activate=MAX_JOBS,
            max_running_jobs=MAX_JOBS,
            variables_to_fetch=["_"],
        )
        task(answer)
    working = asyncio.create_task(worker.work())
    yield
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await channel.close(None)


async def obey(open_workers: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Work from `go` to `rest`, again and again."""
    loop = asyncio.get_running_loop()

    async def heard() -> str:
        line: str = await loop.run_in_executor(None, sys.stdin.readline)
        return line.strip()

    print("ready", flush=True)
    while await heard() == "go":
        async with open_workers():
            print("working", flush=True)
            await heard()
        print("resting", flush=True)


def main() -> None:
    """The command line."""
    logging.getLogger("pyzeebe").setLevel(logging.CRITICAL)  # it says each time that it is full
    kind, address, path = sys.argv[1:]
    told = json.loads(Path(path).read_text(encoding="utf-8"))
    contestant = {"host": host, "bare": bare}[kind]
    asyncio.run(obey(lambda: contestant(address, told["types"], told["answers"])))


if __name__ == "__main__":
    main()
