"""Writes and reads what processes that run workers say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from workers.store.beat_tables import WorkerBeat
from workers.store.record_tables import RecordPosition
from workers.store.statements import insert_into

EVERY: Final = timedelta(seconds=15)
"""How often a process says that it lives."""
SILENT: Final = 3 * EVERY
"""Who has said nothing for so long is not alive."""
FORGOTTEN: Final = timedelta(days=1)
_ERROR_LIMIT: Final = 200


@dataclass(frozen=True)
class Beat:
    """One job type in one process. `polled_at`: the engine answered; `error`: why it did not the last time."""

    job_type: str
    polled_at: datetime | None
    running: int
    done: int
    failed: int
    error: str | None


@dataclass(frozen=True)
class TypeLife:
    """A job type over all processes.

    Attributes:
        hosts: processes alive that work on it.
        polled_at: when the engine last answered one of them.
        last_seen_at: when one last said anything.
        done, failed: since those processes began.
    """

    job_type: str
    hosts: int
    polled_at: datetime | None
    last_seen_at: datetime
    running: int
    done: int
    failed: int
    errors: tuple[str, ...]


def write(tx: Session, host: str, started_at: datetime, now: datetime, beats: Sequence[Beat]) -> None:
    """Says that a process lives, by the real clock; forgets those that have been silent for a day."""
    tx.execute(delete(WorkerBeat).where(WorkerBeat.seen_at < now - FORGOTTEN))
    if not beats:
        return
    insert = insert_into(tx.get_bind().dialect.name, WorkerBeat)
    changed = ("seen_at", "polled_at", "running", "done", "failed", "error")
    statement = insert.on_conflict_do_update(
        index_elements=["host", "job_type"], set_={name: insert.excluded[name] for name in changed}
    )
    tx.execute(
        statement,
        [
            {
                "host": host,
                "job_type": beat.job_type,
                "started_at": started_at,
                "seen_at": now,
                "polled_at": beat.polled_at,
                "running": beat.running,
                "done": beat.done,
                "failed": beat.failed,
                "error": beat.error[:_ERROR_LIMIT] if beat.error else None,
            }
            for beat in beats
        ],
    )


def end(tx: Session, host: str) -> None:
    """The process stops in order: it is not missed."""
    tx.execute(delete(WorkerBeat).where(WorkerBeat.host == host))


def by_type(tx: Session, now: datetime) -> list[TypeLife]:
    """Every job type that somebody worked on in the last day, by name."""
    rows: dict[str, list[WorkerBeat]] = {}
    for row in tx.scalars(select(WorkerBeat).order_by(WorkerBeat.job_type, WorkerBeat.host)):
        rows.setdefault(row.job_type, []).append(row)
    found = []
    for job_type, all_ in rows.items():
        alive = [row for row in all_ if now - row.seen_at < SILENT]
        polled = [row.polled_at for row in all_ if row.polled_at is not None]
        found.append(
            TypeLife(
                job_type=job_type,
                hosts=len(alive),
                polled_at=max(polled, default=None),
                last_seen_at=max(row.seen_at for row in all_),
                running=sum(row.running for row in alive),
                done=sum(row.done for row in alive),
                failed=sum(row.failed for row in alive),
                errors=tuple(sorted({row.error for row in alive if row.error})),
            )
        )
    return found


def hosts(tx: Session, now: datetime) -> list[dict[str, object]]:
    """The processes of the last day: since when, when they last spoke, how many job types they have."""
    rows = tx.execute(
        select(
            WorkerBeat.host,
            func.min(WorkerBeat.started_at),
            func.max(WorkerBeat.seen_at),
            func.count(),
            func.sum(WorkerBeat.done),
        )
        .group_by(WorkerBeat.host)
        .order_by(WorkerBeat.host)
    )
    return [
        {
            "host": host,
            "started_at": started,
            "seen_at": seen,
            "is_alive": now - seen < SILENT,
            "types": types,
            "done": int(done),
        }
        for host, started, seen, types, done in rows
    ]


def lag(tx: Session) -> list[tuple[int, datetime, timedelta | None]]:
    """Per partition: the newest record applied, and how long after it was written that was."""
    rows = tx.scalars(
        select(RecordPosition).where(RecordPosition.position > 0).order_by(RecordPosition.partition)
    )
    return [
        (
            row.partition,
            row.recorded_at,
            max(timedelta(), row.applied_at - row.recorded_at) if row.applied_at else None,
        )
        for row in rows
    ]
