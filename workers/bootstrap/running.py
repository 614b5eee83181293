"""Running several loops until a signal comes or one of them breaks."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from workers.errors import Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")


def stop_on_signals() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set; a second signal ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    return stopping


class Stopped(Exception):  # noqa: N818 - an order, not an error
    """A signal came before there was anything to run."""


class RunUntil:
    """Runs things until `stopping` is set."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping

    async def first(self, start: Awaitable[T], name: str) -> T:
        """The result of something that ends by itself. Raises Stopped when the signal comes first."""
        starting = asyncio.ensure_future(start)
        waiting = asyncio.create_task(self._stopping.wait(), name=f"signal-during-{name}")
        try:
            await asyncio.wait((starting, waiting), return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise Stopped
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
