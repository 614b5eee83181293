"""Major incidents: events, the complaints tied to them, the reports that are due."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from workers.store.migrations import case_numbers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies it."""
    op.create_table(
        "clusters",
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("product", sa.String(length=64), nullable=True),
        sa.Column("place_level", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "place_level in ('branch','city','province')", name=op.f("clusters_place_level_check")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("clusters_pkey")),
    )
    op.create_table(
        "major_incidents",
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("external_ref", sa.String(length=200), nullable=True),
        sa.Column("cluster_key", sa.String(length=400), nullable=True),
        sa.Column("province", sa.String(length=64), nullable=True),
        sa.Column("city", sa.String(length=64), nullable=True),
        sa.Column("branch", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=64), nullable=True),
        sa.Column("category", sa.String(length=64), nullable=True),
        sa.Column("affected_users", sa.Integer(), nullable=True),
        sa.Column("outage_minutes", sa.Integer(), nullable=True),
        sa.Column("flags", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=True),
        sa.Column("level", sa.String(length=32), nullable=True),
        sa.Column("owner_group", sa.String(length=64), nullable=True),
        sa.Column("owner_person", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("process_instance_key", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "status in ('reported','declared','acknowledged','decided','solved','closed','dismissed','noted')",
            name=op.f("major_incidents_status_check"),
        ),
        sa.CheckConstraint(
            "tier is null or tier in ('branch','city','province')", name=op.f("major_incidents_tier_check")
        ),
        sa.CheckConstraint(
            "level is null or level in ('branch','city','province')",
            name=op.f("major_incidents_level_check"),
        ),
        sa.CheckConstraint(
            "affected_users is null or affected_users >= 0", name=op.f("major_incidents_affected_users_check")
        ),
        sa.CheckConstraint(
            "outage_minutes is null or outage_minutes >= 0", name=op.f("major_incidents_outage_minutes_check")
        ),
        sa.ForeignKeyConstraint(
            ["cluster_key"], ["clusters.key"], name=op.f("major_incidents_cluster_key_fkey")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("major_incidents_pkey")),
        sa.UniqueConstraint("external_ref", name=op.f("major_incidents_external_ref_key")),
        sa.UniqueConstraint("process_instance_key", name=op.f("major_incidents_process_instance_key_key")),
    )
    op.create_index(op.f("major_incidents_declared_at_idx"), "major_incidents", ["declared_at"], unique=False)
    op.create_index(
        "major_incidents_open_cluster_key_idx",
        "major_incidents",
        ["cluster_key"],
        unique=True,
        sqlite_where=sa.text("status in ('reported','declared','acknowledged','decided')"),
        postgresql_where=sa.text("status in ('reported','declared','acknowledged','decided')"),
    )
    op.create_index(
        "major_incidents_status_category_idx", "major_incidents", ["status", "category"], unique=False
    )
    op.create_table(
        "incident_complaints",
        sa.Column("complaint", sa.String(length=32), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attached_by", sa.String(length=64), nullable=False),
        sa.Column("detached_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["complaint"], ["complaints.number"], name=op.f("incident_complaints_complaint_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["incident"], ["major_incidents.number"], name=op.f("incident_complaints_incident_fkey")
        ),
        sa.PrimaryKeyConstraint("complaint", name=op.f("incident_complaints_pkey")),
    )
    op.create_index(
        op.f("incident_complaints_incident_idx"), "incident_complaints", ["incident"], unique=False
    )
    op.create_table(
        "incident_reports",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("owner_group", sa.String(length=64), nullable=False),
        sa.Column("owner_person", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=True),
        sa.CheckConstraint("kind in ('first','progress','final')", name=op.f("incident_reports_kind_check")),
        sa.ForeignKeyConstraint(
            ["incident"], ["major_incidents.number"], name=op.f("incident_reports_incident_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("incident_reports_pkey")),
        sa.UniqueConstraint(
            "incident", "kind", "sequence", name=op.f("incident_reports_incident_kind_sequence_key")
        ),
    )
    op.create_index(op.f("incident_reports_incident_idx"), "incident_reports", ["incident"], unique=False)
    case_numbers.keep("major_incidents", "incident")
