"""Suggestions for improvement. The views that figures are read from are made after every upgrade (views.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("number", sa.String(length=32), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner_group", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=True),
        sa.Column("made_by", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.CheckConstraint(
            "status <> 'rejected' or reason is not null", name=op.f("suggestions_reason_check")
        ),
        sa.CheckConstraint(
            "status in ('open','accepted','done','rejected')", name=op.f("suggestions_status_check")
        ),
        sa.ForeignKeyConstraint(["number"], ["cases.number"], name=op.f("suggestions_number_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("suggestions_pkey")),
        sa.UniqueConstraint("dedupe_key", name=op.f("suggestions_dedupe_key_key")),
    )
    op.create_index(op.f("suggestions_number_idx"), "suggestions", ["number"], unique=False)
    op.create_index("suggestions_status_idx", "suggestions", ["status", "owner_group"], unique=False)
