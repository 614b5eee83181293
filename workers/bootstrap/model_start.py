"""The models of an instance that brings its own engine: in the engine before work begins, with no needless wait."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from workers.engine.deployment import deploy
from workers.engine.gateway import EngineHandle
from workers.engine.models import Models
from workers.engine.models.changes import differences
from workers.errors import Unavailable
from workers.store import deployed
from workers.store.database import Database

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 5
"""Between two tries to deploy what is unchanged."""


class ModelStart:
    """Deploys the models of one start.

    Args:
        models: checked ones.
        engine: where to.
        is_own: the engine belongs to this instance: what the store knows of its records is about it alone.
    """

    def __init__(self, database: Database, models: Models, engine: EngineHandle, *, is_own: bool) -> None:
        self._database = database
        self._models = models
        self._engine = engine
        self._is_own = is_own
        self._is_done = False

    async def before_work(self) -> None:
        """Returns when the engine has them; at once where the records tell that it has.

        Raises:
            Refused: the engine does not take them. Unavailable: it does not answer.
        """
        if not self._is_own or await asyncio.to_thread(self._would_change):
            await self._deploy()

    async def run(self, stop: asyncio.Event) -> None:
        """Has the engine look at what is unchanged, too, which takes it seconds.

        An earlier engine may have ended before its last records were taken. Where it has the same models already, it
        changes nothing.
        """
        while not (self._is_done or stop.is_set()):
            try:
                await self._deploy()
            except Unavailable as error:
                log.warning("models are not deployed yet: %s", error, extra={"action": "models-wait"})
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        await stop.wait()

    def _would_change(self) -> bool:
        with self._database.read() as tx:
            return any(each.is_effective for each in differences(self._models, deployed.newest(tx)))

    async def _deploy(self) -> None:
        done = await deploy(self._engine, self._models.deployables())
        self._is_done = True
        log.info("models are deployed", extra={"action": "models-deployed", "definitions": len(done)})
