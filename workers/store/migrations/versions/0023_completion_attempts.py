"""What people sent to complete user tasks, each by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "completion_attempts",
        sa.Column("task_key", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("form", sa.String(length=128), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["number"], ["cases.number"], name=op.f("completion_attempts_number_fkey")),
        sa.PrimaryKeyConstraint("task_key", "person", name=op.f("completion_attempts_pkey")),
    )
    op.create_index(op.f("completion_attempts_number_idx"), "completion_attempts", ["number"], unique=False)
