"""The relay: publishes what the store owes the engine, in effect once, whenever the engine is up."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from workers import metrics
from workers.clock import Clock
from workers.engine.messages import Messages
from workers.errors import DubanError, Unavailable
from workers.log_context import about
from workers.names import STARTS, Message
from workers.store import engine_requests
from workers.store.database import Database
from workers.store.tables import EngineRequest
from workers.tracing import Span, span

log = logging.getLogger(__name__)

TTL: Final = timedelta(hours=24)
"""How long the engine keeps a message: it waits for its process, and a second one with its id is refused."""

_OTHER_TTL: Final[dict[str, timedelta]] = {
    # A survey answer that came too late for its round must be gone before the next round asks (ADR 0004).
    Message.SURVEY_ANSWERED: timedelta(hours=1),
    # A complaint that is stuck on its way must still learn that it belongs to an incident, and how that ended.
    Message.COMPLAINT_ATTACHED: timedelta(days=90),
    Message.COMPLAINT_DETACHED: timedelta(days=90),
    Message.INCIDENT_SOLVED: timedelta(days=90),
    # A case has one refund settled at a time; the next one waits until the first is.
    Message.REFUND_STUCK: timedelta(days=90),
    # Asked of what is running now, or of nobody.
    Message.EXTENSION_REQUESTED: timedelta(minutes=10),
    Message.INCIDENT_GREW: timedelta(minutes=10),
    Message.INCIDENT_RAISED: timedelta(minutes=10),
    # Of the tier that has it now; kept longer, it would be handed back a second time.
    Message.INCIDENT_HANDED_BACK: timedelta(minutes=1),
}

_POLL_SECONDS: Final = 1.0
_BATCH: Final = 50
_PARALLEL: Final = 8
_LONGEST_PAUSE: Final = 10.0
_REFUSED_PAUSE: Final = 60.0


class Relay:
    """Publishes pending engine requests, oldest first. Several relays on one store do no harm.

    An attempt is noted before it is made. One that was attempted may have arrived although its answer was
    lost: within the message's time to live the engine refuses the second; after it, the records know the
    instance it started.

    Args:
        database: where the requests are.
        messages: the engine.
        clock: time of sending.
    """

    def __init__(self, database: Database, messages: Messages, clock: Clock) -> None:
        self._database = database
        self._messages = messages
        self._clock = clock
        self._woken = asyncio.Event()
        self._refused: dict[str, float] = {}
        self.is_engine_up = True

    def wake(self) -> None:
        """There is something new; called after the commit, from the loop's thread."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. The engine may be down: nothing is lost, pauses grow to 10 s."""
        pause = _POLL_SECONDS
        while not stop.is_set():
            self._woken.clear()
            try:
                count = await self.publish_pending()
                self.is_engine_up = True
                pause = _POLL_SECONDS
                if count == _BATCH:
                    continue
            except Unavailable as error:
                if self.is_engine_up:
                    log.warning("engine requests wait: %s", error, extra={"action": "relay-waits"})
                self.is_engine_up = False
                pause = min(pause * 1.5, _LONGEST_PAUSE)
            except Exception as error:  # the store may be away for a moment; a relay never ends
                log.error("relay failed: %s", type(error).__name__, extra={"action": "relay-failed"})
                pause = min(pause * 1.5, _LONGEST_PAUSE)
            await self._rest(stop, pause)

    async def publish_pending(self) -> int:
        """One round; returns how many requests it looked at. Raises Unavailable when the engine took not
        all."""
        now = asyncio.get_running_loop().time()
        self._refused = {ident: until for ident, until in self._refused.items() if until > now}
        requests, arrived = await asyncio.to_thread(self._take)
        if not requests:
            return 0
        gate = asyncio.Semaphore(_PARALLEL)
        troubles: list[Unavailable] = []

        async def one(request: EngineRequest) -> bool:
            async with gate:
                if request.message_id in arrived:
                    return True
                if troubles:
                    raise troubles[0]  # one call that waited in vain is enough
                try:
                    return await self._publish(request)
                except Unavailable as error:
                    troubles.append(error)
                    raise

        results = await asyncio.gather(*(one(request) for request in requests), return_exceptions=True)
        taken = [
            request.message_id for request, result in zip(requests, results, strict=True) if result is True
        ]
        if taken:
            await asyncio.to_thread(self._settle, taken)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(requests)

    async def _publish(self, request: EngineRequest) -> bool:
        with about(number=request.number), traced(request) as told:
            if await self._took(request):
                metrics.ENGINE_REQUESTS.labels(request.name, "sent").inc()
                return True
            told.error = "refused"
            metrics.ENGINE_REQUESTS.labels(request.name, "refused").inc()
            self._refused[request.message_id] = asyncio.get_running_loop().time() + _REFUSED_PAUSE
            return False

    async def _took(self, request: EngineRequest) -> bool:
        try:
            await self._messages.publish(
                request.name,
                request.number,
                request.message_id,
                _OTHER_TTL.get(request.name, TTL),
                request.variables,
            )
        except Unavailable:
            raise
        except DubanError as error:
            log.error(
                "engine refused a message: %s",
                error,
                extra={"action": "relay-refused", "request": request.name},
            )
            return False
        return True

    def _take(self) -> tuple[Sequence[EngineRequest], set[str]]:
        """The next requests, their attempt noted, and the ids of those that are known to have arrived."""
        with self._database.read() as tx:
            if not engine_requests.pending(tx, 1, self._refused):
                return [], set()
        with self._database.begin() as tx:
            requests = engine_requests.pending(tx, _BATCH, self._refused)
            doubtful = [r for r in requests if r.attempts and r.name in STARTS]
            arrived = engine_requests.arrived(tx, doubtful)
            tx.expunge_all()
            engine_requests.mark_attempt(tx, [r.message_id for r in requests if r.message_id not in arrived])
        return requests, arrived

    def _settle(self, message_ids: Sequence[str]) -> None:
        with self._database.begin() as tx:
            engine_requests.mark_sent(tx, message_ids, self._clock.now())

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._woken.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await wait


def traced(request: EngineRequest) -> contextlib.AbstractContextManager[Span]:
    """What is said to the engine, as a part of its case's trace."""
    return span(f"tell engine {request.name}", request.number, "producer", message_name=request.name)
