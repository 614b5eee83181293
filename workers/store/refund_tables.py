"""Refunds, who decided them, and the embedded stand-ins for the operator's billing and ledger (rules D1, D3)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from workers.store.database import Base, Instant


class Refund(Base):
    """One refund that was asked for, from registration to its end. Amounts are integers in fen."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint(
            "status in ('registered','verified','waiting','approved','posting','paid','granted','rejected',"
            "'not-charged','cancelled')",
            name="status",
        ),
        CheckConstraint("asked_fen > 0 and coalesce(payable_fen, 0) >= 0 and paid_fen >= 0", name="amounts"),
    )

    refund_no: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("cases.number"), index=True)
    element_instance_key: Mapped[str] = mapped_column(String(32), unique=True)
    """Of the task that registered it: a job delivered again finds its refund."""
    kind: Mapped[str] = mapped_column(String(32))
    settled_as: Mapped[str | None] = mapped_column(String(16))
    cause_code: Mapped[str | None] = mapped_column(String(32))
    asked_fen: Mapped[int] = mapped_column(BigInteger)
    asked_by: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16), default="registered", index=True)
    claimed_charge: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The charge while this refund holds it: no charge is paid back twice, whatever the refund number."""
    charge_id: Mapped[str | None] = mapped_column(String(64))
    """The evidence (rule D1): kept when the claim is given up."""
    charged_fen: Mapped[int | None] = mapped_column(BigInteger)
    payable_fen: Mapped[int | None] = mapped_column(BigInteger)
    paid_fen: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tier: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(32))
    """Why there was no charge, or why it was cancelled: a word of labels.json."""
    agreement: Mapped[str | None] = mapped_column(Text)
    """The settlement text (rule D5); names nobody."""
    reference: Mapped[str | None] = mapped_column(String(64))
    """What the ledger calls the posting."""
    registered_at: Mapped[datetime] = mapped_column(Instant)
    posting_at: Mapped[datetime | None] = mapped_column(Instant)
    """Since when money may have moved; null also for those whose posting began before this was kept."""
    stuck_at: Mapped[datetime | None] = mapped_column(Instant)
    """When billing and operations were told that its posting never ended: once."""
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class RefundApproval(Base):
    """Who decided what at which tier, and tiers whose time was over."""

    __tablename__ = "refund_approvals"
    __table_args__ = (
        CheckConstraint("decision in ('approve','reject','raise','overdue')", name="decision"),
        Index("refund_approvals_refund_no_idx", "refund_no", "at"),
    )

    element_instance_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    refund_no: Mapped[str] = mapped_column(ForeignKey("refunds.refund_no"))
    tier: Mapped[str] = mapped_column(String(32))
    group: Mapped[str] = mapped_column("group_name", String(64))
    person: Mapped[str | None] = mapped_column(String(64))
    """Null: nobody decided in time."""
    decision: Mapped[str] = mapped_column(String(16))
    is_final: Mapped[bool] = mapped_column(default=False, server_default=false())
    at: Mapped[datetime] = mapped_column(Instant)


class ChargeRow(Base):
    """The embedded billing: charges and promised benefits, loaded from a file."""

    __tablename__ = "charges"
    __table_args__ = (
        CheckConstraint("kind in ('charge','benefit')", name="kind"),
        Index("charges_customer_no_idx", "customer_no", "kind"),
    )

    charge_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer_no: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    period: Mapped[str] = mapped_column(String(7))
    item: Mapped[str] = mapped_column(String(200))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    is_granted: Mapped[bool] = mapped_column(default=False, server_default=false())
    regranted_by: Mapped[str | None] = mapped_column(String(32), unique=True)
    """Refund number of the re-grant (rule D1): marked as such."""


class LedgerEntry(Base):
    """The embedded ledger: at most one posting per refund number."""

    __tablename__ = "ledger_entries"
    __table_args__ = (CheckConstraint("amount_fen > 0", name="amount"),)

    refund_no: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    charge_id: Mapped[str | None] = mapped_column(String(64))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    posted_at: Mapped[datetime] = mapped_column(Instant)
