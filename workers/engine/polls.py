"""Asking the engine for the jobs of one type, for ever, whatever it answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import ActivateJobsRequest

from workers.engine.calls import measured
from workers.engine.gateway import REFUSES_US, Gateway
from workers.engine.held import Held
from workers.engine.jobs import BoundTask
from workers.engine.keep import is_cancelled
from workers.engine.report import TypeStatus
from workers.engine.room import Room
from workers.settings import EngineSettings

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 10.0
"""How long the engine may keep a request while it has no job."""

GATHERING_SECONDS: Final = 0.25
"""How long a job may wait in the engine because this worker has others of its type in hand."""

_PATIENCE: Final = 1.5  # by how much an answer may be later than that
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_FOR_US: Final = ("number",)  # for log and trace; and an empty list would mean every variable


def variables_of(task: BoundTask) -> tuple[str, ...]:
    """The variables that come with its jobs, each named once: 8.5 pushes no job whose variables are named twice."""
    return tuple(dict.fromkeys((*task.fetch_variables, *_FOR_US)))


class Poll:
    """The long polling of one job type, as far as there is room.

    While some are held, it asks for more only every `GATHERING_SECONDS`: a worker that is busy takes what gathers
    meanwhile with one request, which the engine answers with less work than several (docs/performance.md), or leaves it
    to workers that are free.

    Args:
        begin: takes over a job; called on the loop.
        poll_seconds: how long the engine may keep a request.
    """

    def __init__(
        self,
        gateway: Gateway,
        task: BoundTask,
        settings: EngineSettings,
        worker: str,
        room: Room,
        status: TypeStatus,
        begin: Callable[[BoundTask, Held], None],
        poll_seconds: float,
    ) -> None:
        self._gateway = gateway
        self._task = task
        self._settings = settings
        self._worker = worker
        self._status = status
        self._begin = begin
        self._poll_seconds = poll_seconds
        self._room = room

    async def run(self) -> None:
        """Ask until the room is closed, or cancelled. No answer, and no error of the client either, ends it."""
        troubles = 0
        while await self._wants_more():
            try:
                async with asyncio.timeout(2 * _PATIENCE * self._poll_seconds):
                    await self._activate()
                self._status.last_poll_at = time.monotonic()
                self._status.error = None
                troubles = 0
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                self._note(error, troubles)
                pause = _PAUSES[min(troubles, len(_PAUSES) - 1)]
                troubles += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311

    async def _wants_more(self) -> bool:
        """Wait until there is room; and until no job is held, though not for long. False when the room is closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GATHERING_SECONDS):
                await self._room.wait(lambda: self._room.held < 1)
        await self._room.wait(lambda: self._room.request > 0)
        return not self._room.is_closing

    async def _activate(self) -> None:
        count = self._room.request
        request = ActivateJobsRequest(
            type=self._task.type,
            worker=self._worker,
            timeout=self._settings.job_timeout_seconds * 1000,
            maxJobsToActivate=count,
            fetchVariable=variables_of(self._task),
            requestTimeout=int(self._poll_seconds * 1000),
            tenantIds=self._gateway.tenant_ids,
        )
        call = self._gateway.stub.ActivateJobs(request, timeout=_PATIENCE * self._poll_seconds)
        try:
            with measured("activate-jobs"), self._room.asking(count):
                async for response in call:
                    now = time.monotonic()
                    for raw in response.jobs:
                        self._begin(self._task, Held(raw, now + self._settings.job_timeout_seconds, now))
        finally:
            call.cancel()

    def _note(self, error: BaseException, troubles: int) -> None:
        rpc = error if isinstance(error, grpc.aio.AioRpcError) else None
        self._status.error = rpc.code().name if rpc is not None else type(error).__name__
        if rpc is not None and rpc.code() in REFUSES_US:
            self._gateway.refused()
        if troubles in (0, 30):
            log.warning(
                "cannot fetch jobs",
                extra={"action": "poll-failed", "type": self._task.type, "code": self._status.error},
            )
