"""Says in the store, again and again, that this process works on its job types: operations see who is alive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from workers.engine.report import HostReport, TypeReport
from workers.store import beats
from workers.store.beats import Beat
from workers.store.database import Database

log = logging.getLogger(__name__)


class Heartbeat:
    """Writes `worker_beats` for one process, by the real clock: a moved one says nothing of who is alive.

    Args:
        report: how the worker host is doing now.
    """

    def __init__(self, database: Database, report: Callable[[], HostReport]) -> None:
        self._database = database
        self._report = report
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
        now = datetime.now(UTC)
        told = [_told(each, now) for each in self._report().types]
        with self._database.begin() as tx:
            beats.write(tx, self._host, self._started_at, now, told)

    def _end(self) -> None:
        with self._database.begin() as tx:
            beats.end(tx, self._host)


def _told(each: TypeReport, now: datetime) -> Beat:
    polled = each.polled_seconds_ago
    return Beat(
        job_type=each.type,
        polled_at=None if polled is None else now - timedelta(seconds=polled),
        running=each.running,
        done=each.done,
        failed=each.failed,
        error=each.error,
    )
