"""The gRPC connection to a Zeebe gateway: every call with a deadline, a connection that always comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, cast

import grpc
from pyzeebe import create_insecure_channel, create_secure_channel
from pyzeebe.proto.gateway_pb2 import Partition, TopologyRequest, TopologyResponse
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from workers.engine.access import OPEN, Access, Signed
from workers.engine.keep import kept
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
        grpc.StatusCode.UNAUTHENTICATED,  # a token that has just run out
    }
)
"""Answers after which the same call is worth another try."""

REFUSES_US: Final = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
"""Answers of an engine that does not know us, or not in this."""

_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 10_000),  # in truth the time that one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.use_local_subchannel_pool", 1),  # else a new channel has the old one's connection
)


@dataclass(frozen=True)
class EngineHandle:
    """Where an engine answers, and how it is shown who asks. `management_url` is None for an engine that is not
    ours."""

    grpc_address: str
    rest_url: str
    management_url: str | None = None
    access: Access = OPEN


class Gateway:
    """An async context manager around one channel; built inside the running loop, renewed when it stays
    dead."""

    def __init__(self, handle: EngineHandle) -> None:
        self.handle = handle
        self._channel: grpc.aio.Channel | None = None
        self._stub: GatewayAsyncStub | None = None
        self._helpers: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Gateway:
        tokens = self.handle.access.tokens
        if tokens is not None:
            if not tokens.header:
                await tokens.fetch()
            self._helpers.add(asyncio.create_task(kept("tokens", tokens.keep)))
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._helpers:
            task.cancel()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close(None)
        self._channel = self._stub = None

    @property
    def stub(self) -> GatewayAsyncStub:
        """The generated stub. Give every call a `timeout`."""
        if self._stub is None:
            raise RuntimeError("the gateway is used inside `async with`")
        return self._stub

    @property
    def tenant(self) -> str:
        """Whose models and messages are meant; empty where the engine knows no tenants."""
        return self.handle.access.tenant

    @property
    def tenant_ids(self) -> tuple[str, ...]:
        """Whose jobs are asked for."""
        return (self.tenant,) if self.tenant else ()

    def renew(self) -> None:
        """A new channel for the calls to come, with certificates as they are now; calls in flight end on the old
        one."""
        old = self._channel
        self._open()
        if old is not None:
            task = asyncio.create_task(self._retire(old))
            self._helpers.add(task)
            task.add_done_callback(self._helpers.discard)

    def refused(self) -> None:
        """The engine did not let us in: have a new token, if we have tokens at all."""
        if self.handle.access.tokens is not None:
            self.handle.access.tokens.refused()

    async def topology(self) -> TopologyResponse:
        """Brokers and partitions. Raises Unavailable when the gateway does not answer."""
        try:
            answer: TopologyResponse = await self.stub.Topology(TopologyRequest(), timeout=CALL_SECONDS)
            return answer
        except grpc.aio.AioRpcError as error:
            raise unavailable(self.handle, error) from error

    def _open(self) -> None:
        access, address = self.handle.access, self.handle.grpc_address
        credentials = access.channel_credentials()
        if credentials is None:
            self._channel = create_insecure_channel(address, _OPTIONS)
        else:
            self._channel = create_secure_channel(address, _OPTIONS, credentials)
        stub = GatewayStub(self._channel)
        self._stub = cast("GatewayAsyncStub", Signed(stub, access) if access.signs else stub)

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
    """The sentence for an engine that does not answer, has no room, or does not know us."""
    tokens = handle.access.tokens
    if error.code() in REFUSES_US:
        if tokens is not None:
            tokens.refused()
        why = (tokens.trouble if tokens else None) or "check DUBAN_ENGINE__OAUTH_…, BASIC_…, CERT_FILE."
        return Unavailable(
            f"引擎拒绝访问。 The engine at {handle.grpc_address} does not let us in ({error.code().name}): {why}"
        )
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Unavailable(
            "引擎正忙，请稍后再试。 The engine takes no more work now (busy, or its disk is nearly full); "
            "try again shortly."
        )
    return Unavailable(
        f"引擎无应答。 The engine at {handle.grpc_address} does not answer ({error.code().name}); "
        "see its log, or wait until it is back."
    )
