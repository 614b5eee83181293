"""How long a second `duban up` takes until it is usable, against the engine alone until it has a leader."""

from __future__ import annotations

import asyncio
import shutil
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.bench.processes import DUBAN, clean_environment, started
from workers.bench.rig import Say, settings_of
from workers.engine.broker import EmbeddedBroker


@dataclass(frozen=True)
class WarmStart:
    """Seconds of each start, in turns."""

    up: Sequence[float]
    engine: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the ratios of neighbours."""
        return round(statistics.median(up / bare for up, bare in zip(self.up, self.engine, strict=True)), 3)


async def warm_start(folder: Path, starts: int, say: Say) -> WarmStart:
    """Starts both in turns, `starts` times each, on data that an earlier run left."""
    own, bare = folder / "up", folder / "bare"
    await _up(own)
    shutil.copytree(own / "engine", bare / "engine", ignore=shutil.ignore_patterns("lock", "engine.pid"))
    ups: list[float] = []
    engines: list[float] = []
    for index in range(starts):
        engines.append(await _engine(bare))
        ups.append(await _up(own))
        say(f"启动 start {index + 1}: engine alone {engines[-1]:.1f} s, up {ups[-1]:.1f} s")
    return WarmStart(ups, engines)


async def _up(data: Path) -> float:
    settings = settings_of(data, None)
    environment = clean_environment() | {"DUBAN_ENGINE__CACHE_DIR": str(settings.engine.cache_dir)}
    await asyncio.to_thread(data.mkdir, exist_ok=True)
    loop = asyncio.get_running_loop()
    began = loop.time()
    command = (*DUBAN, "up", "--data", str(data), "--port", "0")
    async with started("up", command, data, environment) as process:
        await process.says("ready")
        return loop.time() - began


async def _engine(data: Path) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with EmbeddedBroker(data, settings_of(data, None).engine):
        return loop.time() - began
