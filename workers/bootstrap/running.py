"""Running several loops until a signal comes or one of them breaks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from workers.errors import Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")


class Stopping(asyncio.Event):
    """Set when the process is told to stop; `signal` is the number of the signal that told it."""

    signal: int = 0


def stop_on_signals(no_later_than: float | None = None) -> Stopping:
    """An event that Ctrl-C and SIGTERM set; a second signal ends the process at once.

    Args:
        no_later_than: seconds after the signal when the process ends in any case, whatever hangs in it; None: never.
    """
    stopping = Stopping()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.signal = number
        stopping.set()
        if no_later_than is not None:
            last = threading.Timer(no_later_than, _end)
            last.daemon = True
            last.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return stopping


def _end() -> None:
    log.error("something hangs: the process ends without it", extra={"action": "stop-late"})
    sys.stderr.flush()
    os._exit(0)


class Stopped(Exception):  # noqa: N818 - an order, not an error
    """A signal came before there was anything to run."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 0 if number == signal.SIGTERM else 128 + number


async def unless_it_fails(check: asyncio.Task[None], start: Awaitable[T]) -> T:
    """The result of `start`, once `check` has ended as well. Where the check fails, the start is taken back at once."""
    starting = asyncio.ensure_future(start)
    try:
        await asyncio.wait((check, starting), return_when=asyncio.FIRST_EXCEPTION)
        await check
        return await starting
    finally:
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)


class RunUntil:
    """Runs things until `stopping` is set."""

    def __init__(self, stopping: Stopping) -> None:
        self._stopping = stopping

    async def first(self, start: Awaitable[T], name: str) -> T:
        """The result of something that ends by itself. Raises Stopped when the signal comes first."""
        starting = asyncio.ensure_future(start)
        waiting = asyncio.create_task(self._stopping.wait(), name=f"signal-during-{name}")
        try:
            await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise Stopped(self._stopping.signal)
            return await starting
        finally:
            waiting.cancel()
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)

    async def all(self, loops: Mapping[str, Callable[[asyncio.Event], Awaitable[None]]]) -> None:
        """Runs the loops until the signal; one that breaks stops the others.

        Raises:
            Unavailable: a loop broke, which is a fault of ours; the log has the traceback.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for name, loop in loops.items():
                    group.create_task(self._run(loop), name=name)
        except ExceptionGroup as broken:
            log.exception("a loop broke", extra={"action": "loop-broke"})
            kinds = ", ".join(type(error).__name__ for error in broken.exceptions)
            raise Unavailable(
                f"a part of Duban broke ({kinds}) and everything was stopped; see the log"
            ) from broken

    async def _run(self, loop: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        try:
            await loop(self._stopping)
        finally:
            self._stopping.set()
