"""Messages owed to customers and staff: written with the fact that causes them, delivered by a sender.

States: `pending` (owed; `claimed_until` while a sender has it), `sent`, `dead` (given up: people may
resend it).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, Final, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from workers.errors import Conflict, NotFound
from workers.store.database import Instant
from workers.store.statements import insert_if_absent, table_of
from workers.store.tables import OutboxMessage

Transaction: TypeAlias = Session
"""The caller's transaction, for rooms that may not know SQLAlchemy."""

ERROR_LIMIT = 500
FARTHEST = timedelta(minutes=15)
"""No lease is as long: a claim that lasts longer was made by a clock that was wrong, and does not count."""
KEY_LIMIT = 200


@dataclass(frozen=True)
class NewMessage:
    """A message in words, with where it goes. `channel` is the kind of address: `sms` or `email`."""

    number: str
    event: str
    recipient: str
    channel: str
    address: str
    subject: str | None
    body: str
    html: str | None


def add(tx: Session, message: NewMessage, occasion: str, now: datetime) -> bool:
    """Write a message, once per complaint, event, recipient, occasion and channel.

    Returns:
        False when it was written before: then nothing changes.
    """
    key = dedupe_key(message, occasion)
    row = {**vars(message), "status": "pending", "attempts": 0, "created_at": now, "next_attempt_at": now}
    return insert_if_absent(tx, OutboxMessage, ["dedupe_key"], **row, dedupe_key=key)


def dedupe_key(message: NewMessage, occasion: str) -> str:
    """What makes a message the same one. Too long for the column: its beginning and a digest of the whole."""
    key = f"{message.number}:{message.event}:{message.recipient}:{occasion}:{message.channel}"
    return key if len(key) <= KEY_LIMIT else f"{key[:130]}:{sha256(key.encode()).hexdigest()}"


def _is_due() -> ColumnElement[bool]:
    """A message that was never tried is due whatever its time says, and a claim of the far future is none: a clock
    that was wrong wrote them. Bound: `now`, `far` (the latest end of a claim that counts), `channel`,
    `besides` (ids)."""
    claimed_until = OutboxMessage.claimed_until
    now, far = bindparam("now", type_=Instant), bindparam("far", type_=Instant)
    is_time = or_(OutboxMessage.next_attempt_at <= now, OutboxMessage.attempts == 0)
    is_free = or_(claimed_until.is_(None), claimed_until <= now)
    return and_(
        OutboxMessage.status == "pending",
        or_(is_time & is_free, claimed_until > far),
        OutboxMessage.channel == bindparam("channel"),
        OutboxMessage.id.not_in(bindparam("besides", expanding=True)),
    )


_HAS_DUE: Final = select(OutboxMessage.id).where(_is_due()).limit(1)
_DUE: Final = (
    select(OutboxMessage)
    .where(_is_due())
    .order_by(OutboxMessage.next_attempt_at, OutboxMessage.id)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)  # SQLite leaves this out: its transaction has the whole store
)
_OUTBOX: Final = table_of(OutboxMessage)
_CLAIM: Final = (
    update(_OUTBOX)
    .where(_OUTBOX.c.id.in_(bindparam("ids", expanding=True)))
    .values(claimed_until=bindparam("until", type_=Instant), attempts=_OUTBOX.c.attempts + 1)
)
"""Senders look several times a second: building a statement takes longer than carrying it out."""


def claim(
    tx: Session, now: datetime, limit: int, lease: timedelta, *, channel: str, besides: Collection[int] = ()
) -> list[OutboxMessage]:
    """Take messages that are due, oldest first, so that no other sender has them until the lease is over.

    Taking counts as an attempt: a message that kills its sender is given up some day, too.

    Args:
        lease: longer than a delivery can last; afterwards the message is anybody's again.
        besides: ids not to take, e.g. those that this sender is still delivering although a moved clock ended
            the lease.
    """
    told = {"now": now, "far": now + FARTHEST, "channel": channel, "besides": list(besides), "most": limit}
    messages, until = list(tx.scalars(_DUE, told)), now + lease
    if messages:
        tx.execute(_CLAIM, {"ids": [message.id for message in messages], "until": until})
    for message in messages:  # as the rows are now
        set_committed_value(message, "claimed_until", until)
        set_committed_value(message, "attempts", message.attempts + 1)
    return messages


