"""A Zeebe gateway that does as the test says: it speaks the real protocol, and fails where the real one can't be
made to."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayServicer, add_GatewayServicer_to_server

from workers.engine.gateway import EngineHandle

Fault = grpc.StatusCode | Callable[[], Awaitable[None]]
"""What a call meets instead of its answer: a status, or something to wait for (for ever: a gateway that hangs)."""


@dataclass
class Offered:
    """A job of the script."""

    raw: pb.ActivatedJob
    not_before: float = 0.0
    deadline: float = 0.0


@dataclass
class Call:
    """A call that came in, when, and from which connection."""

    name: str
    request: Any
    at: float
    peer: str
    metadata: dict[str, str]
    seconds_left: float | None


@dataclass
class ScriptedGateway(GatewayServicer):  # type: ignore[misc]
    """Offers jobs as Zeebe does: one that is not answered in its time is offered again.

    Attributes:
        calls: everything that came in.
        faults: by name of the call, what the next ones meet; `always` what every one meets.
        pushes: whether it knows streams of jobs. A new job goes to a stream of its type then, if there is one.
        activations: how often each job was handed out, by key.
    """

    credentials: grpc.ServerCredentials | None = None
    calls: list[Call] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Fault] = field(default_factory=dict)
    activations: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    open: dict[int, Offered] = field(default_factory=dict)
    pushes: bool = False
    streams: dict[str, list[asyncio.Queue[Offered]]] = field(default_factory=lambda: defaultdict(list))
    port: int = 0

    def __post_init__(self) -> None:
        self._keys = itertools.count(1 << 51)
        self._news = asyncio.Condition()
        self._server: grpc.aio.Server | None = None

    async def __aenter__(self) -> ScriptedGateway:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        add_GatewayServicer_to_server(self, self._server)
        address = f"127.0.0.1:{self.port}"
        if self.credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, self.credentials)
        await self._server.start()

    async def stop(self) -> None:
        """Drop every connection and listen no more."""
        if self._server is not None:
            await self._server.stop(0)
            self._server = None

    @property
    def handle(self) -> EngineHandle:
        """Where it is."""
        return EngineHandle(f"127.0.0.1:{self.port}", "http://127.0.0.1:1")

    async def offer(self, kind: str, variables: Any = None, *, retries: int = 3) -> int:
        """A new job; its key. `variables` may be JSON text that nobody can read."""
        key = next(self._keys)
        text = variables if isinstance(variables, str) else json.dumps(variables or {})
        raw = pb.ActivatedJob(
            key=key, type=kind, elementId=f"Task_{kind}", retries=retries, variables=text, customHeaders="{}"
        )
        async with self._news:
            self.open[key] = offered = Offered(raw)
            if self.streams[kind]:
                offered.deadline = time.monotonic() + 60  # what it would give a stream that takes it
                self.streams[kind][0].put_nowait(offered)
            self._news.notify_all()
        return key

    def named(self, name: str, key: int | None = None) -> list[Call]:
        """The calls of one name, for one job."""
        return [
            call
            for call in self.calls
            if call.name == name and key in (None, getattr(call.request, "jobKey", None))
        ]

    async def wait(self, is_so: Callable[[], bool], seconds: float = 30) -> None:
        """Wait until the script has seen something."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(is_so)

    async def ActivateJobs(  # noqa: N802 - the protocol's name
        self, request: pb.ActivateJobsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ActivateJobsResponse]:
        await self._called("ActivateJobs", request, context)
        end = time.monotonic() + request.requestTimeout / 1000
        while not (found := self._take(request)):
            left = end - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, 0.01))
        yield pb.ActivateJobsResponse(jobs=found)

    async def StreamActivatedJobs(  # noqa: N802
        self, request: pb.StreamActivatedJobsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ActivatedJob]:
        if not self.pushes:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "an old gateway")
        await self._called("StreamActivatedJobs", request, context)
        jobs: asyncio.Queue[Offered] = asyncio.Queue()
        self.streams[request.type].append(jobs)
        try:
            while True:
                offered = await jobs.get()
                self.activations[offered.raw.key] += 1
                offered.deadline = time.monotonic() + request.timeout / 1000
                offered.raw.deadline = int(time.time() * 1000) + request.timeout
                yield offered.raw
        finally:
            self.streams[request.type].remove(jobs)
            while not jobs.empty():
                jobs.get_nowait().deadline = 0.0  # nobody took it: polls may

    async def CompleteJob(  # noqa: N802
        self, request: pb.CompleteJobRequest, context: grpc.aio.ServicerContext
    ) -> pb.CompleteJobResponse:
        await self._called("CompleteJob", request, context)
        await self._close(request.jobKey, context)
        return pb.CompleteJobResponse()

    async def ThrowError(  # noqa: N802
        self, request: pb.ThrowErrorRequest, context: grpc.aio.ServicerContext
    ) -> pb.ThrowErrorResponse:
        await self._called("ThrowError", request, context)
        await self._close(request.jobKey, context)
        return pb.ThrowErrorResponse()

    async def FailJob(  # noqa: N802
        self, request: pb.FailJobRequest, context: grpc.aio.ServicerContext
    ) -> pb.FailJobResponse:
        await self._called("FailJob", request, context)
        offered = await self._close(request.jobKey, context)
        if request.retries > 0:
            offered.raw.retries = request.retries
            offered.not_before = time.monotonic() + request.retryBackOff / 1000
            offered.deadline = 0.0
            self.open[request.jobKey] = offered
        return pb.FailJobResponse()

    async def UpdateJobTimeout(  # noqa: N802
        self, request: pb.UpdateJobTimeoutRequest, context: grpc.aio.ServicerContext
    ) -> pb.UpdateJobTimeoutResponse:
        await self._called("UpdateJobTimeout", request, context)
        if request.jobKey not in self.open:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        self.open[request.jobKey].deadline = time.monotonic() + request.timeout / 1000
        return pb.UpdateJobTimeoutResponse()

    async def Topology(  # noqa: N802
        self, request: pb.TopologyRequest, context: grpc.aio.ServicerContext
    ) -> pb.TopologyResponse:
        await self._called("Topology", request, context)
        partition = pb.Partition(partitionId=1, role=pb.Partition.LEADER, health=pb.Partition.HEALTHY)
        return pb.TopologyResponse(brokers=[pb.BrokerInfo(partitions=[partition])], partitionsCount=1)

    async def PublishMessage(  # noqa: N802
        self, request: pb.PublishMessageRequest, context: grpc.aio.ServicerContext
    ) -> pb.PublishMessageResponse:
        await self._called("PublishMessage", request, context)
        return pb.PublishMessageResponse()

    async def BroadcastSignal(  # noqa: N802
        self, request: pb.BroadcastSignalRequest, context: grpc.aio.ServicerContext
    ) -> pb.BroadcastSignalResponse:
        await self._called("BroadcastSignal", request, context)
        return pb.BroadcastSignalResponse()

    async def DeployResource(  # noqa: N802
        self, request: pb.DeployResourceRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeployResourceResponse:
        await self._called("DeployResource", request, context)
        return pb.DeployResourceResponse()

    def _take(self, request: pb.ActivateJobsRequest) -> list[pb.ActivatedJob]:
        now = time.monotonic()
        found = [
            offered
            for offered in self.open.values()
            if offered.raw.type == request.type and offered.not_before <= now and offered.deadline <= now
        ][: request.maxJobsToActivate]
        for offered in found:
            offered.deadline = now + request.timeout / 1000
            self.activations[offered.raw.key] += 1
        return [offered.raw for offered in found]

    async def _close(self, key: int, context: grpc.aio.ServicerContext) -> Offered:
        if key not in self.open:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such job")
        return self.open.pop(key)

    async def _called(self, name: str, request: Any, context: grpc.aio.ServicerContext) -> None:
        metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
        call = Call(name, request, time.monotonic(), context.peer(), metadata, context.time_remaining())
        async with self._news:
            self.calls.append(call)
            self._news.notify_all()
        kind = getattr(request, "type", "")
        for script in (f"{name} {kind}", name):
            fault = self.faults[script].popleft() if self.faults[script] else self.always.get(script)
            if isinstance(fault, grpc.StatusCode):
                await context.abort(fault, f"scripted {fault.name}")
            elif fault is not None:
                await fault()


async def hang() -> None:
    """Never answer."""
    await asyncio.Event().wait()


async def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what nobody announces."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
