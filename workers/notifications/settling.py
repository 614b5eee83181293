"""Writes down what came of deliveries: those that end while a transaction is under way share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from workers.notifications.claims import Claims
from workers.store import outbox
from workers.store.tables import OutboxMessage


@dataclass(frozen=True)
class Outcome:
    """What came of one try to deliver a message.

    Attributes:
        at: when it was delivered; None: it was not.
        error: why it was not, without personal data.
        next_attempt_at: when to try again; None: never.
    """

    message: OutboxMessage
    at: datetime | None = None
    error: str = ""
    next_attempt_at: datetime | None = None

    @property
    def action(self) -> str:
        """What the log calls it."""
        if self.at is not None:
            return "message-sent"
        return "message-dead" if self.next_attempt_at is None else "message-delayed"

    def write(self, tx: outbox.Transaction) -> bool:
        """Returns False when the claim was lost to another sender meanwhile."""
        if self.at is not None:
            return outbox.mark_sent(tx, self.message, self.at)
        return outbox.mark_failed(tx, self.message, self.error, self.next_attempt_at)


Told = Callable[[Outcome, bool], None]
"""Called for what is written down, and whether the claim was still ours."""


class Settling:
    """One writer at a time; it takes everything that waits.

    Args:
        told: called in a thread, after the commit.
        failed: called with what the store raised.
    """

    def __init__(
        self, claims: Claims, threads: Executor, told: Told, failed: Callable[[Exception], None]
    ) -> None:
        self._claims = claims
        self._threads = threads
        self._told = told
        self._failed = failed
        self._writing = asyncio.Lock()
        self._waiting: list[tuple[Outcome, asyncio.Future[bool]]] = []

    async def settle(self, outcome: Outcome) -> bool:
        """Returns when it is written down (True), or was tried in vain."""
        loop = asyncio.get_running_loop()
        is_written: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((outcome, is_written))
        async with self._writing:
            if not is_written.done():
                batch, self._waiting = self._waiting, []
                written = False
                try:
                    await loop.run_in_executor(self._threads, self._write, [each for each, _ in batch])
                    written = True
                except Exception as error:
                    self._failed(error)
                finally:
                    for _, waiting in batch:
                        if not waiting.done():
                            waiting.set_result(written)
        return await is_written

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        with self._claims.settling([each.message for each in outcomes]) as tx:
            kept = [each.write(tx) for each in outcomes]
        for outcome, is_ours in zip(outcomes, kept, strict=True):
            self._told(outcome, is_ours)
