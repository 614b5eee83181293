"""What our tasks answer on the way of one complaint: the constant answers of no-op workers, so that the diagrams lead
them the same way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from workers.bench.load import Load
from workers.bench.rig import Rig
from workers.engine.host import WorkerHost
from workers.engine.jobs import BoundTask, Job


@dataclass(frozen=True)
class Recording:
    """One complaint's jobs.

    Attributes:
        answers: element id -> the variables its job was completed with.
        types: the job types on the way.
        jobs: how many jobs a complaint is.
    """

    answers: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    types: set[str] = field(default_factory=set)
    jobs: list[Job] = field(default_factory=list)

    def write(self, path: Path) -> Path:
        """As JSON, for the workers that give these answers; with the jobs, for whoever wants to do them again."""
        jobs = [asdict(job) for job in self.jobs]
        told = {"types": sorted(self.types), "answers": self.answers, "jobs": jobs}
        path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        return path


@dataclass(frozen=True)
class _Noted(BoundTask):
    """A task whose answers are kept."""

    recording: Recording = field(default_factory=Recording)

    def call(self, job: Job) -> Mapping[str, Any]:
        answer = super().call(job)
        self.recording.answers[job.element_id] = answer
        self.recording.types.add(job.type)
        self.recording.jobs.append(job)
        return answer


async def record(rig: Rig, load: Load) -> Recording:
    """One complaint through our own tasks, in this process."""
    recording, stop = Recording(), asyncio.Event()
    tasks = [
        _Noted(**{each.name: getattr(task, each.name) for each in fields(BoundTask)}, recording=recording)
        for task in rig.parts.bound_tasks()
    ]
    host = WorkerHost(rig.handle, tasks, rig.parts.settings.engine, "bench-recording")
    working = asyncio.create_task(host.run(stop))
    try:
        await load.walk(1, 1)
    finally:
        stop.set()
        await working
    return recording
