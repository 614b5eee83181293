"""Loops that never end by themselves, and calls that may only be ended by us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from workers.engine.failures import describe

log = logging.getLogger(__name__)

_PAUSE_SECONDS: Final = 1.0


def is_cancelled() -> bool:
    """Whether the running task was told to end. gRPC raises CancelledError, too, when a channel closes under a
    call: that must end nothing."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def kept(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop, and begin it anew whenever it breaks, until it returns or is cancelled."""
    while True:
        try:
            await loop()
            return
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            said = describe(error)
        log.error("the loop %s broke and begins anew: %s", name, said, extra={"action": "loop-broke"})
        await asyncio.sleep(_PAUSE_SECONDS)


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until they have ended."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
