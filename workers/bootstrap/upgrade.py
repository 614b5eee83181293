"""`duban upgrade`: brings the store to this version before anything else of it starts."""

from __future__ import annotations

from dataclasses import dataclass

from workers.bootstrap.parts import open_store
from workers.settings import Settings
from workers.store import schema


@dataclass(frozen=True)
class Upgraded:
    """The revisions of the store; `before` is None for one that was empty."""

    before: str | None
    after: str


def upgrade(settings: Settings) -> Upgraded:
    """Upgrades the schema in one transaction; several at once wait for each other.

    Raises:
        Refused: the URL is none, or a newer version wrote the store. Unavailable: the database does not answer.
    """
    store = open_store(settings, upgrade=False)
    try:
        before = schema.current(store)
    finally:
        store.close()
    open_store(settings).close()
    return Upgraded(before, schema.head())
