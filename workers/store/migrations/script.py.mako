"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
% if up_revision == "0001":
from workers.store.migrations import append_only
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    ${upgrades if upgrades else "pass"}
% if up_revision == "0001":
    append_only.protect("timeline")
% endif
