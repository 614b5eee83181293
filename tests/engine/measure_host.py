"""Jobs per second of the worker host against bare pyzeebe, on one broker in one run: `python -m
tests.engine.measure_host [--rounds 4] [--instances 150] [--streaming] [--json]`.

Both work off the same no-op jobs: instances of one process with eight service tasks in a row, started before the
clock runs. The broker is warmed up first, rounds alternate, and the figure is the median of the ratios of neighbours.
What a round costs this process in CPU is told beside.

With its defaults pyzeebe sleeps five seconds whenever it is full, so it is given 50 ms instead. With streaming it
has no cap: a backlog of some hundred instances fills the broker's buffer, completions are refused, and bare pyzeebe
forgets them until the jobs' time is up. So that is measured on request only, and with few instances.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from pyzeebe import ZeebeWorker, create_insecure_channel
from pyzeebe.proto.gateway_pb2 import CreateProcessInstanceRequest

from tests.engine_fixture import RunningEngine, running_engine
from workers.engine.deployment import deploy
from workers.engine.host import WorkerHost
from workers.engine.jobs import Task, bind

STEPS = 8
KIND = "measure-work"
Worker = Callable[[RunningEngine, Callable[[], None]], AbstractAsyncContextManager[None]]


def model(folder: Path) -> Path:
    """A process of eight service tasks in a row, all of one job type."""
    flows, tasks, before = [], [], "Event_Started"
    for step in range(STEPS):
        flows.append(f'<bpmn:sequenceFlow id="Flow_{step}" sourceRef="{before}" targetRef="Task_{step}"/>')
        before = f"Task_{step}"
        tasks.append(
            f'<bpmn:serviceTask id="{before}"><bpmn:extensionElements><zeebe:taskDefinition type="{KIND}"/>'
            "</bpmn:extensionElements></bpmn:serviceTask>"
        )
    flows.append(f'<bpmn:sequenceFlow id="Flow_End" sourceRef="{before}" targetRef="Event_Done"/>')
    file = folder / "measure-host.bpmn"
    file.write_text(
        '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions targetNamespace="http://bpmn.io/schema/bpmn" '
        'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="D" '
        'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"><bpmn:process id="measure-host" isExecutable="true">'
        '<bpmn:startEvent id="Event_Started"/><bpmn:endEvent id="Event_Done"/>'
        f"{''.join(tasks)}{''.join(flows)}</bpmn:process></bpmn:definitions>",
        encoding="utf-8",
    )
    return file


async def start(engine: RunningEngine, instances: int) -> None:
    """Start instances, eight at a time; what the broker refuses for its load is asked again."""
    gate = asyncio.Semaphore(8)
    request = CreateProcessInstanceRequest(bpmnProcessId="measure-host", version=-1, variables="{}")

    async def one() -> None:
        async with gate:
            while True:
                try:
                    await engine.gateway.stub.CreateProcessInstance(request, timeout=20)
                    return
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.1)

    await asyncio.gather(*(one() for _ in range(instances)))


def bare(**options: Any) -> Worker:
    """pyzeebe's own worker with a coroutine that does nothing."""

    @asynccontextmanager
    async def run(engine: RunningEngine, done: Callable[[], None]) -> Any:
        channel = create_insecure_channel(engine.handle.grpc_address)
        worker = ZeebeWorker(channel, **options)

        @worker.task(task_type=KIND, timeout_ms=60_000, variables_to_fetch=["nothing"])
        async def work() -> dict[str, Any]:
            done()
            return {}

        working = asyncio.create_task(worker.work())
        yield
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await channel.close(None)

    return run


@asynccontextmanager
async def ours(engine: RunningEngine, done: Callable[[], None]) -> Any:
    """The worker host with a task that does nothing."""

    def work() -> Mapping[str, Any]:
        loop.call_soon_threadsafe(done)
        return {}

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    host = WorkerHost(engine.handle, [bind(Task(KIND, work), {})], engine.settings)
    working = asyncio.create_task(host.run(stop))
    yield
    stop.set()
    await working


async def round_of(engine: RunningEngine, worker: Worker, instances: int) -> tuple[float, float]:
    """Jobs per second, and CPU milliseconds of this process per job."""
    await start(engine, instances)
    await asyncio.sleep(1)  # the broker writes down what it was given
    jobs, is_over = [instances * STEPS], asyncio.Event()

    def done() -> None:
        jobs[0] -= 1
        if jobs[0] == 0:
            is_over.set()

    async with worker(engine, done):
        at, cpu = time.perf_counter(), time.process_time()
        await is_over.wait()
        seconds, burnt = time.perf_counter() - at, time.process_time() - cpu
    return instances * STEPS / seconds, burnt * 1000 / (instances * STEPS)


async def measure(
    rounds: int, instances: int, with_streaming: bool, say: Callable[[str], Awaitable[None] | None]
) -> dict[str, Any]:
    """All rounds; medians and ratios."""
    workers: dict[str, Worker] = {
        "host": ours,
        "bare, polling every 50 ms": bare(poll_retry_delay=0.05, max_connection_retries=-1),
    }
    if with_streaming:
        options = {"stream_enabled": True, "poll_retry_delay": 0.05, "max_connection_retries": -1}
        workers["bare, streaming too"] = bare(**options)
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in workers}
    with tempfile.TemporaryDirectory() as folder:
        async with running_engine(Path(folder), controlled_clock=False) as engine:
            await deploy(engine.handle, [model(Path(folder))])
            for name, worker in workers.items():  # a JVM's first minute runs at a third of its rate
                say(f"warming up: {name} {(await round_of(engine, worker, instances * 2))[0]:.0f} jobs/s")
            for index in range(rounds):
                for name, worker in workers.items():
                    figures[name].append(await round_of(engine, worker, instances))
                    rate, cpu = figures[name][-1]
                    say(f"round {index + 1}: {name}: {rate:.0f} jobs/s, {cpu:.2f} ms CPU per job")
    result: dict[str, Any] = {
        name: {
            "jobs_per_second": round(statistics.median(rate for rate, _ in found), 1),
            "worker_cpu_ms_per_job": round(statistics.median(cpu for _, cpu in found), 2),
        }
        for name, found in figures.items()
    }
    for name in list(workers)[1:]:
        ratios = [mine / its for (mine, _), (its, _) in zip(figures["host"], figures[name], strict=True)]
        result[f"host / {name}"] = round(statistics.median(ratios), 3)
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--instances", type=int, default=150)
    parser.add_argument("--streaming", action="store_true", help="pyzeebe with streaming, too")
    parser.add_argument("--json", action="store_true", help="only the last line, as JSON")
    chosen = parser.parse_args()
    logging.getLogger("pyzeebe").setLevel(logging.CRITICAL)  # it says each time that it is full
    told = asyncio.run(
        measure(
            chosen.rounds,
            chosen.instances,
            chosen.streaming,
            lambda line: None if chosen.json else print(line),
        )
    )
    print(json.dumps(told))
