"""Deployed files: what the engine says of the content of forms and decision files, so that a deployment can be shown
before it is made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.add_column("form_versions", sa.Column("resource_name", sa.String(length=300), nullable=True))
    op.add_column("form_versions", sa.Column("checksum", sa.String(length=64), nullable=True))
    op.add_column("decision_tables", sa.Column("checksum", sa.String(length=64), nullable=True))
