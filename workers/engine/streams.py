"""Having the engine push the jobs of one type as they come up, for ever, whatever becomes of the connection.

Beside the polls, not instead: jobs that were there before the stream, and those that it had no room for, are polled.
Source: `StreamActivatedJobs` of Zeebe's gateway (8.4 and later).
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final

import grpc
from pyzeebe.proto.gateway_pb2 import ActivatedJob, StreamActivatedJobsRequest

from workers.engine.gateway import REFUSES_US, Gateway
from workers.engine.held import Held
from workers.engine.jobs import BoundTask
from workers.engine.keep import is_cancelled
from workers.engine.polls import variables_of
from workers.engine.room import Room
from workers.settings import EngineSettings

log = logging.getLogger(__name__)

STREAM_SECONDS: Final = 3600.0
"""How long one stream lasts before it is opened anew, so that not even this call is without a deadline."""
_QUIET_SECONDS: Final = 0.05  # without a job: what had been pushed has been read
_ENOUGH_SECONDS: Final = 5.0  # a stream that lasted so long was a good one
_FRESH_SECONDS: Final = 0.1  # a job that is younger was not lying there
_MOST_UNREAD: Final = 500  # jobs, more than a connection's window and the gateway's own buffer have room for
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
_MANY_TROUBLES: Final = 5


class JobStream:
    """The jobs of one type that the engine pushes. It reads on only while there is room.

    What is not read fills the connection's window, a few dozen jobs; then the engine offers the others to polls and to
    other workers. The time-out of those few runs meanwhile: `Unread` says for how long.

    Args:
        begin: takes over a job; called on the loop.
    """

    def __init__(
        self,
        gateway: Gateway,
        task: BoundTask,
        settings: EngineSettings,
        worker: str,
        room: Room,
        begin: Callable[[BoundTask, Held], None],
    ) -> None:
        self._gateway = gateway
        self._task = task
        self._timeout = float(settings.job_timeout_seconds)
        self._worker = worker
        self._room = room
        self._begin = begin
        self._patience: asyncio.Timeout | None = None

    def finish(self) -> None:
        """Read what was pushed already, whether there is room for it or not, and end: `run` returns then."""
        self._room.close()
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time() + _QUIET_SECONDS)

    async def run(self) -> None:
        """Read until told to finish, or cancelled, or the gateway knows no streams."""
        troubles = 0
        while self._is_wanted():
            began_at, trouble = time.monotonic(), None
            try:
                await self._read()
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                trouble = error
            if time.monotonic() - began_at > _ENOUGH_SECONDS:
                troubles = 0
            if trouble is not None:
                self._note(trouble, troubles)
            if self._is_wanted():
                await asyncio.sleep(_PAUSES[min(troubles, len(_PAUSES) - 1)] * random.uniform(0.5, 1))  # noqa: S311
            troubles += 1

    def _is_wanted(self) -> bool:
        return self._room.is_shared and not self._room.is_closing

    async def _read(self) -> None:
        """One stream, to its end."""
        request = StreamActivatedJobsRequest(
            type=self._task.type,
            worker=self._worker,
            timeout=round(self._timeout * 1000),
            fetchVariable=variables_of(self._task),
            tenantIds=self._gateway.tenant_ids,
        )
        call = self._gateway.stub.StreamActivatedJobs(request, timeout=STREAM_SECONDS)
        unread = Unread(self._timeout)
        try:
            while True:
                asked_at = time.monotonic()
                if self._room.free < 1:
                    unread.grows(asked_at)
                    await self._room.wait(lambda: self._room.free > 0)
                    asked_at = time.monotonic()
                async with asyncio.timeout(
                    _QUIET_SECONDS if self._room.is_closing else None
                ) as self._patience:
                    raw = await call.read()
                self._patience = None
                if not isinstance(raw, ActivatedJob):
                    return  # the end of the stream
                now = time.monotonic()
                until = unread.until(raw.deadline / 1000, now, now - asked_at)
                self._begin(self._task, Held(raw, until, now))
        except TimeoutError:
            return
        finally:
            self._patience = None
            call.cancel()

    def _note(self, error: BaseException, troubles: int) -> None:
        code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
        said = code.name if code is not None else type(error).__name__
        if code is grpc.StatusCode.UNIMPLEMENTED:
            self._room.alone()
            log.info(
                "this gateway pushes no jobs (8.4 and later can): they are polled",
                extra={"action": "stream-unknown", "type": self._task.type},
            )
        elif code in REFUSES_US:
            self._gateway.refused()
        if troubles == _MANY_TROUBLES:
            log.warning(
                "no stream of jobs: they are polled, and wait a little longer",
                extra={"action": "stream-failed", "type": self._task.type, "code": said},
            )


class Unread:
    """How long a job lay unread in the connection, by its deadline on the engine's clock.

    While jobs are read at once, each says by how much the engine's clock is ahead of ours. One that is read after a
    pause and is less ahead has lain there for the difference.

    Args:
        timeout: seconds that the engine gives a job.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._ahead = time.time() - time.monotonic()
        self._paused_at: float | None = None
        self._left = 0

    def grows(self, now: float) -> None:
        """Nothing is read from now on."""
        if self._paused_at is None:
            self._paused_at = now
        self._left = _MOST_UNREAD

    def until(self, deadline: float, now: float, waited: float) -> float:
        """Until when a job is ours (`time.monotonic`).

        Args:
            deadline: the job's, in seconds since the epoch.
            now: when it was read.
            waited: seconds for which nothing was there to be read before it.
        """
        ahead = deadline - self._timeout - now
        age = 0.0
        if self._paused_at is not None:
            self._left -= 1
            age = min(max(0.0, self._ahead - ahead), now - self._paused_at)
            if waited > _FRESH_SECONDS or age < _FRESH_SECONDS or self._left < 0:
                age, self._paused_at = 0.0, None
        if self._paused_at is None:
            self._ahead = ahead
        return now + self._timeout - age
