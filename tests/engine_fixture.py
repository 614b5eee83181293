"""The real engine for tests: `running_engine(...)`, an async context manager."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from workers.clock import Clock, SystemClock
from workers.engine.broker import EmbeddedBroker
from workers.engine.controlled_clock import EngineClock
from workers.engine.gateway import EngineHandle, Gateway
from workers.settings import EngineSettings


@dataclass(frozen=True)
class RunningEngine:
    """A ready engine; `clock` is an EngineClock when it is controlled. `gateway` is open for the block's
    length."""

    broker: EmbeddedBroker
    handle: EngineHandle
    gateway: Gateway
    clock: Clock
    settings: EngineSettings

    @property
    def engine_clock(self) -> EngineClock:
        """The controlled clock. Fails the test when the engine was started without one."""
        assert isinstance(self.clock, EngineClock)
        return self.clock


@asynccontextmanager
async def running_engine(
    tmp_path: Path, exporter_url: str | None = None, controlled_clock: bool = True
) -> AsyncIterator[RunningEngine]:
    """Zeebe on `tmp_path`, not flushing to disk; gone at the end of the block."""
    settings = EngineSettings(flush=False)
    clock = EngineClock(tmp_path / "clock.json") if controlled_clock else None
    async with (
        EmbeddedBroker(tmp_path, settings, exporter_url=exporter_url, clock=clock) as broker,
        Gateway(broker.handle) as gateway,
    ):
        yield RunningEngine(broker, broker.handle, gateway, clock or SystemClock(), settings)
