"""Record retention."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from workers.store.migrations import append_only, case_numbers

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "pseudonyms",
        sa.Column("customer_key", sa.String(length=340), nullable=False),
        sa.Column("pseudonym", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("customer_key", name=op.f("pseudonyms_pkey")),
        sa.UniqueConstraint("pseudonym", name=op.f("pseudonyms_pseudonym_key")),
    )
    op.create_table(
        "retention_runs",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("opened_by", sa.String(length=64), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('open','nothing','declined','postponed','done')",
            name=op.f("retention_runs_state_check"),
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("retention_runs_pkey")),
    )
    op.create_table(
        "retention_items",
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("complaint", sa.String(length=32), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kept_because", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["complaint"], ["complaints.number"], name=op.f("retention_items_complaint_fkey")
        ),
        sa.ForeignKeyConstraint(["run"], ["retention_runs.number"], name=op.f("retention_items_run_fkey")),
        sa.PrimaryKeyConstraint("run", "complaint", name=op.f("retention_items_pkey")),
    )
    case_numbers.keep("retention_runs", "retention-run")
    append_only.let_anonymise_timeline()
    append_only.let_anonymise_marks()
