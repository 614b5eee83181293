"""`duban desk`: pages and API as a process of their own; engine, workers, records and sender are others."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from workers.bootstrap import ports
from workers.bootstrap.engine_watch import EngineWatch
from workers.bootstrap.parts import assembled
from workers.bootstrap.probe import Told, probed
from workers.bootstrap.running import RunUntil, stop_on_signals
from workers.bootstrap.traces import traced_to
from workers.bootstrap.up import Instance
from workers.clock import SystemClock
from workers.desk.services import Health
from workers.engine.broker import handle_of
from workers.engine.gateway import EngineHandle
from workers.errors import Refused
from workers.settings import Settings

Say = Callable[[str], None]


async def desk(settings: Settings, say: Say, ready: Callable[[str], None]) -> None:
    """Serves pages and API until a signal comes. Several on one store share sessions: they are in the store.

    Args:
        say: takes progress sentences.
        ready: called once with the address, when it answers.

    Raises:
        Refused: no engine address, a port that is taken, a model with faults.
        Unavailable: the database does not answer. An engine that is away is waited for meanwhile.
        Stopped: the signal came before it was ready.
    """
    if not settings.engine.address:
        raise Refused(
            "没有引擎地址。 Set DUBAN_ENGINE__ADDRESS to the gateway's host:port; `duban up` brings one of its own."
        )
    with (
        ports.listening(settings.web) as listener,
        assembled(settings, SystemClock(), owns_staff=False) as parts,
        traced_to(settings.tracing, "desk"),
    ):
        url = ports.url_of(listener)
        async with AsyncExitStack() as stack:
            run = RunUntil(stop_on_signals())
            # Nobody knows this token: other systems have their own (`duban tokens`).
            alone = DeskAlone(parts, url, secrets.token_urlsafe(24), say)
            await run.first(alone.start(stack), "start")
            await stack.enter_async_context(alone.web(listener))
            await stack.enter_async_context(probed(settings.probe, Told("desk", parts.database)))
            ready(url)
            await run.all(alone.loops())


class DeskAlone(Instance):
    """The desk's part of an instance. It has a relay, so that the engine hears of a complaint at once, or as soon as it
    is back: a complaint is taken while the engine is away, from the start.
    """

    @asynccontextmanager
    async def _engine(self) -> AsyncIterator[EngineHandle]:
        """Not waited for."""
        yield handle_of(self.parts.settings.engine)

    async def _listen_to_records(self, stack: AsyncExitStack) -> None:
        """`duban records` does."""

    async def _put_to_work(self, handle: EngineHandle) -> None:
        """`duban deploy` and `duban work` do."""
        self._watch = EngineWatch(self._gateway, self._say)

    async def _health(self) -> Mapping[str, Health]:
        """Nothing but the store makes a desk useless: complaints are taken while the engine is away."""
        trouble = self._watch.trouble
        return {
            "engine": Health(trouble is None, trouble or "引擎正常 The engine is ready.", is_needed=False)
        }

    def loops(self) -> Mapping[str, Callable[[asyncio.Event], Awaitable[None]]]:
        return {"relay": self._relay.run, "engine-watch": self._watch.run}
