"""Delivers what is in the outbox. Several senders, in one process or many, may work on the same store."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Final

from workers import metrics
from workers.clock import Clock
from workers.errors import DubanError, Refused
from workers.log_context import about
from workers.notifications.channels.channel import Channel, Delivery, NotNow
from workers.notifications.claims import LEASE, Claims
from workers.notifications.settling import Outcome, Settling
from workers.settings import NotificationSettings
from workers.store import outbox
from workers.store.database import Database
from workers.store.tables import OutboxMessage
from workers.tracing import Span, span

log = logging.getLogger(__name__)

RENEW_SECONDS = 15.0
"""How often a sender that lives renews its claims."""
LOOK_SECONDS = 0.25
"""How often to look when nobody calls wake(): real seconds, because the injected clock may stand still."""
GIVE_UP_SECONDS = 30.0
"""Longest pause after the store failed."""
STOP_SECONDS = 10.0
"""How long stopping waits for deliveries; one that lasts longer comes again after its lease."""
GROWTH = 4
_OUTCOMES: Final = {
    "message-sent": "sent",
    "message-delayed": "delayed",
    "message-dead": "dead",
    "claim-lost": "lost",
}
JITTER = 0.2


class Sender:
    """Claims messages that are due, delivers them in threads, and writes down what came of it.

    Each kind of address (sms, email) has its own loop and threads: a channel that hangs delays nothing else.

    At least once: a message that the other side took from a process killed before it noted that is delivered
    once more when the lease is over, with the same Message-ID or Idempotency-Key, by which mail servers and
    gateways know it again.

    Args:
        channels: adapter per kind of address; a message of another kind waits for a sender that has it.
        clock: what "due" is measured by; looked at again after `wake()`.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        clock: Clock,
        settings: NotificationSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._lanes = [_Lane(kind, channel, database, clock, settings) for kind, channel in channels.items()]
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; then finishes what is being delivered. Store and channels may fail."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.TaskGroup() as lanes:
                for lane in self._lanes:
                    lanes.create_task(lane.run(stop))
        finally:
            self._loop = None

    def wake(self) -> None:
        """There may be something new, or the clock was moved: look now. From any thread, running or not."""
        loop = self._loop
        if loop is None:
            return
        with suppress(RuntimeError):  # the loop ended meanwhile
            for lane in self._lanes:
                loop.call_soon_threadsafe(lane.woken.set)

    def is_settled(self) -> bool:
        """Is nothing due and nothing being delivered? Blocks for one query; raises what the store raises."""
        with self._database.read() as tx:
            now = self._clock.now()
            if any(outbox.has_due(tx, now, channel=lane.kind) for lane in self._lanes):
                return False
        return not any(
            lane.is_busy for lane in self._lanes
        )  # in this order: what was just claimed is not due


