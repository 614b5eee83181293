"""Troubles become alerts: looked for by one sender at a time, each told once, and once more when it is over.

A look, what it found and the messages about it are one transaction: a process that is killed in it leaves nothing
behind, and the next look finds the same. Delivery is the outbox's (at least once, with a key to know it again).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from workers.names import SHANGHAI
from workers.store import trouble_sources
from workers.store.alert_tables import Alert, AlertWatch, Trouble
from workers.store.statements import insert_if_absent, next_value
from workers.store.trouble_sources import Kind

KEPT: Final = timedelta(days=90)
"""How long alerts and troubles that are over are kept."""
Telling = Literal["raised", "reminded", "tested"]
_ONLY: Final = 1


@dataclass(frozen=True)
class Pace:
    """When troubles are told.

    Attributes:
        collect: how long the first of several waits for the others.
        least: at least this lies between two alerts.
        remind: how long after the last alert it is told again what is not over; None: never.
    """

    collect: timedelta
    least: timedelta
    remind: timedelta | None


@dataclass(frozen=True)
class Due:
    """What is to be told now: the ids of troubles that began, and of those that are over."""

    telling: Telling
    begun: Sequence[int] = ()
    ended: Sequence[int] = ()


def hold(tx: Session) -> AlertWatch | None:
    """The watch, locked until the transaction ends; None: another sender has it."""
    found = tx.scalar(select(AlertWatch).where(AlertWatch.id == _ONLY).with_for_update(skip_locked=True))
    if found is None and insert_if_absent(tx, AlertWatch, ["id"], id=_ONLY, told_to=[], kinds=[]):
        found = tx.scalar(select(AlertWatch).where(AlertWatch.id == _ONLY).with_for_update())
    return found


def look(tx: Session, watch: AlertWatch, kinds: Collection[Kind], now: datetime, pile: int) -> None:
    """Notes what began and what is over. The caller holds the watch.

    Args:
        kinds: what to look for; troubles of another kind end without being told.
        pile: from how many overdue complaints on a place is in trouble.
    """
    watch.looked_at, watch.kinds = datetime.now(UTC), sorted(kinds)
    unwatched = (Trouble.ended_at.is_(None), Trouble.kind.not_in(kinds))
    tx.execute(delete(Trouble).where(*unwatched, Trouble.told_in.is_(None)))
    tx.execute(update(Trouble).where(*unwatched).values(ended_at=now, end_told_in=Trouble.told_in))
    for kind in trouble_sources.KINDS:
        if kind not in kinds:
            continue
        found = trouble_sources.look(tx, kind, now, pile)
        if found.begun:
            rows = [{"kind": kind, "seen_at": now, **_row(each)} for each in found.begun]
            tx.execute(insert(Trouble), rows)
        for ids in _chunks(found.over):
            over = (Trouble.id.in_(ids), Trouble.ended_at.is_(None))
            tx.execute(update(Trouble).where(*over).values(ended_at=now))
    prune(tx, now)


def due(tx: Session, watch: AlertWatch, now: datetime, pace: Pace) -> list[Due]:
    """What is to be told now. Troubles that were over before they were told are never told."""
    found = [Due("tested")] if watch.test_asked_at is not None else []
    begun = tx.execute(select(Trouble.id, Trouble.seen_at).where(*_UNTOLD)).all()
    ended = tx.execute(select(Trouble.id, Trouble.ended_at).where(*_END_UNTOLD)).all()
    since = min((at for _, at in (*begun, *ended) if at is not None), default=None)
    last = watch.told_at
    if since is not None:
        is_early = last is not None and last <= now < last + pace.least
        if now >= since + pace.collect and not is_early:
            found.append(Due("raised", [id_ for id_, _ in begun], [id_ for id_, _ in ended]))
    elif pace.remind is not None and last is not None and now >= last + pace.remind and _still(tx):
        found.append(Due("reminded"))
    return found


def write(tx: Session, watch: AlertWatch, what: Due, now: datetime) -> Alert:
    """Notes that this is told now; returns the alert, whose messages the caller writes."""
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    number = f"GJ{day}-{next_value(tx, f'alerts-{day}'):06}"
    still = _still(tx)
    alert = Alert(
        number=number,
        kind=what.telling,
        written_at=now,
        begun=len(what.begun),
        ended=len(what.ended),
        still=still if what.telling != "tested" else 0,
    )
    tx.add(alert)
    tx.flush()
    for ids in _chunks(what.begun):
        tx.execute(update(Trouble).where(Trouble.id.in_(ids)).values(told_in=number))
    for ids in _chunks(what.ended):
        tx.execute(update(Trouble).where(Trouble.id.in_(ids)).values(end_told_in=number))
    if what.telling == "tested":
        watch.test_asked_at = None
    else:
        watch.told_at = now
    return alert


def begun_in(tx: Session, number: str) -> list[Trouble]:
    """What an alert tells of first, the oldest first."""
    return list(
        tx.scalars(select(Trouble).where(Trouble.told_in == number).order_by(Trouble.since, Trouble.id))
    )


def ended_in(tx: Session, number: str) -> list[Trouble]:
    """What an alert tells that it is over."""
    mine = select(Trouble).where(Trouble.end_told_in == number)
    return list(tx.scalars(mine.order_by(Trouble.since, Trouble.id)))


def still_open(tx: Session, besides: str | None = None, limit: int = 2000) -> list[Trouble]:
    """What was told and is not over, the oldest first, without what the alert `besides` told."""
    found = select(Trouble).where(Trouble.ended_at.is_(None), Trouble.told_in.is_not(None))
    if besides is not None:
        found = found.where(Trouble.told_in != besides)
    return list(tx.scalars(found.order_by(Trouble.since, Trouble.id).limit(limit)))


def prune(tx: Session, now: datetime) -> None:
    """Takes away what is older than `KEPT`."""
    before = now - KEPT
    tx.execute(delete(Trouble).where(Trouble.ended_at < before))


_UNTOLD: Final = (Trouble.ended_at.is_(None), Trouble.told_in.is_(None))
_END_UNTOLD: Final = (
    Trouble.ended_at.is_not(None),
    Trouble.told_in.is_not(None),
    Trouble.end_told_in.is_(None),
)


def _still(tx: Session) -> int:
    told = select(func.count()).where(Trouble.ended_at.is_(None), Trouble.told_in.is_not(None))
    return tx.scalar(told) or 0


def _row(seen: trouble_sources.Seen) -> dict[str, object]:
    return {
        "subject": seen.subject[:200],
        "number": seen.number,
        "cause": seen.cause,
        "facts": dict(seen.facts),
        "since": seen.since,
    }


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + 500] for start in range(0, len(ids), 500)]
