"""The gRPC connection to a Zeebe gateway: every call with a deadline, a connection that always comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, cast

import grpc
from pyzeebe import create_insecure_channel
from pyzeebe.proto.gateway_pb2 import Partition, TopologyRequest, TopologyResponse
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from workers.errors import Unavailable

if TYPE_CHECKING:
    from pyzeebe.proto.gateway_pb2_grpc import GatewayAsyncStub

CALL_SECONDS: Final = 10.0
"""Deadline of a call that does not wait for work."""

TRANSIENT: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
    }
)
"""Answers after which the same call is worth another try."""

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 10_000),  # in truth the time that one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel has the old one's connection
)


@dataclass(frozen=True)
class EngineHandle:
    """Where an engine answers. `management_url` is None for an engine that is not ours."""

    grpc_address: str
    rest_url: str
    management_url: str | None = None


class Gateway:
    """An async context manager around one channel; built inside the running loop, renewed when it stays
    dead."""

    def __init__(self, handle: EngineHandle) -> None:
        self.handle = handle
        self._channel: grpc.aio.Channel | None = None
        self._stub: GatewayAsyncStub | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Gateway:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close(None)
        self._channel = self._stub = None

    @property
    def stub(self) -> GatewayAsyncStub:
        """The generated stub. Give every call a `timeout`."""
        if self._stub is None:
            raise RuntimeError("the gateway is used inside `async with`")
        return self._stub

    def renew(self) -> None:
        """A new channel for the calls to come; calls in flight end on the old one."""
        old = self._channel
        self._open()
        if old is not None:
            task = asyncio.create_task(self._retire(old))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)

    async def topology(self) -> TopologyResponse:
        """Brokers and partitions. Raises Unavailable when the gateway does not answer."""
        try:
            answer: TopologyResponse = await self.stub.Topology(TopologyRequest(), timeout=CALL_SECONDS)
            return answer
        except grpc.aio.AioRpcError as error:
            raise unavailable(self.handle, error) from error

    def _open(self) -> None:
        self._channel = create_insecure_channel(self.handle.grpc_address, _OPTIONS)
        self._stub = cast("GatewayAsyncStub", GatewayStub(self._channel))

    async def _retire(self, channel: grpc.aio.Channel) -> None:
        try:
            await asyncio.sleep(60)  # longer than any call's deadline
        finally:
            await channel.close(None)


def has_leaders(topology: TopologyResponse) -> bool:
    """Whether every partition has a healthy leader: only then a deployment or a message is taken."""
    leaders = {
        partition.partitionId
        for broker in topology.brokers
        for partition in broker.partitions
        if partition.role == Partition.LEADER and partition.health == Partition.HEALTHY
    }
    return topology.partitionsCount > 0 and leaders >= set(range(1, topology.partitionsCount + 1))


def unavailable(handle: EngineHandle, error: grpc.aio.AioRpcError) -> Unavailable:
    """The sentence for an engine that does not answer or has no room."""
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Unavailable(
            "引擎正忙，请稍后再试。 The engine takes no more work now (busy, or its disk is nearly full); "
            "try again shortly."
        )
    return Unavailable(
        f"引擎无应答。 The engine at {handle.grpc_address} does not answer ({error.code().name}); "
        "see its log, or wait until it is back."
    )
