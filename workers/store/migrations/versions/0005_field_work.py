"""Field work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "rectifications",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("group_name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("cause_code", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_effective", sa.Boolean(), nullable=True),
        sa.CheckConstraint(
            "status in ('open','done','effective','reported')", name=op.f("rectifications_status_check")
        ),
        sa.ForeignKeyConstraint(["number"], ["cases.number"], name=op.f("rectifications_number_fkey")),
        sa.ForeignKeyConstraint(["owner"], ["staff.username"], name=op.f("rectifications_owner_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("rectifications_pkey")),
    )
    op.create_index(op.f("rectifications_cause_code_idx"), "rectifications", ["cause_code"], unique=False)
    op.create_index(op.f("rectifications_number_idx"), "rectifications", ["number"], unique=False)
    op.create_index("rectifications_status_due_idx", "rectifications", ["status", "due_at"], unique=False)
    op.create_table(
        "work_orders",
        sa.Column("opened_by", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("engineer", sa.String(length=64), nullable=False),
        sa.Column("engineer_group", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contact_due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_same_day", sa.Boolean(), nullable=True),
        sa.Column("reason_code", sa.String(length=32), nullable=True),
        sa.Column("visits", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status in ('open','appointed','arrived','done','not-done','reassigned','raised')",
            name=op.f("work_orders_status_check"),
        ),
        sa.CheckConstraint(
            "window_from is null or window_from < window_to", name=op.f("work_orders_window_check")
        ),
        sa.ForeignKeyConstraint(["engineer"], ["staff.username"], name=op.f("work_orders_engineer_fkey")),
        sa.ForeignKeyConstraint(["number"], ["cases.number"], name=op.f("work_orders_number_fkey")),
        sa.PrimaryKeyConstraint("opened_by", name=op.f("work_orders_pkey")),
    )
    op.create_index("work_orders_engineer_status_idx", "work_orders", ["engineer", "status"], unique=False)
    op.create_index(op.f("work_orders_number_idx"), "work_orders", ["number"], unique=False)
