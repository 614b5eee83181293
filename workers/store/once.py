"""Requests that are answered once: a key is claimed before, and answered in the transaction that does the work.

Where a process dies between claim and answer the claim lapses, and the next try does the work. It cannot do it twice:
work that would be done twice keeps its answer in its own transaction (`keep`), any other refuses the
second time by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from workers.store.api_tables import OnceRequest
from workers.store.statements import insert_if_absent

LEASE: Final = timedelta(minutes=2)
"""How long a try without an answer is believed to be under way; longer than any request takes."""
_SWEPT: Final = 200
"""Rows that one claim removes at most: more than come in meanwhile."""


@dataclass(frozen=True)
class Earlier:
    """A request that has the key already. `status` and `answer` are None while it is under way."""

    fingerprint: str
    status: int | None
    answer: bytes | None


def claim(
    tx: Session, id_: str, fingerprint: str, attempt: str, now: datetime, keep_for: timedelta
) -> Earlier | None:
    """Takes a key for this try; None when it is ours.

    A key that has been kept long enough is free again, and so is one whose try never came to an answer.

    Args:
        id_: hash of caller, route and key. attempt: a random word.
    """
    _sweep(tx, now)
    row = {"attempt": attempt, "lease_until": now + LEASE, "expires_at": now + keep_for}
    if insert_if_absent(tx, OnceRequest, ["id"], id=id_, fingerprint=fingerprint, **row):
        return None
    found = tx.scalars(select(OnceRequest).where(OnceRequest.id == id_).with_for_update()).one_or_none()
    if found is None:  # forgotten in between: free
        return claim(tx, id_, fingerprint, attempt, now, keep_for)
    is_over = found.expires_at <= now
    was_given_up = found.status is None and found.lease_until <= now and found.fingerprint == fingerprint
    if not (is_over or was_given_up):
        return Earlier(found.fingerprint, found.status, found.answer)
    found.fingerprint, found.status, found.answer = fingerprint, None, None
    found.attempt, found.lease_until, found.expires_at = attempt, now + LEASE, now + keep_for
    return None


def keep(tx: Session, id_: str, attempt: str, status: int, answer: bytes) -> bool:
    """Keeps the answer of a try that still has its key. Returns False when another has it, or it was answered."""
    mine = update(OnceRequest).where(
        OnceRequest.id == id_, OnceRequest.attempt == attempt, OnceRequest.status.is_(None)
    )
    kept = mine.values(status=status, answer=answer).returning(OnceRequest.id)
    return tx.scalar(kept) is not None


def forget(tx: Session, id_: str, attempt: str) -> None:
    """The try was refused and changed nothing: the key is free again. One that was answered stays."""
    tx.execute(
        delete(OnceRequest).where(
            OnceRequest.id == id_, OnceRequest.attempt == attempt, OnceRequest.status.is_(None)
        )
    )


def _sweep(tx: Session, now: datetime) -> None:
    """Removes what has been kept long enough."""
    over = (
        select(OnceRequest.id)
        .where(OnceRequest.expires_at <= now)
        .order_by(OnceRequest.expires_at)
        .limit(_SWEPT)
        .with_for_update(skip_locked=True)
    )
    tx.execute(delete(OnceRequest).where(OnceRequest.id.in_(list(tx.scalars(over)))))
