"""Refund posting: since when a refund is posting, and when people were told that it never ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.add_column("refunds", sa.Column("posting_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refunds", sa.Column("stuck_at", sa.DateTime(timezone=True), nullable=True))
