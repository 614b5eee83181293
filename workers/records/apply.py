"""One batch, one transaction: what was applied before is passed over, the rest kept whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workers.errors import Refused
from workers.records.projection import project
from workers.records.reading import Record
from workers.store.database import Database
from workers.store.record_writes import lock_positions, save_positions, write

MARK_PREFIX: Final = "duban-mark-"
"""Signals of this name are written to find out how far the stream is; see `workers.records.settle`."""

_SILENT: Final = frozenset({"SIGNAL", "COMMAND_DISTRIBUTION"})


class ForeignRecords(Refused):
    """The records come from other engine data than the store's: one of them was wiped or restored alone."""


@dataclass(frozen=True)
class Applied:
    """What became of a batch.

    Attributes:
        applied: records that were new.
        skipped: records that had been applied before.
        activity: new records that tell of work (marks do not).
        marks: (partition, name) of marks that came in.
        newest: when the engine wrote the newest record that was applied; None: none was.
    """

    applied: int = 0
    skipped: int = 0
    activity: int = 0
    marks: tuple[tuple[int, str], ...] = ()
    newest: datetime | None = None


def apply_batch(database: Database, records: Iterable[Record], now: datetime | None = None) -> Applied:
    """Brings the tables up to date. Idempotent by (partition, position); blocks, so call it in a thread.

    Args:
        now: when it is done, by the engine's clock; kept so that people see how far the tables are behind.

    Raises:
        MalformedBatch: a record cannot be read; nothing of the batch was applied.
        ForeignRecords: the records are of another engine's data; nothing was applied.
    """
    batch = list(records)
    if not batch:
        return Applied()
    changes = project(batch)  # before the turn to write: nearly always all of it is new
    with database.begin() as tx:
        positions = lock_positions(tx, {record.partition for record in batch})
        fresh = []
        for record in batch:
            position, newest = positions[record.partition]
            if record.position > position:
                fresh.append(record)
                positions[record.partition] = (record.position, max(newest, record.at))
            elif record.at > newest:
                raise ForeignRecords(_foreign(record, position))
        if fresh:
            write(tx, changes if len(fresh) == len(batch) else project(fresh))
            save_positions(tx, positions, now)
    return Applied(
        applied=len(fresh),
        skipped=len(batch) - len(fresh),
        activity=sum(record.type not in _SILENT for record in fresh),
        marks=tuple((record.partition, name) for record in fresh if (name := _mark(record))),
        newest=max((record.at for record in fresh), default=None),
    )


def _mark(record: Record) -> str | None:
    name = record.value.get("signalName") if record.type == "SIGNAL" else None
    return name if isinstance(name, str) and name.startswith(MARK_PREFIX) else None


def _foreign(record: Record, position: int) -> str:
    return (
        f"Record {record.position} of partition {record.partition} is newer than the last in the store, "
        f"{position}: this store belongs to other engine data. Restore both from the same moment, or "
        "remove both to start anew."
    )
