"""Says in the store, again and again, that this process works on its job types: operations see who is alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from workers.store import beats
from workers.store.beats import Beat
from workers.store.database import Database

log = logging.getLogger(__name__)


class Status(Protocol):
    """How one job type is doing, as the worker host tells it (workers.engine.host)."""

    last_poll_at: float | None
    running: int
    outcomes: dict[str, int]
    error: str | None


class Heartbeat:
    """Writes `worker_beats` for one process, by the real clock: a moved one says nothing of who is alive.

    Args:
        statuses: by job type; read again each time.
    """

    def __init__(self, database: Database, statuses: Mapping[str, Status]) -> None:
        self._database = database
        self._statuses = statuses
        self._host = f"{socket.gethostname()[:80]}:{os.getpid()}:{secrets.token_hex(2)}"
        self._started_at = datetime.now(UTC)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then it takes its rows away: who stops in order is not missed."""
        try:
            while not stop.is_set():
                await self._try(self._beat)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(beats.EVERY.total_seconds()):
                        await stop.wait()
        finally:
            await self._try(self._end)

    async def _try(self, act: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(act)
        except Exception as error:  # a store that is down is told by others; work goes on
            log.warning(
                "could not say that workers live: %s",
                type(error).__name__,
                extra={"action": "heartbeat-failed"},
            )

    def _beat(self) -> None:
        now, ticks = datetime.now(UTC), time.monotonic()
        told = [_told(kind, status, now, ticks) for kind, status in self._statuses.items()]
        with self._database.begin() as tx:
            beats.write(tx, self._host, self._started_at, now, told)

    def _end(self) -> None:
        with self._database.begin() as tx:
            beats.end(tx, self._host)


def _told(kind: str, status: Status, now: datetime, ticks: float) -> Beat:
    polled = None if status.last_poll_at is None else now - timedelta(seconds=ticks - status.last_poll_at)
    count = dict(status.outcomes)
    return Beat(
        job_type=kind,
        polled_at=polled,
        running=status.running,
        done=_sum(count, ("completed", "thrown")),
        failed=_sum(count, ("failed",)),
        error=status.error,
    )


def _sum(count: Mapping[str, int], outcomes: Iterable[str]) -> int:
    return sum(count.get(each, 0) for each in outcomes)
