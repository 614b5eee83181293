"""Put an approved refund in writing and carry it out, exactly once (rules D1, D3, D5).

Job type: draw-agreement
Reads: refund_no.
Sets: nothing.
Throws: REFUND_CANCELLED: the refund was cancelled meanwhile.
Effect: the settlement text of templates/agreements is kept with the refund.

Job type: post-refund
Reads: refund_no.
Sets: paid_fen.
Throws: REFUND_CANCELLED: the complaint was withdrawn, or another request took the refund's place, before money moved.
Effect: posted to the ledger under the refund number, or the promised benefit granted and marked so at billing.
"""

from __future__ import annotations

from typing import Any

from workers.billing.ports import BillingPort, LedgerPort
from workers.cases.refund import Posting
from workers.clock import Clock
from workers.errors import Broken
from workers.notifications.agreements import Agreements
from workers.store import refunds, timeline
from workers.store.database import Database
from workers.store.refund_tables import Refund
from workers.tasks.refund import alive

_APPROVED = ("approved", "posting", "paid", "granted")


def draw_agreement(database: Database, clock: Clock, agreements: Agreements, *, refund_no: str) -> None:
    """Keeps the text; a second delivery leaves the first text as it is."""
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        if refund.agreement is None:
            facts = refunds.facts(tx, refund_no) | {"number": refund.number, "now": clock.now()}
            refund.agreement = agreements.render(refund.settled_as or "", facts)


def post_refund(
    database: Database, clock: Clock, billing: BillingPort, ledger: LedgerPort, *, refund_no: str
) -> dict[str, Any]:
    """Returns what was paid in fen; a second delivery posts under the same number, which is once."""
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        posting = _posting(refund)
        if refund.status == "approved":
            # from here on a withdrawal comes too late; one that never ends is found by refund-watch
            refund.status, refund.posting_at = "posting", clock.now()
        is_done, settled_as = refund.status in ("paid", "granted"), refund.settled_as
    if not is_done:
        if settled_as == "regrant":
            assert posting.charge_id is not None  # noqa: S101 - _posting has looked
            billing.regrant(posting.charge_id, refund_no)
            reference = refund_no
        else:
            reference = ledger.post(posting)
        with database.begin() as tx:
            refund = refunds.locked(tx, refund_no)
            refund.reference, refund.paid_fen = reference, posting.amount_fen
            refunds.end(refund, "paid" if settled_as == "refund" else "granted", clock.now())
            timeline.add(
                tx,
                refund.number,
                clock.now(),
                "duban",
                "refund-posted",
                f"{refund_no}:posted",
                refund_no=refund_no,
                settled_as=settled_as,
            )
    return {"paid_fen": posting.amount_fen}


def _posting(refund: Refund) -> Posting:
    """What may be posted. Raises Broken for a refund that nobody approved, or without the charge it is for."""
    if refund.status not in _APPROVED or refund.payable_fen is None:
        raise Broken(f"the refund {refund.refund_no} is not approved: it is {refund.status}")
    if refund.settled_as != "gift" and refund.claimed_charge is None:
        raise Broken(f"the refund {refund.refund_no} has no charge")
    charge = refund.claimed_charge if refund.settled_as != "gift" else None
    return Posting(refund.refund_no, refund.number, refund.kind, charge, refund.payable_fen)
