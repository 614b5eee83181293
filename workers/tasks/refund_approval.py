"""Who decides about a refund, tier by tier, with four eyes and a deadline each (rule D3).

Job type: request-approval
Reads: refund_no, refund_tier, refund_authority (decide_time, calendar).
Sets: approval_due_at.
Throws: REFUND_CANCELLED: the refund was cancelled meanwhile.
Effect: the refund waits at this tier.

Job type: record-approval
Reads: number, refund_no, refund_tier, approval (approve, reject, raise), refund_authority, optional decided_by.
    Header `form`: the user tasks from which who decided is kept from now on.
Sets: refund_tier.
Throws: FOUR_EYES: who decided had asked, had decided an earlier tier, is unknown or not of the group; REFUND_CANCELLED:
    the refund was cancelled meanwhile.
Effect: who decided what is kept; the refund is approved, rejected, or goes on to the next tier.

Job type: raise-refund
Reads: number, refund_no, refund_tier, refund_authority (approver_group, next_tier).
Sets: refund_tier.
Throws: REFUND_CANCELLED: the refund was cancelled meanwhile.
Effect: the tier let its time pass; its people watch the case from now on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from workers.cases.calendar import WorkingCalendar
from workers.cases.refund import RefundAuthority
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken, BusinessError
from workers.names import SHANGHAI
from workers.store import complaints, exclusions, refunds, staff, timeline, watchers
from workers.store.database import Database
from workers.store.outbox import Transaction
from workers.store.refund_tables import Refund, RefundApproval
from workers.tasks.refund import alive

_DECISIONS = ("approve", "reject", "raise")


def request_approval(
    database: Database,
    clock: Clock,
    calendar: WorkingCalendar,
    *,
    refund_no: str,
    refund_tier: str,
    refund_authority: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns until when this tier decides; a second delivery returns the same."""
    authority = RefundAuthority.from_decision(refund_authority)
    with database.begin() as tx:
        refund = alive(tx, refund_no)
        if refund.payable_fen is None:
            raise Broken(f"the refund {refund_no} has no amount yet")
        key = f"{refund_no}:requested:{job.element_instance_key}"
        at = timeline.add(
            tx,
            refund.number,
            clock.now(),
            "duban",
            "refund-requested",
            key,
            refund_no=refund_no,
            tier=refund_tier,
        )
        if refund.status in ("registered", "verified", "waiting"):
            refund.status, refund.tier = "waiting", refund_tier
    due = calendar.due_at(at, authority.decide_time, authority.calendar)
    return {"approval_due_at": due.astimezone(SHANGHAI).isoformat(timespec="seconds")}


def record_approval(
    database: Database,
    clock: Clock,
    *,
    number: str,
    refund_no: str,
    refund_tier: str,
    refund_authority: dict[str, Any],
    approval: str,
    job: Job,
    decided_by: str | None = None,
) -> dict[str, Any]:
    """Returns the tier that is asked next; the same one where this decision is the last."""
    authority = RefundAuthority.from_decision(refund_authority)
    if approval not in _DECISIONS:
        raise Broken(f"{approval[:40]!r} is no decision about a refund")
    now = clock.now()
    with database.begin() as tx:
        noted = refunds.decision(tx, job.element_instance_key)
        if noted is None:
            refund = alive(tx, refund_no)
            who = _allowed(tx, job, refund, authority, decided_by)
            is_final = approval == "reject" or (approval == "approve" and authority.is_final)
            _note(tx, job, refund, authority, refund_tier, approval, now, who, is_final=is_final)
            if is_final or authority.next_tier != refund_tier:  # at the top, who is asked again may decide
                scope = job.process_instance_key
                exclusions.add(tx, number, job.headers["form"], [who], "decided", now, scope=scope)
            if approval == "reject":
                refunds.end(refund, "rejected", now)
            elif is_final:
                _check_limit(refund, authority)
                refund.status = "approved"
    is_last = approval == "reject" or (approval == "approve" and authority.is_final)
    return {"refund_tier": refund_tier if is_last else authority.next_tier}


def raise_refund(
    database: Database,
    clock: Clock,
    *,
    number: str,
    refund_no: str,
    refund_tier: str,
    refund_authority: dict[str, Any],
    job: Job,
) -> dict[str, Any]:
    """Returns the next tier."""
    authority = RefundAuthority.from_decision(refund_authority)
    now = clock.now()
    with database.begin() as tx:
        if refunds.decision(tx, job.element_instance_key) is None:
            refund = alive(tx, refund_no)
            _note(tx, job, refund, authority, refund_tier, "overdue", now, None, is_final=False)
            region = complaints.region(complaints.get(tx, number))
            for person in sorted(staff.usernames_of(tx, authority.approver_group, region)):
                watchers.add(tx, number, person, authority.approver_group, now)
    return {"refund_tier": authority.next_tier}


def _allowed(
    tx: Transaction, job: Job, refund: Refund, authority: RefundAuthority, decided_by: str | None
) -> str:
    """Who decided, if they may: whoever completes a task by the engine's own API passes no desk."""
    excluded = exclusions.people(tx, refund.number, job.headers["form"], job.process_instance_key)
    known = staff.by_usernames(tx, {decided_by}) if decided_by else []
    is_of_group = all(authority.approver_group in person.groups for person in known)
    if not decided_by or decided_by in excluded or not is_of_group:
        raise BusinessError(
            "FOUR_EYES", f"{decided_by or 'nobody known'} may not decide about {refund.refund_no}"
        )
    if refund.status != "waiting":
        raise Broken(f"the refund {refund.refund_no} does not wait for a decision: it is {refund.status}")
    return decided_by


def _check_limit(refund: Refund, authority: RefundAuthority) -> None:
    limit = authority.limit_fen
    if limit is not None and (refund.payable_fen or 0) > limit:
        raise Broken(
            f"the table refund-authority lets a tier decide about {refund.refund_no} above its limit"
        )


def _note(
    tx: Transaction,
    job: Job,
    refund: Refund,
    authority: RefundAuthority,
    tier: str,
    decision: str,
    now: datetime,
    person: str | None,
    *,
    is_final: bool,
) -> None:
    tx.add(
        RefundApproval(
            element_instance_key=job.element_instance_key,
            refund_no=refund.refund_no,
            tier=tier,
            group=authority.approver_group,
            person=person,
            decision=decision,
            is_final=is_final,
            at=now,
        )
    )
    key = f"{refund.refund_no}:decided:{job.element_instance_key}"
    told = {"refund_no": refund.refund_no, "tier": tier, "approval": decision}
    timeline.add(tx, refund.number, now, person or "duban", "refund-decided", key, **told)
