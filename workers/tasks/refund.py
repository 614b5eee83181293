"""A refund from the request to the amount that may be paid: registered, the charge verified, the amount decided.

Job type: register-refund
Reads: number, refund_kind, asked_fen, optional cause_code, requested_by. Header `form`: the user tasks that who asked
    never completes; header `asked_in`: the form whose newest completion asked, where requested_by is not given.
Sets: refund_no.
Throws: REFUND_CANCELLED: the complaint was withdrawn meanwhile.
Effect: the refund has a number; who asked is kept from approving it (rule D3). An earlier refund of the case that
    nobody has decided yet is cancelled.

Job type: verify-charge
Reads: refund_no, refund_amount (charge_kind).
Sets: nothing.
Throws: CHARGE_NOT_FOUND: billing knows no such charge of the customer, it has been paid back, or the benefit has been
    granted; REFUND_CANCELLED: the refund was cancelled meanwhile.
Effect: the charge is kept as evidence, and no other refund can be for it (rule D1).

Job type: decide-refund
Reads: refund_no, refund_amount (settled_as, factor, cap_fen, first_tier).
Sets: payable_fen, refund_tier.
Throws: REFUND_CANCELLED: the refund was cancelled meanwhile.
Effect: the amount that may be paid is kept, never above charged times factor (rules D2, D4).
"""

from __future__ import annotations

from typing import Any

from workers.billing.ports import BillingPort
from workers.cases.refund import RefundAmount, meant, payable_fen, whole_fen
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError
from workers.names import Status
from workers.store import answers, complaints, exclusions, refunds, timeline
from workers.store.database import Database
from workers.store.outbox import Transaction
from workers.store.refund_tables import Refund

CANCELLED = "REFUND_CANCELLED"
PERIOD_FIELD = "charge_period"
"""Form field, whichever the form, in which who asks names the month of the bill, like 2026-10."""


def register_refund(
    database: Database,
    clock: Clock,
    *,
    number: str,
    refund_kind: str,
    asked_fen: float,
    job: Job,
    cause_code: str | None = None,
    requested_by: str | None = None,
) -> dict[str, Any]:
    """Returns the refund number; a second delivery finds the refund and returns the same.

    Raises:
        Broken: the amount is no positive whole number of fen, or nobody is known to have asked.
    """
    now = clock.now()
    with database.begin() as tx:
        refund = refunds.by_element(tx, job.element_instance_key)
        if refund is None:
            asker = requested_by or refunds.asker(tx, number, job.headers["asked_in"])
            if not asker:
                raise Broken(f"nobody is known to have asked for a refund in case {number}")
            if complaints.get(tx, number).status == Status.WITHDRAWN:
                raise BusinessError(CANCELLED, f"complaint {number} was withdrawn")
            key = job.element_instance_key
            fen = whole_fen(asked_fen)
            refund = refunds.new(
                tx, number, now, element_instance_key=key, kind=refund_kind, asked_fen=fen, asked_by=asker
            )
            refund.cause_code = cause_code
            scope = job.process_instance_key
            exclusions.add(tx, number, job.headers["form"], [asker], "asked", now, scope=scope)
            told = {"refund_no": refund.refund_no, "refund_kind": refund_kind}
            timeline.add(tx, number, now, asker, "refund-asked", f"{refund.refund_no}:asked", **told)
        return {"refund_no": refund.refund_no}


def verify_charge(
    database: Database, clock: Clock, billing: BillingPort, *, refund_no: str, refund_amount: dict[str, Any]
) -> None:
    """Finds the charge at billing and takes it for this refund."""
    kind = RefundAmount.from_decision(refund_amount).charge_kind
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        complaint = complaints.get(tx, refund.number)
        customer_no, asked = complaint.customer_no, refund.asked_fen
        period = answers.newest(tx, refund.number, [PERIOD_FIELD])
        status, reason = refund.status, refund.reason
    if status == "not-charged":
        raise _not_found(refund_no, reason)
    if status != "registered":
        return
    found = (
        billing.charges(customer_no, kind or "charge", (period or "").strip() or None) if customer_no else []
    )
    candidates = meant(found, asked)
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        charge = refunds.claim(tx, refund, candidates)
        now = clock.now()
        if charge is None:
            reason = _why(customer_no, kind, has_any=bool(found), has_open=bool(candidates))
            refunds.end(refund, "not-charged", now, reason)
            timeline.add(
                tx,
                refund.number,
                now,
                "duban",
                "refund-not-charged",
                f"{refund_no}:not-charged",
                reason=reason,
            )
        else:
            refund.status = "verified"
            timeline.add(
                tx,
                refund.number,
                now,
                "duban",
                "charge-verified",
                f"{refund_no}:verified",
                charge=charge.charge_id,
            )
    if charge is None:
        raise _not_found(refund_no, reason)


def decide_refund(database: Database, *, refund_no: str, refund_amount: dict[str, Any]) -> dict[str, Any]:
    """Returns the amount that may be paid and the first tier. Raises Broken where that is nothing."""
    amount = RefundAmount.from_decision(refund_amount)
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        if amount.charge_kind is not None and refund.claimed_charge is None:
            raise Broken(f"the refund {refund_no} needs a verified charge, and has none")
        charged = refund.charged_fen if amount.charge_kind is not None else None
        payable = payable_fen(refund.asked_fen, charged, amount)
        if payable <= 0:
            raise Broken(f"the table refund-amount leaves nothing to pay for {refund_no}")
        refund.settled_as, refund.payable_fen = amount.settled_as, payable
    return {"payable_fen": payable, "refund_tier": amount.first_tier}


def alive(tx: Transaction, refund_no: str) -> Refund:
    """The refund, locked until the transaction ends.

    Raises:
        BusinessError: REFUND_CANCELLED, also where the complaint was withdrawn before money moved.
    """
    refund = refunds.locked(tx, refund_no)
    is_waiting = refund.status in refunds.WAITING
    is_withdrawn = complaints.get(tx, refund.number).status == Status.WITHDRAWN
    if refund.status == "cancelled" or (is_waiting and is_withdrawn):
        raise BusinessError(CANCELLED, f"the refund {refund_no} was cancelled")
    return refund


def _not_found(refund_no: str, reason: str | None) -> BusinessError:
    return BusinessError("CHARGE_NOT_FOUND", f"the refund {refund_no} has no charge: {reason}")


def _why(customer_no: str | None, kind: str | None, *, has_any: bool, has_open: bool) -> str:
    """Why there is no charge, as a word of labels.json."""
    if not customer_no:
        return "customer-unknown"
    if not has_any:
        return "no-such-charge" if kind == "charge" else "no-such-benefit"
    return "already-granted" if kind == "benefit" and not has_open else "already-settled"
