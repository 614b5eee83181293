"""What operations see of the outbox, and sending dead letters again. Nobody's address is shown whole (rule B10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from workers.cases import masking
from workers.store.outbox import affected
from workers.store.tables import OutboxMessage

State = Literal["pending", "dead"]
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


@dataclass(frozen=True)
class LetterCause:
    """Dead letters that were given up for the same reason."""

    channel: str
    error: str
    count: int
    since: datetime


def letters(
    tx: Session, state: State, *, number: str | None = None, after: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Messages that are owed (the oldest first) or were given up (the newest first), without what they say.

    Args:
        after: the id of the last one that was seen: the list goes on behind it.
    """
    wanted = select(OutboxMessage).where(OutboxMessage.status == state).limit(limit)
    if number:
        wanted = wanted.where(OutboxMessage.number == number)
    if state == "dead":
        wanted = wanted.order_by(OutboxMessage.id.desc())
        wanted = wanted if after is None else wanted.where(OutboxMessage.id < after)
    else:
        wanted = wanted.order_by(OutboxMessage.id)
        wanted = wanted if after is None else wanted.where(OutboxMessage.id > after)
    return [
        {
            "id": row.id,
            "number": row.number,
            "event": row.event,
            "recipient": "customer" if row.recipient == "customer" else "staff",
            "channel": row.channel,
            "to": masking.contact(row.address),
            "status": row.status,
            "attempts": row.attempts,
            "error": told(row.last_error),
            "created_at": row.created_at,
            "next_attempt_at": row.next_attempt_at if row.status == "pending" else None,
        }
        for row in tx.scalars(wanted)
    ]


def causes(tx: Session) -> list[LetterCause]:
    """Why messages were given up, the most frequent first."""
    rows = tx.execute(
        select(
            OutboxMessage.channel,
            OutboxMessage.last_error,
            func.count(),
            func.min(OutboxMessage.created_at),
        )
        .where(OutboxMessage.status == "dead")
        .group_by(OutboxMessage.channel, OutboxMessage.last_error)
    )
    found: dict[tuple[str, str], LetterCause] = {}
    for channel, error, count, since in rows:
        said = told(error) or ""
        before = found.get((channel, said))
        if before is not None:
            count, since = count + before.count, min(since, before.since)
        found[channel, said] = LetterCause(channel, said, count, since)
    return sorted(found.values(), key=lambda each: (-each.count, each.since))


def resend_many(tx: Session, now: datetime, channel: str | None = None, error: str | None = None) -> int:
    """Owes dead letters again, with all their attempts: all, those of a channel, or of one reason.

    Args:
        error: the reason as `causes` tells it.

    Returns:
        How many.
    """
    dead = select(OutboxMessage.id, OutboxMessage.last_error).where(OutboxMessage.status == "dead")
    if channel is not None:
        dead = dead.where(OutboxMessage.channel == channel)
    ids = [id_ for id_, said in tx.execute(dead) if error is None or (told(said) or "") == error]
    done = 0
    for start in range(0, len(ids), 500):
        statement = (
            update(OutboxMessage)
            .where(OutboxMessage.id.in_(ids[start : start + 500]), OutboxMessage.status == "dead")
            .values(status="pending", attempts=0, next_attempt_at=now, claimed_until=None)
        )
        done += affected(tx, statement)
    return done


def oldest_pending(tx: Session) -> datetime | None:
    """Since when the message is owed that is owed longest; None when nothing is."""
    return tx.scalar(select(func.min(OutboxMessage.created_at)).where(OutboxMessage.status == "pending"))


def told(error: str | None) -> str | None:
    """A failure without addresses and numbers that a gateway may have repeated in its answer."""
    return _ADDRESS.sub(lambda found: masking.email(found[0]), masking.numbers_in(error)) if error else None
