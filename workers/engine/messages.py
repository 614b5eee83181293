"""Messages to processes: the start of a complaint, a withdrawal, an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import grpc
from pyzeebe.proto.gateway_pb2 import BroadcastSignalRequest, PublishMessageRequest

from workers.engine.broker_process import HURRIED_BYTES
from workers.engine.calls import measured
from workers.engine.failures import encode
from workers.engine.gateway import CALL_SECONDS, TRANSIENT, Gateway, unavailable
from workers.errors import Refused


def marking(name: str, tenant: str = "") -> BroadcastSignalRequest:
    """A signal that nobody catches, long enough to fill a bulk of a hurried exporter: what is before it is sent."""
    filling = encode({"filling": "-" * HURRIED_BYTES})
    return BroadcastSignalRequest(signalName=name, variables=filling, tenantId=tenant)


class Messages:
    """Publishes messages through one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def publish(
        self, name: str, correlation_key: str, message_id: str, ttl: timedelta, variables: Mapping[str, Any]
    ) -> bool:
        """Publish once; the engine refuses a second message with this id while the first lives.

        Returns:
            True when the engine took it now, False when it had it already.

        Raises:
            Refused: the engine will never take it.
            Broken: the variables are not JSON.
            Unavailable: no answer, or no room now. It may have been taken: publish again with the same id.
        """
        request = PublishMessageRequest(
            name=name,
            correlationKey=correlation_key,
            messageId=message_id,
            timeToLive=ttl // timedelta(milliseconds=1),
            variables=encode(dict(variables)),
            tenantId=self._gateway.tenant,
        )
        try:
            with measured("publish-message"):
                await self._gateway.stub.PublishMessage(request, timeout=CALL_SECONDS)
            return True
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.ALREADY_EXISTS:
                return False
            if error.code() in TRANSIENT:
                raise unavailable(self._gateway.handle, error) from error
            raise Refused(
                f"消息 {name} 被引擎拒绝。 The engine refused the message {name}: {error.code().name}"
            ) from error

    async def mark(self, name: str) -> None:
        """Write a signal that nobody catches into every partition's log: `workers.records` sees it come by.

        Raises Unavailable when the engine does not answer.
        """
        try:
            await self._gateway.stub.BroadcastSignal(
                marking(name, self._gateway.tenant), timeout=CALL_SECONDS
            )
        except grpc.aio.AioRpcError as error:
            raise unavailable(self._gateway.handle, error) from error
