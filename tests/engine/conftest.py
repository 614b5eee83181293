"""One engine per module, with a sink for its records and a host for the probe's jobs."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.engine_fixture import EngineForTests, engine_for_tests
from tests.record_sink import RecordSink
from workers.engine.deployment import deploy
from workers.engine.failures import BackOff
from workers.engine.host import WorkerHost
from workers.engine.jobs import BoundTask, Job, Task, bind
from workers.engine.messages import Messages

PROBES = Path(__file__).parent / "probes"
Handler = Callable[[Job], Mapping[str, Any] | None]
_numbers = itertools.count(1)


class Probe:
    """A host on the type `probe-work` whose handler each test chooses per number, and the means to start
    instances."""

    def __init__(self, running: EngineForTests, sink: RecordSink) -> None:
        self.running, self.engine, self.sink = running, running.engine, sink
        self.calls: list[Job] = []
        self._handlers: dict[str, Handler] = {}
        self._news = threading.Condition()
        self.host = WorkerHost(
            self.engine.handle,
            [self.task()],
            self.engine.settings,
            back_off=BackOff(first=timedelta(hours=1), longest=timedelta(days=1)),
        )

    def task(self) -> BoundTask:
        """`probe-work` with this probe as its collaborator."""

        def probe_work(probe: Probe, *, number: str, job: Job) -> Mapping[str, Any] | None:
            return probe.handle(number, job)

        probe_work.__annotations__["probe"] = Probe
        return bind(Task("probe-work", probe_work), {Probe: self})

    def handle(self, number: str, job: Job) -> Mapping[str, Any] | None:
        try:
            return self._handlers[number](job)
        finally:
            with self._news:
                self.calls.append(job)
                self._news.notify_all()

    def start(self, handler: Handler = lambda _job: None, message: str = "probe-started") -> str:
        """Start an instance by message whose job is done by `handler`; returns its number."""
        number = f"P{next(_numbers)}"
        self._handlers[number] = handler
        self.run(self.publish(message, number))
        return number

    async def publish(self, message: str, number: str) -> bool:
        """Publish the start message of a probe."""
        return await Messages(self.engine.gateway).publish(
            message, number, number, timedelta(hours=24), {"number": number}
        )

    def run(self, work: Any) -> Any:
        """The result of a coroutine on the engine's loop."""
        return self.running.run(work)

    def calls_of(self, number: str) -> int:
        """How often the job of this number was run."""
        return sum(job.variables["number"] == number for job in self.calls)

    def wait_calls(self, number: str, count: int, seconds: float = 60) -> None:
        """Wait until the job of this number was run so often."""
        with self._news:
            assert self._news.wait_for(lambda: self.calls_of(number) >= count, seconds), "the job was not run"

    def instance(self, number: str) -> int:
        """The instance that was started for a number."""
        record = self.sink.wait_for("MESSAGE_START_EVENT_SUBSCRIPTION", "CORRELATED", correlationKey=number)
        return int(record["value"]["processInstanceKey"])

    def wait_end(self, number: str) -> list[str]:
        """Wait until the instance has ended; returns the ids of the end events that it reached."""
        key = self.instance(number)
        self.sink.wait_for(
            "PROCESS_INSTANCE", "ELEMENT_COMPLETED", processInstanceKey=key, bpmnElementType="PROCESS"
        )
        ends = self.sink.find(
            "PROCESS_INSTANCE", "ELEMENT_COMPLETED", processInstanceKey=key, bpmnElementType="END_EVENT"
        )
        return sorted({record["value"]["elementId"] for record in ends})

    def incident(self, number: str) -> dict[str, Any]:
        """The record of the incident that the instance has."""
        return self.sink.wait_for("INCIDENT", "CREATED", processInstanceKey=self.instance(number))

    @asynccontextmanager
    async def hosting(self) -> AsyncIterator[None]:
        """The host runs for the length of the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.host.run(stop))
        yield
        stop.set()
        await task


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """A running engine with the probe models deployed and their worker at work."""
    with RecordSink() as sink, engine_for_tests(tmp_path_factory.mktemp("engine"), sink.url) as running:
        files = [PROBES / name for name in ("probe-job.bpmn", "probe-user-task.bpmn", "probe-form.form")]
        running.run(deploy(running.engine.handle, files))
        probe = Probe(running, sink)
        running.enter(probe.hosting())
        yield probe
