"""Cases: work, messages and a timeline belong to a complaint or to an incident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from workers.store.migrations import append_only, case_numbers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BELONGING = ("answers", "engine_requests", "outbox", "timeline", "watchers")
_NAMING = {"fk": "%(table_name)s_%(column_0_N_name)s_fkey"}


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "cases",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("cases_pkey")),
    )
    for column in (
        sa.Column("finding", sa.String(length=16), nullable=True),
        sa.Column("cause_code", sa.String(length=32), nullable=True),
        sa.Column("contact_name", sa.String(length=200), nullable=True),
        sa.Column("contact_phone", sa.String(length=32), nullable=True),
        sa.Column("calls_on_holidays", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("anonymised_at", sa.DateTime(timezone=True), nullable=True),
    ):
        op.add_column("complaints", column)
    op.create_index(op.f("complaints_cause_code_idx"), "complaints", ["cause_code"], unique=False)
    op.add_column("deadlines", sa.Column("missed_by", sa.String(length=64), nullable=True))
    op.add_column("deadlines", sa.Column("extended_from", sa.DateTime(timezone=True), nullable=True))
    case_numbers.keep("complaints", "complaint")
    for table in _BELONGING:
        with op.batch_alter_table(table, naming_convention=_NAMING) as batch:
            batch.drop_constraint(f"{table}_number_fkey", type_="foreignkey")
            batch.create_foreign_key(f"{table}_number_fkey", "cases", ["number"], ["number"])
    if op.get_bind().dialect.name == "sqlite":  # which makes the table anew, without its triggers
        append_only.protect("timeline")
