"""Open user tasks for other systems, a page at a time: everybody's, or those that one person may complete."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from workers.store import inbox, record_queries
from workers.store.inbox import Inbox, Seat, Wanted
from workers.store.offer_tables import TaskOffer
from workers.store.record_views import TaskView
from workers.store.sight import Sight

Place = tuple[datetime, str]
"""Where a page ends: when its last task is due (NEVER_DUE for one that is never), key of the task."""


def page(
    tx: Session, *, who: Seat | None, sight: Sight, after: Place | None = None, limit: int = 100
) -> tuple[list[TaskView], Place | None]:
    """The next tasks, the one due first comes first, and where the page ends if there is more.

    Args:
        who: only tasks that this person may complete; None: everybody's, as far as `sight` reaches.
    """
    if who is not None:
        place = inbox.Place(*after) if after is not None else None
        found = Inbox(tx, who).page(Wanted(), after=place, limit=limit)
        return found.tasks, (found.after.sorted_at, found.after.task_key) if found.after is not None else None
    wanted = select(TaskOffer.sorted_at, TaskOffer.task_key).where(TaskOffer.number.is_not(None))
    wanted = wanted.where(sight.shows_number(TaskOffer.number))
    if after is not None:
        wanted = wanted.where(tuple_(TaskOffer.sorted_at, TaskOffer.task_key) > after)
    ordered = wanted.distinct().order_by(TaskOffer.sorted_at, TaskOffer.task_key)
    rows = tx.execute(ordered.limit(limit + 1)).all()
    tasks = record_queries.tasks(tx, [key for _, key in rows[:limit]])
    if len(rows) <= limit:
        return tasks, None
    sorted_at, key = rows[limit - 1]
    return tasks, (sorted_at, key)
