"""Withdrawn: an appeal and a work order end with the complaint they belong to."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHECKS = {
    ("appeals", "outcome"): "outcome in ('solved','guided','no-answer','late','withdrawn')",
    ("work_orders", "status"): (
        "status in ('open','appointed','arrived','done','not-done','reassigned','raised','withdrawn')"
    ),
}


def upgrade() -> None:
    """Applies it."""
    for (table, column), condition in _CHECKS.items():
        name = op.f(f"{table}_{column}_check")
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(name, type_="check")
            batch.create_check_constraint(name, condition)
