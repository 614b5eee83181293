"""Refunds whose posting began and never ended: found, told once, settled by a person (rule D3).

Job type: find-stuck-refunds
Reads: refund_posting (stuck_after, settle_time). Header `form`: the user tasks that who asked for such a refund, or
    decided about it, never completes.
Sets: nothing.
Throws: nothing.
Effect: for every refund that has been posting for longer than stuck_after the message refund-stuck is owed to the
    engine, once per refund; tomorrow's look finds only others.

Job type: record-posting
Reads: number, refund_no, optional decided_by. Header `form`: the user task in which a person wrote the ledger's
    reference (field `ledger_reference`).
Sets: nothing.
Throws: FOUR_EYES: who settled it had asked for it or decided about it, or is unknown.
Effect: the refund is paid, or granted, as a person found it in the ledger; nothing is posted any more.
"""

from __future__ import annotations

from typing import Any

from workers.cases.refund import RefundPosting
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError
from workers.names import SHANGHAI, Message
from workers.store import answers, engine_requests, exclusions, refunds, staff, timeline
from workers.store.database import Database

REFERENCE_FIELD = "ledger_reference"


def find_stuck_refunds(database: Database, clock: Clock, *, refund_posting: dict[str, Any], job: Job) -> None:
    """Hands each on, once; a second delivery finds none that was told already."""
    times, now, form = RefundPosting.from_decision(refund_posting), clock.now(), job.headers["form"]
    due_at = (now + times.settle_time).astimezone(SHANGHAI).isoformat(timespec="seconds")
    with database.begin() as tx:
        for refund in refunds.stuck(tx, now - times.stuck_after):
            refund.stuck_at = now
            exclusions.add(tx, refund.number, form, [refund.asked_by], "asked", now)
            exclusions.add(tx, refund.number, form, refunds.deciders(tx, refund.refund_no), "decided", now)
            variables: dict[str, Any] = {"number": refund.number, "refund_no": refund.refund_no}
            variables |= {"settled_as": refund.settled_as, "settle_due_at": due_at}
            name, key = Message.REFUND_STUCK, f"{refund.refund_no}:{Message.REFUND_STUCK}"
            engine_requests.add(tx, name, refund.number, key, variables, now)
            timeline.add(tx, refund.number, now, "duban", "refund-stuck", key, refund_no=refund.refund_no)


def record_posting(
    database: Database, clock: Clock, *, number: str, refund_no: str, job: Job, decided_by: str | None = None
) -> None:
    """Keeps the reference; a refund that is settled already stays as it is."""
    with database.begin() as tx:
        refund = refunds.locked(tx, refund_no)
        if refund.status in ("paid", "granted"):
            return
        is_known = bool(decided_by and staff.by_usernames(tx, {decided_by}))
        if not is_known or decided_by in exclusions.people(tx, number, job.headers["form"]):
            raise BusinessError("FOUR_EYES", f"{decided_by or 'nobody known'} may not settle {refund_no}")
        reference = answers.newest(tx, number, [REFERENCE_FIELD])
        if refund.status != "posting" or reference is None:
            raise Broken(f"the refund {refund_no} is {refund.status}, or its reference was not written down")
        now, settled_as = clock.now(), refund.settled_as
        refund.reference, refund.paid_fen = reference, refund.payable_fen or 0
        refunds.end(refund, "paid" if settled_as == "refund" else "granted", now)
        told = {"refund_no": refund_no, "settled_as": settled_as}
        timeline.add(tx, number, now, decided_by or "duban", "refund-posted", f"{refund_no}:posted", **told)
