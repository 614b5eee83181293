"""Moving process instances to another version of their process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import MigrateProcessInstanceRequest

from workers.engine.gateway import CALL_SECONDS, TRANSIENT, Gateway, unavailable
from workers.errors import NotFound, Refused

_ATTEMPTS: Final = 4
_BUSY: Final = "a concurrent command was executed"
"""Something moved in the instance at the same moment: the engine asks to try again."""
_PREAMBLE: Final = re.compile(r"^Command '\w+' rejected with code '\w+':\s*")


class Moving:
    """Migrates instances through one gateway. The engine moves an instance whole or not at all."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def move(self, instance_key: str, target_key: str, mapping: Mapping[str, str]) -> None:
        """Move one instance. Moved before (its answer was lost): the engine moves it to where it is.

        Args:
            target_key: key of the process definition to move to.
            mapping: element id now -> element id then, of everything that is active.

        Raises:
            NotFound: the instance has ended. Refused: the engine does not take it; its words follow, nothing changed.
            Unavailable: the engine does not answer.
        """
        instructions = [
            MigrateProcessInstanceRequest.MappingInstruction(sourceElementId=now, targetElementId=then)
            for now, then in sorted(mapping.items())
        ]
        plan = MigrateProcessInstanceRequest.MigrationPlan(
            targetProcessDefinitionKey=int(target_key), mappingInstructions=instructions
        )
        request = MigrateProcessInstanceRequest(processInstanceKey=int(instance_key), migrationPlan=plan)
        for attempt in range(_ATTEMPTS):
            try:
                await self._gateway.stub.MigrateProcessInstance(request, timeout=CALL_SECONDS)
                return
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    raise NotFound(
                        f"实例 {instance_key} 已结束。 Instance {instance_key} has ended."
                    ) from error
                is_busy = _BUSY in (error.details() or "") and attempt < _ATTEMPTS - 1
                if error.code() not in TRANSIENT and not is_busy:
                    raise Refused(_PREAMBLE.sub("", error.details() or error.code().name)) from error
                if attempt == _ATTEMPTS - 1:
                    raise unavailable(self._gateway.handle, error) from error
            await asyncio.sleep(0.3 * 2**attempt)
