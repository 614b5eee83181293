"""Refunds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "charges",
        sa.Column("charge_id", sa.String(length=64), nullable=False),
        sa.Column("customer_no", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("item", sa.String(length=200), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("is_granted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("regranted_by", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind in ('charge','benefit')", name=op.f("charges_kind_check")),
        sa.PrimaryKeyConstraint("charge_id", name=op.f("charges_pkey")),
        sa.UniqueConstraint("regranted_by", name=op.f("charges_regranted_by_key")),
    )
    op.create_index("charges_customer_no_idx", "charges", ["customer_no", "kind"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("refund_no", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("charge_id", sa.String(length=64), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ledger_entries_amount_check")),
        sa.PrimaryKeyConstraint("refund_no", name=op.f("ledger_entries_pkey")),
    )
    op.create_index(op.f("ledger_entries_number_idx"), "ledger_entries", ["number"], unique=False)
    op.create_table(
        "refunds",
        sa.Column("refund_no", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("element_instance_key", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("settled_as", sa.String(length=16), nullable=True),
        sa.Column("cause_code", sa.String(length=32), nullable=True),
        sa.Column("asked_fen", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("claimed_charge", sa.String(length=64), nullable=True),
        sa.Column("charge_id", sa.String(length=64), nullable=True),
        sa.Column("charged_fen", sa.BigInteger(), nullable=True),
        sa.Column("payable_fen", sa.BigInteger(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("agreement", sa.Text(), nullable=True),
        sa.Column("reference", sa.String(length=64), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status in ('registered','verified','waiting','approved','posting','paid','granted','rejected',"
            "'not-charged','cancelled')",
            name=op.f("refunds_status_check"),
        ),
        sa.CheckConstraint(
            "asked_fen > 0 and coalesce(payable_fen, 0) >= 0 and paid_fen >= 0",
            name=op.f("refunds_amounts_check"),
        ),
        sa.ForeignKeyConstraint(["number"], ["cases.number"], name=op.f("refunds_number_fkey")),
        sa.PrimaryKeyConstraint("refund_no", name=op.f("refunds_pkey")),
        sa.UniqueConstraint("claimed_charge", name=op.f("refunds_claimed_charge_key")),
        sa.UniqueConstraint("element_instance_key", name=op.f("refunds_element_instance_key_key")),
    )
    op.create_index(op.f("refunds_number_idx"), "refunds", ["number"], unique=False)
    op.create_index(op.f("refunds_status_idx"), "refunds", ["status"], unique=False)
    op.create_table(
        "refund_approvals",
        sa.Column("element_instance_key", sa.String(length=32), nullable=False),
        sa.Column("refund_no", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=False),
        sa.Column("group_name", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("is_final", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "decision in ('approve','reject','raise','overdue')", name=op.f("refund_approvals_decision_check")
        ),
        sa.ForeignKeyConstraint(
            ["refund_no"], ["refunds.refund_no"], name=op.f("refund_approvals_refund_no_fkey")
        ),
        sa.PrimaryKeyConstraint("element_instance_key", name=op.f("refund_approvals_pkey")),
    )
    op.create_index("refund_approvals_refund_no_idx", "refund_approvals", ["refund_no", "at"], unique=False)
