"""What the engine says of itself meanwhile: whether it is what limits a rate, and how often it is asked for jobs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx

from workers.clock import Clock

LOOK_SECONDS: Final = 2.0
_METRICS: Final = "/actuator/prometheus"
_LINE: Final = re.compile(
    r"^zeebe_stream_processor_(?P<what>processing_duration|latency)(?:_seconds)?_(?P<of>sum|count)"
    r"\{(?P<labels>[^}]*)\} (?P<value>\S+)$",
    re.MULTILINE,
)
"""Histograms of the stream processor; newer engines name their unit."""
_ASKS_FOR_JOBS: Final = ('valueType="JOB_BATCH"', 'intent="ACTIVATE"')


@dataclass(frozen=True)
class Reading:
    """What the engine had counted at a moment, since its start, all partitions together.

    Attributes:
        working: seconds that it worked off commands.
        waiting: seconds that commands waited for that, each by itself.
        requests: requests for jobs that it worked off.
    """

    at: datetime
    working: float
    waiting: float
    requests: float


@dataclass(frozen=True)
class EngineView:
    """The engine while as many complaints were under way as may be.

    Attributes:
        busy: share of the time in which it worked off commands; rarely more than 0.9 of one partition, because it does
            other things between two of them.
        queue: commands that waited for it, on average.
        requests: requests for jobs per second.
    """

    busy: float
    queue: float
    requests: float


def read(text: str, at: datetime) -> Reading:
    """The engine's figures in Prometheus' format. What it does not tell is 0."""
    sums = {"working": 0.0, "waiting": 0.0, "requests": 0.0}
    for found in _LINE.finditer(text):
        value = float(found["value"])
        if found["of"] == "sum":
            sums["working" if found["what"] == "processing_duration" else "waiting"] += value
        elif found["what"] == "processing_duration" and all(
            part in found["labels"] for part in _ASKS_FOR_JOBS
        ):
            sums["requests"] += value
    return Reading(at, **sums)


def between(readings: Sequence[Reading], began: datetime, ended: datetime) -> EngineView | None:
    """From the first reading of a time to its last; None where there are not two, or the engine tells nothing."""
    inside = [each for each in readings if began <= each.at <= ended]
    if len(inside) < 2 or inside[-1].working == 0:
        return None
    first, last = inside[0], inside[-1]
    seconds = (last.at - first.at).total_seconds()
    return EngineView(
        busy=(last.working - first.working) / seconds,
        queue=(last.waiting - first.waiting) / seconds,
        requests=(last.requests - first.requests) / seconds,
    )


@asynccontextmanager
async def watched(management_url: str | None, clock: Clock) -> AsyncIterator[list[Reading]]:
    """Reads the engine's figures now and then for the length of the block; a reading that fails is left out."""
    readings: list[Reading] = []

    async def watch(client: httpx.AsyncClient) -> None:
        while True:
            try:
                text = (await client.get(_METRICS)).raise_for_status().text
                readings.append(read(text, clock.now()))
            except httpx.HTTPError:
                pass  # busy: the next look is soon
            await asyncio.sleep(LOOK_SECONDS)

    async with httpx.AsyncClient(base_url=management_url or "", timeout=10, trust_env=False) as client:
        watching = asyncio.create_task(watch(client)) if management_url else None
        try:
            yield readings
        finally:
            if watching is not None:
                watching.cancel()