def renew(tx: Session, claimed: OutboxMessage, now: datetime, lease: timedelta) -> datetime | None:
    """Keeps a message that is still being delivered. Returns how long it is kept; None when the claim was lost.

    The caller puts this into `claimed.claimed_until` once it is committed: it is what the claim is known by.
    """
    until = now + lease
    return until if _change(tx, claimed, claimed_until=until) else None


def has_due(tx: Session, now: datetime, *, channel: str, besides: Collection[int] = ()) -> bool:
    """Is there anything to claim? A look without a lock."""
    told = {"now": now, "far": now + FARTHEST, "channel": channel, "besides": list(besides)}
    return tx.scalar(_HAS_DUE, told) is not None


def mark_sent(tx: Session, claimed: OutboxMessage, now: datetime) -> bool:
    """The message is delivered. Returns False when the claim was lost to another sender meanwhile."""
    return _change(tx, claimed, claimed_until=None, status="sent", sent_at=now, last_error=None)


def mark_failed(tx: Session, claimed: OutboxMessage, error: str, next_attempt_at: datetime | None) -> bool:
    """The message was not delivered: try again at `next_attempt_at`, or never (None: a dead letter).

    Args:
        error: why, without personal data.
    Returns:
        False when the claim was lost to another sender meanwhile.
    """
    error = error[:ERROR_LIMIT]
    if next_attempt_at is None:
        return _change(tx, claimed, claimed_until=None, status="dead", last_error=error)
    return _change(
        tx, claimed, claimed_until=None, status="pending", last_error=error, next_attempt_at=next_attempt_at
    )


def resend(tx: Session, message_id: int, now: datetime) -> None:
    """Owe a dead letter again, with all its attempts.

    Raises:
        NotFound: there is no such message.  Conflict: it is not a dead letter.
    """
    statement = (
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.status == "dead")
        .values(status="pending", attempts=0, next_attempt_at=now, claimed_until=None)
    )
    if affected(tx, statement) == 1:
        return
    status = tx.scalar(select(OutboxMessage.status).where(OutboxMessage.id == message_id))
    if status is None:
        raise NotFound(f"there is no message {message_id}")
    raise Conflict(f"message {message_id} is {status}; only a dead letter can be sent again")


def of_number(tx: Session, number: str) -> list[OutboxMessage]:
    """The messages of a complaint, oldest first."""
    return list(
        tx.scalars(select(OutboxMessage).where(OutboxMessage.number == number).order_by(OutboxMessage.id))
    )


def dead_letters(tx: Session, limit: int = 100) -> list[OutboxMessage]:
    """Messages that were given up, newest first."""
    dead = (
        select(OutboxMessage)
        .where(OutboxMessage.status == "dead")
        .order_by(OutboxMessage.id.desc())
        .limit(limit)
    )
    return list(tx.scalars(dead))


def counts(tx: Session) -> dict[str, int]:
    """How many messages are in each state; every state is there."""
    found = tx.execute(select(OutboxMessage.status, func.count()).group_by(OutboxMessage.status))
    return {"pending": 0, "sent": 0, "dead": 0} | {row[0]: row[1] for row in found}


def _change(tx: Session, claimed: OutboxMessage, **values: Any) -> bool:
    """Returns False when the claim was lost: `claimed_until` is its token; who claimed later has another one."""
    told = {f"new_{name}": value for name, value in values.items()}
    told |= {"of": claimed.id, "until": claimed.claimed_until}
    return affected(tx, _changing(tuple(values)), told) == 1


@cache
def _changing(names: tuple[str, ...]) -> Update:
    """Built once: it takes as long as carrying it out three times."""
    columns = _OUTBOX.c
    is_ours = and_(
        columns.id == bindparam("of"),
        columns.status == "pending",
        columns.claimed_until == bindparam("until", type_=Instant),
    )
    new = {name: bindparam(f"new_{name}", type_=columns[name].type) for name in names}
    return update(_OUTBOX).where(is_ours).values(new)


def affected(tx: Session, statement: Update | Any, told: Mapping[str, Any] | None = None) -> int:
    """How many rows a statement changed."""
    result = cast(
        "CursorResult[Any]", tx.execute(statement, told, execution_options={"synchronize_session": False})
    )
    return result.rowcount
