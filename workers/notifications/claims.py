"""The messages of the outbox that a sender has taken for itself."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Final

from workers.clock import Clock
from workers.store import outbox
from workers.store.database import Database
from workers.store.outbox import Transaction
from workers.store.tables import OutboxMessage

LEASE: Final = timedelta(minutes=1)
"""How long a claim lasts; then a dead sender's messages are free again. One that lives renews those it delivers."""


class Claims:
    """The messages that this process is delivering, kept for it until what came of them is written down.

    A claim is known by the time until which it lasts, so one that is being renewed is not settled in between.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._held: dict[int, tuple[OutboxMessage, threading.Lock]] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    @property
    def ids(self) -> frozenset[int]:
        """Of the messages that are held now."""
        return frozenset(self._held)

    def take(self, messages: Iterable[OutboxMessage]) -> None:
        """These were claimed."""
        self._held.update((message.id, (message, threading.Lock())) for message in messages)

    def drop(self, message: OutboxMessage) -> None:
        """Nothing is to be written down for it any more."""
        self._held.pop(message.id, None)

    @contextmanager
    def settling(self, messages: Iterable[OutboxMessage]) -> Iterator[Transaction]:
        """A transaction in which these claims stay what they are."""
        with ExitStack() as stack:
            for message in messages:
                stack.enter_context(self._held[message.id][1])
            yield stack.enter_context(self._database.begin())

    def renew(self) -> None:
        """Holds them for another lease. Blocks; raises what the store raises."""
        for message, lock in list(self._held.values()):
            with lock:
                with self._database.begin() as tx:
                    until = outbox.renew(tx, message, self._clock.now(), LEASE)
                message.claimed_until = until or message.claimed_until