class _Lane:
    """The messages of one kind."""

    def __init__(
        self, kind: str, channel: Channel, database: Database, clock: Clock, settings: NotificationSettings
    ) -> None:
        self.kind = kind
        self.woken = asyncio.Event()
        self._channel = channel
        self._database = database
        self._clock = clock
        self._settings = settings
        self._claims = Claims(database, clock)
        self._failures = 0
        self._is_claiming = False

    @property
    def is_busy(self) -> bool:
        """Is a message being claimed, delivered or written down?"""
        return self._is_claiming or bool(self._claims)

    async def run(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.woken.set())
        renewing = asyncio.create_task(self._renew())
        deliveries: set[asyncio.Task[None]] = set()
        # One thread more than deliveries, so that looking and claiming never waits behind them.
        threads = ThreadPoolExecutor(self._settings.parallel + 1, f"send-{self.kind}")
        settling = Settling(self._claims, threads, self._told, self._store_failed)
        try:
            while not stop.is_set():
                self.woken.clear()
                room = self._settings.parallel - len(deliveries)
                claimed = await self._claim(threads, room)
                for message in claimed:
                    task = asyncio.create_task(self._deliver(threads, settling, message, stop))
                    deliveries.add(task)
                    task.add_done_callback(deliveries.discard)
                    if len(claimed) == room:  # there may be more, and now there is no room for it
                        task.add_done_callback(lambda _: self.woken.set())
                if len(claimed) < room or not room:
                    await _wait(self.woken, self._pause(LOOK_SECONDS) if self._failures else LOOK_SECONDS)
        finally:
            stopping.cancel()
            if deliveries:
                await asyncio.wait(deliveries, timeout=STOP_SECONDS)
            for task in (renewing, *deliveries):
                task.cancel()
            threads.shutdown(wait=False, cancel_futures=True)

    async def _renew(self) -> None:
        """In a thread of its own: those of the deliveries may all be waiting for servers."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await asyncio.to_thread(self._claims.renew)
            except Exception as error:
                self._store_failed(error)

    async def _claim(self, threads: ThreadPoolExecutor, limit: int) -> list[OutboxMessage]:
        if limit < 1:
            return []
        now, besides = self._clock.now(), self._claims.ids

        def claim() -> list[OutboxMessage]:
            with self._database.read() as tx:  # most looks find nothing: no write lock for those
                if not outbox.has_due(tx, now, channel=self.kind, besides=besides):
                    return []
            with self._database.begin() as tx:
                return outbox.claim(tx, now, limit, LEASE, channel=self.kind, besides=besides)

        self._is_claiming = True
        try:
            claimed = await asyncio.get_running_loop().run_in_executor(threads, claim)
            self._claims.take(claimed)
        except Exception as error:
            self._store_failed(error)
            return []
        finally:
            self._is_claiming = False
        self._failures = 0
        return claimed

    async def _deliver(
        self, threads: ThreadPoolExecutor, settling: Settling, message: OutboxMessage, stop: asyncio.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        try:
            outcome = await loop.run_in_executor(threads, self._attempt, message)
            while not await settling.settle(outcome):
                if stop.is_set():
                    return  # delivered, but not written down: comes again when the lease is over
                await _wait(stop, self._pause(LOOK_SECONDS))
        finally:
            self._claims.drop(message)

    def _attempt(self, message: OutboxMessage) -> Outcome:
        """Delivers, in a thread. Returns what is to be written down."""
        with about(number=message.number), traced(message) as told:
            return self._tried(message, told)

    def _tried(self, message: OutboxMessage, told: Span) -> Outcome:
        try:
            with metrics.MESSAGE_DELIVERY.labels(self.kind).time():
                self._channel.deliver(_delivery(message))
        except Refused as error:
            told.error = "refused"
            return Outcome(message, error=str(error))
        except Exception as error:
            # Only our own sentences: the message of any other exception may quote an address or a text.
            told.error = type(error).__name__
            sentence = (
                str(error) if isinstance(error, DubanError) else f"delivery failed: {type(error).__name__}"
            )
            after = error.after if isinstance(error, NotNow) else None
            return Outcome(message, error=sentence, next_attempt_at=self._next_attempt(message, after))
        return Outcome(message, at=self._clock.now())

    def _next_attempt(self, message: OutboxMessage, after: timedelta | None) -> datetime | None:
        """When to try again; None when that was the last attempt."""
        settings = self._settings
        if message.attempts >= settings.max_attempts:
            return None
        longest = settings.retry_longest_seconds
        seconds = min(settings.retry_seconds * GROWTH ** min(message.attempts - 1, 20), longest)
        seconds *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - spreads load, keeps no secret
        return self._clock.now() + max(timedelta(seconds=seconds), after or timedelta())

    def _told(self, outcome: Outcome, is_ours: bool) -> None:
        message, action = outcome.message, outcome.action if is_ours else "claim-lost"
        if outcome.at is not None:
            waited = max(0.0, (outcome.at - message.created_at).total_seconds())
            metrics.MESSAGE_WAIT.labels(self.kind).observe(waited)
        level = {"message-sent": logging.INFO, "message-dead": logging.ERROR}.get(action, logging.WARNING)
        metrics.MESSAGES.labels(self.kind, _OUTCOMES[action]).inc()
        facts = {"action": action, "number": message.number, "event": message.event, "channel": self.kind}
        log.log(
            level, "%s: %s %s %s %s", action, message.id, message.event, self.kind, outcome.error, extra=facts
        )

    def _store_failed(self, error: Exception) -> None:
        self._failures += 1
        facts = {"action": "store-failed", "channel": self.kind}
        log.warning("store-failed: the sender goes on later: %s", type(error).__name__, extra=facts)

    def _pause(self, first: float) -> float:
        return float(min(first * 2 ** min(self._failures, 10), GIVE_UP_SECONDS))


def traced(message: OutboxMessage) -> AbstractContextManager[Span]:
    """One try to deliver, as a part of its case's trace. To whom is not said."""
    return span(
        f"message {message.event}",
        message.number,
        "producer",
        event=message.event,
        channel=message.channel,
        attempt=message.attempts,
    )


def _delivery(row: OutboxMessage) -> Delivery:
    return Delivery(
        id=row.id,
        number=row.number,
        event=row.event,
        recipient=row.recipient,
        channel=row.channel,
        address=row.address,
        subject=row.subject,
        body=row.body,
        html=row.html,
        created_at=row.created_at,
    )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
