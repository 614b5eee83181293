"""What tests of senders begin with: messages in an outbox, senders that run, and waiting for what they do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from workers.clock import MovedClock
from workers.notifications.sender import Sender
from workers.store import outbox
from workers.store.database import Database
from workers.store.tables import Complaint

PATIENCE = 60


def fill(
    database: Database, clock: MovedClock, count: int = 1, channel: str = "sms", prefix: str = "TS"
) -> None:
    address = "wang@example.com" if channel == "email" else "+8613800138000"
    with database.begin() as tx:
        for index in range(count):
            number = f"{prefix}-{channel}-{index}"
            facts = {"policy": "petition", "channel": "web", "text": "x", "customer_key": "k"}
            tx.add(Complaint(number=number, received_at=clock.now(), **facts))
            tx.flush()
            message = outbox.NewMessage(
                number, "complaint-registered", "customer", channel, address, "主题", "正文", "<p>正文</p>"
            )
            assert outbox.add(tx, message, "1", clock.now())


def counts(database: Database) -> dict[str, int]:
    with database.read() as tx:
        return outbox.counts(tx)


@asynccontextmanager
async def running(*senders: Sender) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(sender.run(stop)) for sender in senders]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)


async def until(condition: Callable[[], bool], *senders: Sender) -> None:
    """Waits for a condition, looking often; fails when patience is over."""
    deadline = time.monotonic() + PATIENCE
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, "it never happened"
        for sender in senders:
            sender.wake()
        await asyncio.sleep(0.02)
