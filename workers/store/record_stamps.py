"""The store's half of the stamp that ties it to one engine's data; see `workers.records.belonging`."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from workers.store.tables import Stamp

ENGINE_STAMP: Final = "engine-data"


def read_stamp(tx: Session) -> str | None:
    """The stamp of the engine data this store belongs to; None if it never had any."""
    row = tx.get(Stamp, ENGINE_STAMP)
    return row.value if row else None


def keep_stamp(tx: Session, stamp: str) -> None:
    """Ties this store to engine data. A store is tied once."""
    tx.add(Stamp(name=ENGINE_STAMP, value=stamp))
    tx.flush()
