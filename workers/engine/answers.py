"""Telling the engine what became of a job: again and again until it was heard or the job's time is up."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import CompleteJobRequest, FailJobRequest, ThrowErrorRequest

from workers.engine.calls import measured
from workers.engine.failures import Done, Failed, Outcome, Thrown
from workers.engine.gateway import CALL_SECONDS, REFUSES_US, Gateway
from workers.engine.jobs import Job
from workers.engine.keep import is_cancelled

log = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 3.0
_GONE: Final = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)
_NEVER: Final = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE)
"""The engine does not take this, and won't take it later. Whatever else it says (a token that has just run out, a
proxy that has lost its way) is worth another try: the job is done, and must not become an incident for that."""


class Answers:
    """Says outcomes to one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def tell(self, job: Job, outcome: Outcome, until: float) -> str:
        """Say it until `until` (`time.monotonic`). Returns what to count: completed, thrown, failed, gone,
        unheard.

        `gone`: somebody else did the job, or the engine took it back; effects are idempotent, so nothing is
        lost.
        """
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._say(job, outcome, min(CALL_SECONDS, max(0.5, until - time.monotonic())))
                return {Done: "completed", Thrown: "thrown", Failed: "failed"}[type(outcome)]
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
            except grpc.aio.AioRpcError as error:
                code = error.code()
                if code in REFUSES_US:
                    self._gateway.refused()
                if code in _GONE:
                    return "gone"
                if code in _NEVER:
                    if isinstance(outcome, Failed):
                        log.error(
                            "engine refused a failure",
                            extra={"action": "answer-refused", "code": code.name},
                        )
                        return "unheard"
                    outcome = Failed(0, f"the engine refused the result of {job.type}: {code.name}")
                    continue
            if time.monotonic() + pause >= until:
                log.warning("engine did not hear", extra={"action": "answer-unheard"})
                return "unheard"
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _say(self, job: Job, outcome: Outcome, seconds: float) -> None:
        stub = self._gateway.stub
        if isinstance(outcome, Done):
            complete = CompleteJobRequest(jobKey=job.key, variables=outcome.variables)
            with measured("complete-job"):
                await stub.CompleteJob(complete, timeout=seconds)
        elif isinstance(outcome, Thrown):
            throw = ThrowErrorRequest(jobKey=job.key, errorCode=outcome.code, errorMessage=outcome.message)
            with measured("throw-error"):
                await stub.ThrowError(throw, timeout=seconds)
        else:
            fail = FailJobRequest(
                jobKey=job.key,
                retries=outcome.retries,
                errorMessage=outcome.message,
                retryBackOff=round(outcome.back_off.total_seconds() * 1000),
            )
            with measured("fail-job"):
                await stub.FailJob(fail, timeout=seconds)
