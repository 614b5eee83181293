"""Standing: each complaint's next deadline in its own row, and the indexes that overview and lists read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from workers.store.migrations import next_due

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_RUNNING = sa.text("closed_at is null")
_REOPENED = sa.text("code = 'reopened'")


def upgrade() -> None:
    """Applies it."""
    op.add_column("complaints", sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "complaints_next_due_idx",
        "complaints",
        ["next_due_at", "number"],
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_index(
        "complaints_standing_idx",
        "complaints",
        [
            "status",
            "province",
            "city",
            "branch",
            "owner_group",
            "owner_person",
            "received_at",
            "next_due_at",
        ],
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_index(
        "timeline_reopened_idx",
        "timeline",
        ["number"],
        sqlite_where=_REOPENED,
        postgresql_where=_REOPENED,
    )
    next_due.keep()
