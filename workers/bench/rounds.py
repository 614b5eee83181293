"""Rounds: the same complaints with one contestant after the other, and what each round cost."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.bench.contestants import Contestant
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
    """

    complaints_per_second: float
    cpu_ms: Mapping[str, float]
    rss_mb: float
    lags: Sequence[float]


async def play(rig: Rig, load: Load, contestant: Contestant, complaints: int, in_flight: int) -> Round:
    """One round, until its last complaint has ended."""
    async with contestant.working() as pid:
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
    )


async def _note_memory(pid: int, sizes: list[float]) -> None:
    while True:
        sizes.append(rss_mb(pid))
        await asyncio.sleep(0.5)


def rate(walked: Walked, in_flight: int) -> float:
    """Complaints ended per second, without the run-up and the run-out: while `in_flight` were under way. A round too
    short for that counts from its beginning."""
    ends = sorted(walked.ended.values())
    first, last = in_flight, len(ends) - in_flight
    if last - first < in_flight:
        return len(ends) / max(0.001, (ends[-1] - walked.began).total_seconds())
    return (last - first) / max(0.001, (ends[last] - ends[first]).total_seconds())


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
