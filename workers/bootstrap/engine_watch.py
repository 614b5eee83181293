"""Whether the engine answers, known without asking it: probes must not wait for an engine that is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from workers.engine.gateway import Gateway, has_leaders
from workers.errors import DubanError

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
_AWAKE_SECONDS: Final = 0.5


class EngineWatch:
    """Asks the engine every few seconds. Nothing here ends when it is away: whoever works meanwhile goes on.

    Args:
        say: takes one sentence whenever the engine goes, or comes.
    """

    def __init__(self, gateway: Gateway, say: Callable[[str], None]) -> None:
        self._gateway, self._say = gateway, say
        self.trouble: str | None = "尚未连上引擎。 The engine was not reached yet."

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        is_told = False
        while not stop.is_set():
            before, self.trouble = self.trouble, await self._look()
            if (before is None) != (self.trouble is None) or not is_told:
                self._tell()
                is_told = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS if self.trouble is None else _AWAKE_SECONDS)

    async def _look(self) -> str | None:
        try:
            if has_leaders(await self._gateway.topology()):
                return None
            return "引擎有分区没有主节点。 The engine has no leader for some partition; see its health."
        except DubanError as error:
            return str(error)

    def _tell(self) -> None:
        if self.trouble is None:
            log.info("the engine answers", extra={"action": "engine-came"})
            self._say("引擎已连上。 The engine answers.")
        else:
            log.warning("%s", self.trouble, extra={"action": "engine-away"})
            self._say(f"等待引擎，其余照常。 Waiting for the engine, all else works: {self.trouble}")
