"""Letting stuck work go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import grpc
from pyzeebe.proto.gateway_pb2 import (
    ResolveIncidentRequest,
    SetVariablesRequest,
    UpdateJobRetriesRequest,
)

from workers.engine.failures import encode
from workers.engine.gateway import CALL_SECONDS, TRANSIENT, Gateway, unavailable
from workers.errors import Broken, Conflict, Refused

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

    async def set_variables(self, element_key: str, variables: Mapping[str, Any]) -> None:
        """Change process variables that an element sees: each where it is kept, a new one in the whole instance.

        Raises:
            Refused: a value is not JSON. Conflict: the element is gone. Unavailable: the engine does not answer.
        """
        try:
            encoded = encode(dict(variables))
        except Broken as error:
            raise Refused(f"变量无法传给引擎。 The engine cannot take the variables: {error}") from error
        request = SetVariablesRequest(elementInstanceKey=int(element_key), variables=encoded, local=False)
        for attempt in range(_ATTEMPTS):
            try:
                await self._gateway.stub.SetVariables(request, timeout=CALL_SECONDS)
                return
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    raise Conflict(
                        "此环节已结束，变量未更改。 The element has ended meanwhile; no variable was changed."
                    ) from error
                await self._pause_or_raise(error, attempt)

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
