"""Keeps a store and its engine's data together: a stamp in both, and a refusal when they don't match.

The engine sends a record once. A store that was deleted or restored alone would never see the old ones again,
and an engine that was wiped alone would leave the store's open tasks open for ever.
"""

from __future__ import annotations

import os
import secrets
from enum import Enum, auto
from pathlib import Path
from typing import Final

from workers.errors import Refused
from workers.store.database import Database
from workers.store.record_stamps import keep_stamp, read_stamp

STAMP_FILE: Final = Path("data") / "duban-data-id"
"""In the engine's folder, beside the data it stands for, so that it is lost with them."""


class Belonging(Enum):
    """What two stamps say about each other."""

    TOGETHER = auto()
    BOTH_NEW = auto()
    STORE_LOST = auto()
    ENGINE_LOST = auto()
    STRANGERS = auto()


_SENTENCES: Final = {
    Belonging.STORE_LOST: (
        "The engine's data in {engine} belongs to a store that is not here: it was deleted or replaced "
        "alone. Restore it from the same moment as the engine's data, or remove both to start anew."
    ),
    Belonging.ENGINE_LOST: (
        "This store belongs to engine data that is not in {engine}: the folder was deleted or moved alone. "
        "Restore it from the same moment as the store, or remove both to start anew."
    ),
    Belonging.STRANGERS: (
        "The store and the engine's data in {engine} do not belong together: one of them was replaced. "
        "Restore both from the same moment, or remove both to start anew."
    ),
}


def compare(in_store: str | None, in_engine: str | None, engine_has_data: bool) -> Belonging:
    """Says what the two stamps mean. Pure.

    Args:
        in_store: the store's stamp; None if it has none.
        in_engine: the stamp in the engine's folder; None if it has none.
        engine_has_data: there is more in the engine's data folder than a stamp.
    """
    if in_store is None:
        # A stamp in an otherwise empty folder: the first start was cut off before the store was stamped.
        return Belonging.STORE_LOST if engine_has_data else Belonging.BOTH_NEW
    if in_engine is None:
        return Belonging.ENGINE_LOST
    return Belonging.TOGETHER if in_store == in_engine else Belonging.STRANGERS


def check_belonging(database: Database, engine_dir: Path) -> None:
    """Stamps store and engine data on the first start, and compares the stamps on every other.

    Call it before the engine starts, with the data folder's lock held.

    Args:
        database: the store, its schema complete.
        engine_dir: the engine's folder, ``DATA/engine``; made if it is not there.

    Raises:
        Refused: one of the two was deleted, replaced or restored alone; nothing was changed.
    """
    file = engine_dir / STAMP_FILE
    in_engine = file.read_text().strip() or None if file.exists() else None
    has_data = file.parent.is_dir() and any(entry != file for entry in file.parent.iterdir())
    with database.begin() as tx:
        verdict = compare(read_stamp(tx), in_engine, has_data)
        if verdict in _SENTENCES:
            raise Refused(_SENTENCES[verdict].format(engine=engine_dir))
        if verdict is Belonging.BOTH_NEW:
            stamp = secrets.token_hex(16)
            _write(file, stamp)  # before the store's, so that a stamped store always had a stamped folder
            keep_stamp(tx, stamp)


def _write(file: Path, stamp: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as output:
        output.write(stamp + "\n")
        output.flush()
        os.fsync(output.fileno())
