"""Jobs that take long: their time-out is extended while they run, and where they are is named."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

import grpc
from pyzeebe.proto.gateway_pb2 import UpdateJobTimeoutRequest

from workers.engine.gateway import CALL_SECONDS, Gateway
from workers.engine.held import Held
from workers.engine.places import place_of_thread
from workers.settings import EngineSettings

log = logging.getLogger(__name__)


class LongJobs:
    """Looks after the jobs whose tasks run longer than half of a job's time.

    Their time-out is extended until they have run for `settings.job_limit_seconds`. Then something hangs: the
    engine gives the job to another worker, and the log says where this one is.

    Args:
        held: all jobs that are held now.
    """

    def __init__(
        self, gateway: Gateway, settings: EngineSettings, held: Callable[[], Iterable[Held]]
    ) -> None:
        self._gateway = gateway
        self._timeout = float(settings.job_timeout_seconds)
        self._limit = float(settings.job_limit_seconds)
        self._held = held
        self._can_extend = True

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(min(self._timeout / 6, 10.0))
            now = time.monotonic()
            slow = [held for held in self._held() if held.running_seconds(now) > self._timeout / 3]
            for held in slow:
                self._tell(held, now)
            await asyncio.gather(*(self._extend(held) for held in slow if self._wants(held, now)))

    def _wants(self, held: Held, now: float) -> bool:
        is_due = held.until - now < self._timeout / 2
        return self._can_extend and is_due and held.running_seconds(now) < self._limit

    async def _extend(self, held: Held) -> None:
        asked_at = time.monotonic()
        request = UpdateJobTimeoutRequest(jobKey=held.job.key, timeout=round(self._timeout * 1000))
        try:
            await self._gateway.stub.UpdateJobTimeout(request, timeout=min(CALL_SECONDS, self._timeout / 6))
            held.until = asked_at + self._timeout
        except grpc.aio.AioRpcError as error:  # tried again at the next look, while there is time
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                self._can_extend = False
                log.warning(
                    "this engine cannot extend time-outs of jobs (8.5 and later can): long jobs run twice",
                    extra={"action": "extend-unknown"},
                )
                return
            log.warning(
                "time-out of a long job not extended",
                extra={"action": "extend-failed", "code": error.code().name, **held.facts},
            )

    def _tell(self, held: Held, now: float) -> None:
        seconds = held.running_seconds(now)
        facts = held.facts
        if seconds > self._limit and not held.is_stuck:
            held.is_stuck = True
            log.error(
                "a task hangs for %.0f s at %s; others may do its job now",
                seconds,
                place_of_thread(held.thread),
                extra={"action": "job-stuck", **facts},
            )
        elif not held.is_slow:
            held.is_slow = True
            log.warning(
                "a task runs for %.0f s at %s",
                seconds,
                place_of_thread(held.thread),
                extra={"action": "job-slow", **facts},
            )
