"""Rounds: the same complaints with one contestant after the other, and what each round cost."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from workers.bench import engine_view
from workers.bench.contestants import Contestant
from workers.bench.engine_view import EngineView
from workers.bench.load import Load, Walked
from workers.bench.processes import cpu_seconds, rss_mb
from workers.bench.rig import Rig


@dataclass(frozen=True)
class Round:
    """One round of one contestant.

    Attributes:
        complaints_per_second: while as many were under way as may be.
        cpu_ms: process -> CPU milliseconds per complaint; `worker` is the contestant.
        rss_mb: the most memory that the worker had.
        lags: see `Walked`.
        engine: what the engine said of itself meanwhile; None in a round too short for two looks.
    """

    complaints_per_second: float
    cpu_ms: Mapping[str, float]
    rss_mb: float
    lags: Sequence[float]
    engine: EngineView | None


async def play(rig: Rig, load: Load, contestant: Contestant, complaints: int, in_flight: int) -> Round:
    """One round, until its last complaint has ended."""
    clock, management_url = rig.parts.clock, rig.handle.management_url
    async with contestant.working() as pid, engine_view.watched(management_url, clock) as readings:
        sizes: list[float] = []
        watching = asyncio.create_task(_note_memory(pid, sizes))
        pids = {**rig.fixed, "worker": pid}
        before = {name: cpu_seconds(each) for name, each in pids.items()}
        try:
            walked = await load.walk(complaints, in_flight)
        finally:
            watching.cancel()
        used = {name: cpu_seconds(each) - before[name] for name, each in pids.items()}
        sizes.append(rss_mb(pid))
    return Round(
        rate(walked, in_flight),
        {name: seconds * 1000 / complaints for name, seconds in used.items()},
        max(sizes),
        walked.lags,
        engine_view.between(readings, *full_time(walked, in_flight)),
    )


async def _note_memory(pid: int, sizes: list[float]) -> None:
    while True:
        sizes.append(rss_mb(pid))
        await asyncio.sleep(0.5)


def rate(walked: Walked, in_flight: int) -> float:
    """Complaints ended per second in the round's `full_time`."""
    began, ended = full_time(walked, in_flight)
    count = sum(began < at <= ended for at in walked.ended.values())
    return count / max(0.001, (ended - began).total_seconds())


def full_time(walked: Walked, in_flight: int) -> tuple[datetime, datetime]:
    """From when to when, without the run-up and the run-out: while `in_flight` were under way. A round too short for
    that counts from its beginning to its end."""
    ends = sorted(walked.ended.values())
    first, last = in_flight, len(ends) - in_flight
    if last - first < in_flight:
        return walked.began, ends[-1]
    return ends[first], ends[last]


def median_ratio(mine: Sequence[Round], theirs: Sequence[Round]) -> float | None:
    """The median of the ratios of neighbouring rounds; None where there is nothing to compare with."""
    pairs = zip(mine, theirs, strict=False)
    ratios = [
        ours.complaints_per_second / others.complaints_per_second
        for ours, others in pairs
        if others.complaints_per_second
    ]
    return round(statistics.median(ratios), 3) if ratios else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least this share of the values does not exceed; None of none."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else None
