"""Waits until nothing goes on by itself any more: for scripts and tests that move the clock."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from workers.clock import Clock
from workers.errors import Unavailable
from workers.records.apply import MARK_PREFIX
from workers.records.progress import Progress
from workers.store.database import Database
from workers.store.record_queries import partitions, position, unsettled

Mark = Callable[[str], Awaitable[object]]
"""Writes a signal of this name into every partition's log: `workers.engine.messages.Messages.mark`.

Raises Unavailable when the engine does not answer just now.
"""

QUIET_SECONDS: Final = 0.3
BLIND_QUIET_SECONDS: Final = 2.0
"""Without marks nobody knows what the exporter holds back; it does so for 1 to 1.5 s (its bulk delay)."""
_LOOK_SECONDS: Final = 0.25


@dataclass(frozen=True)
class _Look:
    moved: int
    going_on: tuple[str, ...]


async def wait_settled(
    database: Database,
    clock: Clock,
    timeout: float,  # noqa: ASYNC109 - on time-out it says what is still going on
    *,
    progress: Progress | None = None,
    mark: Mark | None = None,
) -> None:
    """Returns when all is quiet: twice in a row, with time between, and no record of work came in meanwhile.

    A record comes some time after what it tells of. So before each look a mark is written into the engine's
    log and waited for: what the engine did before it is in the tables then. A timer that is due but not yet
    fired, a job that is running or backing off, a message on its way keep it waiting.

    Args:
        database: the store.
        clock: the clock that the engine's timers follow too.
        timeout: seconds of real time.
        progress: of the `RecordsServer` in this process; without it, a longer quiet must do.
        mark: see `Mark`; without it, a longer quiet must do.

    Raises:
        Unavailable: it did not settle in time; the message lists what is still going on.
    """
    until = time.monotonic() + timeout
    quiet = BLIND_QUIET_SECONDS if progress is None or mark is None else QUIET_SECONDS
    last = await _look(database, clock, progress, mark, until)
    while True:
        if last.going_on:
            await _wait_for_change(progress)
        else:
            await asyncio.sleep(quiet)
        look = await _look(database, clock, progress, mark, until)
        if not look.going_on and not last.going_on and look.moved == last.moved:
            return
        if time.monotonic() > until:
            raise Unavailable(_late(timeout, look))
        last = look


async def _wait_for_change(progress: Progress | None) -> None:
    """Until records come in; not long, because not all that goes on is told by records."""
    if progress is None:
        await asyncio.sleep(_LOOK_SECONDS)
    else:
        await progress.wait_for_change(progress.batches, _LOOK_SECONDS)


async def _look(
    database: Database, clock: Clock, progress: Progress | None, mark: Mark | None, until: float
) -> _Look:
    behind = await _behind(database, progress, mark, until) if progress and mark else None
    look = await asyncio.to_thread(_read, database, clock, progress)
    return _Look(look.moved, look.going_on or (behind,)) if behind else look


async def _behind(database: Database, progress: Progress, mark: Mark, until: float) -> str | None:
    """Waits for what the engine did before now; returns what keeps it from coming."""
    name = f"{MARK_PREFIX}{secrets.token_hex(8)}"
    expected = await asyncio.to_thread(_partitions, database)
    progress.expect(name)
    try:
        await mark(name)
        # No partition has been heard of before the first record; then the mark itself is the first.
        arrived = await progress.wait(
            lambda: progress.seen(name) >= (expected or {1}), max(0.0, until - time.monotonic())
        )
    except Unavailable as error:  # restarting, or busy: it has work to do
        return str(error)
    finally:
        progress.forget(name)
    return (
        None if arrived else "the engine's record stream is behind: a mark written into it did not come back"
    )


def _read(database: Database, clock: Clock, progress: Progress | None) -> _Look:
    with database.read() as tx:
        moved = position(tx) if progress is None else progress.activity
        return _Look(moved, tuple(unsettled(tx, clock.now())))


def _partitions(database: Database) -> frozenset[int]:
    with database.read() as tx:
        return partitions(tx)


def _late(timeout: float, look: _Look) -> str:
    still = "; ".join(look.going_on) or "records keep coming in"
    return f"Not settled after {timeout:g} s: {still}."
