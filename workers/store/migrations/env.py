"""How Alembic runs the migrations: on the connection, inside the transaction, of `workers.store.schema`."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from workers.store import (  # noqa: F401  (they put their tables into the metadata)
    account_tables,
    alert_tables,
    api_tables,
    appeal_tables,
    attempt_tables,
    beat_tables,
    exclusion_tables,
    holder_tables,
    incident_tables,
    move_tables,
    note_tables,
    offer_tables,
    record_tables,
    rectification_tables,
    refund_tables,
    retention_tables,
    suggestion_tables,
    tables,
    time_tables,
    work_order_tables,
)
from workers.store.database import Base, Instant


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """A migration is history and must not change with the code: our own type is written as what it is."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=render_item,
    transactional_ddl=True,  # true on SQLite too, because BEGIN is ours (see database.py)
)
with context.begin_transaction():
    context.run_migrations()
