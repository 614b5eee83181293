"""What a part of an instance tells Prometheus: what it counted, how it is doing, and (one part) how the instance is.

The figures of the whole instance are looked up in the store by the part that takes the record stream: there is one of
it, so nothing is told twice. A store that is slow or away costs these figures and nothing else.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from workers import metrics
from workers.clock import Clock
from workers.engine.report import HostReport
from workers.store import gauges
from workers.store.database import Database
from workers.store.gauges import Gauges

log = logging.getLogger(__name__)

Source = Callable[[], Iterable[GaugeMetricFamily]]
"""Figures as they are now; must not block."""

KEPT_SECONDS: Final = 10.0
"""How long what the store said is told again: several may ask, one question is enough."""
PATIENCE_SECONDS: Final = 3.0
"""How long who asks waits for the store; Prometheus gives up after ten."""
FORGOTTEN_SECONDS: Final = 30.0
"""What the store said longer ago than this is not told any more."""


class Exposition(Collector):
    """Everything that this process tells, as Prometheus reads it. One source that fails costs its own figures."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def text(self) -> bytes:
        """The page. From any thread."""
        return generate_latest(metrics.REGISTRY) + generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of the sources; called by the library."""
        for source in self._sources:
            try:
                yield from list(source())
            except Exception as error:
                log.warning(
                    "figures are missing: %s", type(error).__name__, extra={"action": "metrics-failed"}
                )

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: figures are looked up when they are asked for only."""
        return ()


def of_process(part: str, database: Database, lag: Callable[[], float]) -> Source:
    """How a process is doing, whatever it does.

    Args:
        part: the command that it runs.
        lag: how late its event loop answers, seconds.
    """
    version = importlib.metadata.version("duban")

    def told() -> Iterator[GaugeMetricFamily]:
        yield metrics.BUILD_INFO.of([((version, part), 1)])
        yield metrics.LOOP_LAG.is_(lag())
        found = database.connections()
        yield metrics.STORE_CONNECTIONS.of([(("used",), found.used), (("idle",), found.idle)])
        yield metrics.STORE_CONNECTIONS_LIMIT.is_(found.limit)

    return told


def of_workers(report: Callable[[], HostReport]) -> Source:
    """How a worker host is doing."""

    def told() -> Iterator[GaugeMetricFamily]:
        found = report()
        yield metrics.WORKER_HEALTHY.is_(int(found.is_alive))
        yield metrics.JOBS_STUCK.is_(found.stuck)
        yield metrics.JOBS_HELD.of([((each.type,), each.running) for each in found.types])
        polled = [(each.type, each.polled_seconds_ago) for each in found.types]
        yield metrics.POLL_AGE.of([((kind,), ago) for kind, ago in polled if ago is not None])

    return told


class InstanceFigures:
    """How the whole instance is doing, as the store says: asked when somebody asks, and kept for some seconds.

    Args:
        types: all job types: one that nobody works on is told as 0.
    """

    def __init__(self, database: Database, clock: Clock, types: Iterable[str]) -> None:
        self._database = database
        self._clock = clock
        self._types = tuple(types)
        self._found: Gauges | None = None
        self._found_at = float("-inf")
        self._asking: asyncio.Future[None] | None = None

    async def refresh(self) -> None:
        """Asks the store, and waits for it a little. One question at a time, however often this is called."""
        if time.monotonic() - self._found_at < KEPT_SECONDS:
            return
        if self._asking is None or self._asking.done():
            self._asking = self._ask()
        await asyncio.wait([self._asking], timeout=PATIENCE_SECONDS)

    def told(self) -> Iterator[GaugeMetricFamily]:
        """What the store said last; that it does not answer, when that is long ago."""
        found = self._found
        if found is None or time.monotonic() - self._found_at > FORGOTTEN_SECONDS:
            yield metrics.STORE_UP.is_(0)
            return
        yield metrics.STORE_UP.is_(1)
        yield metrics.COMPLAINTS_OPEN.of(_by_word(found.statuses))
        yield metrics.COMPLAINTS_OVERDUE.of(_by_word(found.overdue))
        yield metrics.TASKS_OPEN.of([((group,), all_) for group, (all_, _) in found.tasks.items()])
        yield metrics.TASKS_OVERDUE.of([((group,), late) for group, (_, late) in found.tasks.items()])
        yield metrics.OUTBOX.of(_by_word(found.outbox))
        yield metrics.OUTBOX_AGE.is_(found.outbox_age)
        yield metrics.OWED.is_(found.owed)
        yield metrics.OWED_AGE.is_(found.owed_age)
        yield metrics.INCIDENTS.of(_by_word(found.incidents))
        yield metrics.WORKERS_ALIVE.of(_by_word({each: found.alive.get(each, 0) for each in self._types}))
        newest = found.newest_records.items()
        yield metrics.NEWEST_RECORD.of([((str(partition),), at.timestamp()) for partition, at in newest])

    def _ask(self) -> asyncio.Future[None]:
        """In a daemon thread: a store that hangs keeps no process from ending."""
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[None] = loop.create_future()

        def settle(found: Gauges | None) -> None:
            if found is None:
                self._found_at = float("-inf")
            else:
                self._found, self._found_at = found, time.monotonic()
            if not asked.done():
                asked.set_result(None)

        def ask() -> None:
            found = None
            try:
                found = gauges.look(self._database, self._clock.now(), datetime.now(UTC))
            except Exception as error:
                log.warning(
                    "the store says no figures: %s", type(error).__name__, extra={"action": "figures-failed"}
                )
            try:
                loop.call_soon_threadsafe(settle, found)
            except RuntimeError:  # the loop is closed
                return

        threading.Thread(target=ask, name="figures", daemon=True).start()
        return asked


def _by_word(counts: Mapping[str, int]) -> list[tuple[tuple[str], float]]:
    return [((word,), count) for word, count in counts.items()]
