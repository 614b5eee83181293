"""Alerts: what is wrong, who was told, and who looks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from workers.store.migrations import case_numbers

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "alert_watch",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("test_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_to", sa.JSON(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("alert_watch_pkey")),
    )
    op.create_table(
        "alerts",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("ended", sa.Integer(), nullable=False),
        sa.Column("still", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('raised','reminded','tested')", name=op.f("alerts_kind_check")),
        sa.PrimaryKeyConstraint("number", name=op.f("alerts_pkey")),
    )
    op.create_index(op.f("alerts_written_at_idx"), "alerts", ["written_at"], unique=False)
    op.create_table(
        "troubles",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_in", sa.String(length=32), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_told_in", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["end_told_in"], ["alerts.number"], name=op.f("troubles_end_told_in_fkey")),
        sa.ForeignKeyConstraint(["told_in"], ["alerts.number"], name=op.f("troubles_told_in_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("troubles_pkey")),
    )
    op.create_index("troubles_ended_idx", "troubles", ["ended_at"], unique=False)
    op.create_index(
        "troubles_open_idx",
        "troubles",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("ended_at is null"),
        postgresql_where=sa.text("ended_at is null"),
    )
    case_numbers.keep("alerts", "alert")
