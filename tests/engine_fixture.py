"""The real engine for tests: `running_engine(...)`, an async context manager."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from workers.clock import Clock, SystemClock
from workers.engine.broker import EmbeddedBroker
from workers.engine.controlled_clock import EngineClock
from workers.engine.gateway import EngineHandle, Gateway
from workers.settings import EngineSettings

T = TypeVar("T")


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


class LoopThread:
    """An event loop in a thread, so that fixtures and plain tests share one engine. A context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine-loop", daemon=True)

    def __enter__(self) -> LoopThread:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 300) -> T:
        """The result of a coroutine that runs on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)


class EngineForTests:
    """`running_engine` for synchronous tests: `run` a coroutine beside it, `enter` more async context
    managers."""

    def __init__(self, thread: LoopThread, stack: AsyncExitStack, engine: RunningEngine) -> None:
        self.engine = engine
        self._thread = thread
        self._stack = stack

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 300) -> T:
        """The result of a coroutine, on the engine's loop."""
        return self._thread.run(work, seconds)

    def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a context manager on the engine's loop until the engine ends."""
        return self._thread.run(self._stack.enter_async_context(manager))


@contextmanager
def engine_for_tests(
    tmp_path: Path, exporter_url: str | None = None, controlled_clock: bool = True
) -> Iterator[EngineForTests]:
    """A running engine for the length of the block, for tests that are plain functions."""
    with LoopThread() as thread:
        stack = AsyncExitStack()
        try:
            manager = running_engine(tmp_path, exporter_url, controlled_clock)
            engine = thread.run(stack.enter_async_context(manager))
            yield EngineForTests(thread, stack, engine)
        finally:
            thread.run(stack.aclose())
