"""Refunds in every state, so that each task of refund-approval finds the one it works on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from workers.billing.embedded import EmbeddedBilling, EmbeddedLedger
from workers.billing.ports import BillingPort, LedgerPort
from workers.bootstrap.resources import templates_dir
from workers.cases.refund import Charge
from workers.clock import Clock
from workers.notifications.agreements import Agreements
from workers.settings import Settings
from workers.store import answers, refunds
from workers.store.database import Database
from workers.store.outbox import Transaction
from workers.store.refund_tables import ChargeRow, Refund
from workers.store.tables import Complaint

NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
CUSTOMER = "C-000001"
REFERENCE = "GL-2026-77"
"""Under which the ledger has the refund that a person found there."""
AMOUNT = {
    "settled_as": "refund",
    "charge_kind": "charge",
    "factor": 2,
    "cap_fen": None,
    "first_tier": "branch",
}
AUTHORITY = {
    "approver_group": "branch-management",
    "limit_fen": 20000,
    "is_final": True,
    "next_tier": "city",
    "next_group": "city-management",
    "decide_time": "PT8H",
    "calendar": "clock",
}
VARIABLES: dict[str, Any] = {
    "refund_kind": "wrong-charge",
    "asked_fen": 3800,
    "cause_code": "system",
    "requested_by": "wang.fang",
    "refund_amount": AMOUNT,
    "refund_authority": AUTHORITY,
    "refund_tier": "branch",
    "approval": "approve",
    "decided_by": "li.na",
    "refund_posting": {"stuck_after": "P1D", "settle_time": "P1D"},
}
HEADERS = {
    "register-refund": {"form": "approve-refund", "asked_in": "propose-solution"},
    "record-approval": {"form": "approve-refund"},
    "find-stuck-refunds": {"form": "settle-refund"},
    "record-posting": {"form": "settle-refund"},
}
STATES = {
    "verify-charge": "registered",
    "decide-refund": "verified",
    "request-approval": "verified",
    "record-approval": "waiting",
    "raise-refund": "waiting",
    "draw-agreement": "approved",
    "post-refund": "approved",
    "find-stuck-refunds": "posting",
    "record-posting": "posting",
}


def refund_no(task_type: str) -> str:
    """The refund that the tasks of this type work on."""
    return f"TF20260301-{sorted(STATES).index(task_type) + 1:06}"


def variables(task_type: str) -> dict[str, Any]:
    """What the engine would hand over."""
    return {"refund_no": refund_no(task_type)} if task_type in STATES else {}


def put(tx: Transaction, number: str, only: str | None = None) -> None:
    """The refunds, each with a charge of its own; with `only` the one of that task type."""
    tx.get_one(Complaint, number).customer_no = CUSTOMER
    for task_type, status in STATES.items():
        if only is not None and task_type != only:
            continue
        number_of_charge = f"CH-{task_type}"
        row = {"customer_no": CUSTOMER, "kind": "charge", "period": "2026-02", "item": "会员包"}
        tx.add(ChargeRow(charge_id=number_of_charge, amount_fen=3800, **row))
        refund = Refund(
            refund_no=refund_no(task_type),
            number=number,
            element_instance_key=f"registered-{task_type}",
            kind="wrong-charge",
            asked_fen=3800,
            asked_by="wang.fang",
            status=status,
            paid_fen=0,
            registered_at=NOW,
        )
        tx.add(refund)
        tx.flush()
        if status != "registered":
            charge = Charge(number_of_charge, "charge", "2026-02", "会员包", 3800)
            assert refunds.claim(tx, refund, [charge]) == charge
        if task_type != "decide-refund" and status != "registered":
            refund.settled_as, refund.payable_fen, refund.tier = "refund", 7600, "branch"
        if task_type == "record-posting":
            answers.keep(tx, number, "4004", "settle-refund", {"ledger_reference": REFERENCE}, "li.na", NOW)
    tx.flush()


def services(database: Database, clock: Clock) -> dict[type, object]:
    """The collaborators of these tasks, the real ones."""
    settings = Settings()
    return {
        BillingPort: EmbeddedBilling(database),
        LedgerPort: EmbeddedLedger(database, clock),
        Agreements: Agreements(templates_dir(settings), settings),
    }
