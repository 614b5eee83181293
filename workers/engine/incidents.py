"""Letting stuck work go on."""

from __future__ import annotations

import asyncio
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import ResolveIncidentRequest, UpdateJobRetriesRequest

from workers.engine.gateway import CALL_SECONDS, TRANSIENT, Gateway, unavailable
from workers.errors import Conflict, Refused

_ATTEMPTS: Final = 4


class Incidents:
    """Resolves incidents through one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def resolve(self, key: str, job_key: str | None = None, *, retries: int = 1) -> None:
        """Try stuck work again: give its job `retries` tries, then resolve the incident.

        Raises:
            Refused: the key is not a number, or the cause is still there (the engine's words follow).
            Conflict: resolved meanwhile, or its instance ended.
            Unavailable: the engine does not answer.
        """
        if not key.isdecimal() or (job_key is not None and not job_key.isdecimal()):
            raise Refused(
                f"没有编号为 {key} 的事件。 {key} is not the key of an incident; see `duban incidents`."
            )
        if job_key is not None:
            await self._update_retries(int(job_key), retries)
        await self._resolve(int(key))

    async def _update_retries(self, job_key: int, retries: int) -> None:
        request = UpdateJobRetriesRequest(jobKey=job_key, retries=retries)
        for attempt in range(_ATTEMPTS):
            try:
                await self._gateway.stub.UpdateJobRetries(request, timeout=CALL_SECONDS)
                return
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return  # the job went with its instance: resolving says so
                await self._pause_or_raise(error, attempt)

    async def _resolve(self, key: int) -> None:
        request = ResolveIncidentRequest(incidentKey=key)
        for attempt in range(_ATTEMPTS):
            try:
                await self._gateway.stub.ResolveIncident(request, timeout=CALL_SECONDS)
                return
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    if attempt:
                        return  # an earlier try whose answer was lost
                    raise Conflict(
                        f"事件 {key} 已解决或其流程已结束。 Incident {key} was resolved meanwhile, or its "
                        "process ended."
                    ) from error
                await self._pause_or_raise(error, attempt)

    async def _pause_or_raise(self, error: grpc.aio.AioRpcError, attempt: int) -> None:
        if error.code() not in TRANSIENT:
            raise Refused(
                f"仍无法继续。 The work cannot go on yet: {error.details() or error.code().name}"
            ) from error
        if attempt == _ATTEMPTS - 1:
            raise unavailable(self._gateway.handle, error) from error
        await asyncio.sleep(0.3 * 2**attempt)
