"""Look at a watched deadline again: was it extended meanwhile, and what does it ask for now (rules A9, C6)?

Job type: check-deadline
Reads: number, deadline_kind, due_at, optional first_warning_at, second_warning_at (null: no such warning), watch_at and
    warned_at (of the rounds before).
Sets: watch_step, watch_at, warned_at, first_warning_at, second_warning_at, due_at. A statutory deadline that was
    extended moves the three instants; its warnings keep their share of the time from receipt.
Throws: nothing.
Effect: none; it only reads.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.deadline_watch import Step, Watch
from workers.clock import Clock
from workers.names import SHANGHAI
from workers.store import deadlines
from workers.store.database import Database


def check_deadline(
    database: Database,
    clock: Clock,
    *,
    number: str,
    deadline_kind: str,
    due_at: str,
    first_warning_at: str | None = None,
    second_warning_at: str | None = None,
    watch_at: str | None = None,
    warned_at: str | None = None,
) -> dict[str, Any]:
    """Returns the step, its instant, and the three instants as they are now."""
    watch = Watch(_instant(first_warning_at), _instant(second_warning_at), datetime.fromisoformat(due_at))
    with database.read() as tx:
        extension = deadlines.extension(tx, number, deadline_kind)
    if extension is not None:
        watch = watch.extended_to(extension.due_at, extension.received_at)
    waited_for, warned = _instant(watch_at), _instant(warned_at)
    now = clock.now()
    if waited_for is not None:  # the engine's clock has reached it, though this one may be a moment behind
        now = max(now, waited_for)
    step, at = watch.step(now, warned)
    if step in (Step.FIRST_WARNING, Step.SECOND_WARNING):
        warned = at
    return {
        "watch_step": str(step),
        "watch_at": _text(at),
        "warned_at": _text(warned),
        "first_warning_at": _text(watch.first),
        "second_warning_at": _text(watch.second),
        "due_at": _text(watch.due),
    }


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(instant: datetime | None) -> str | None:
    return instant.astimezone(SHANGHAI).isoformat(timespec="seconds") if instant else None
