"""Refunds from registration to their end: every change of state is one question and one answer (rules D1, D3)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workers.cases.refund import Charge, yuan
from workers.errors import Broken
from workers.names import SHANGHAI
from workers.store import answers
from workers.store.refund_tables import Refund, RefundApproval
from workers.store.statements import next_value
from workers.store.tables import Answer

WAITING: Final = ("registered", "verified", "waiting", "approved")
"""States from which a refund can still be cancelled: no money has moved."""


def by_element(tx: Session, element_instance_key: str) -> Refund | None:
    """The refund that this task registered."""
    return tx.scalars(select(Refund).filter_by(element_instance_key=element_instance_key)).one_or_none()


def new(
    tx: Session,
    number: str,
    now: datetime,
    *,
    element_instance_key: str,
    kind: str,
    asked_fen: int,
    asked_by: str,
) -> Refund:
    """Registers a refund under a number of its own, e.g. `TF20261122-000007`: 退费, the day in Shanghai, a count.

    An earlier refund of the case that nobody has decided yet is replaced: it is cancelled.
    """
    cancel_waiting(tx, number, now, "replaced")
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    refund = Refund(
        refund_no=f"TF{day}-{next_value(tx, f'refunds-{day}'):06}",
        number=number,
        element_instance_key=element_instance_key,
        kind=kind,
        asked_fen=asked_fen,
        asked_by=asked_by,
        status="registered",
        paid_fen=0,
        registered_at=now,
    )
    tx.add(refund)
    tx.flush()
    return refund


def locked(tx: Session, refund_no: str) -> Refund:
    """A refund, for this transaction alone. Raises Broken when there is none with this number."""
    found = tx.get(Refund, refund_no, with_for_update=True)
    if found is None:
        raise Broken(f"there is no refund {refund_no}")
    return found


def claim(tx: Session, refund: Refund, charges: Collection[Charge]) -> Charge | None:
    """Takes the first of these charges that no other refund holds (rule D1: nothing is paid back twice).

    Returns:
        The charge; None when all are held by others.
    """
    for charge in charges:
        try:
            with tx.begin_nested():
                refund.claimed_charge = charge.charge_id
                tx.flush()
        except IntegrityError:
            tx.refresh(refund)
            continue
        refund.charge_id, refund.charged_fen = charge.charge_id, charge.amount_fen
        return charge
    return None


def end(refund: Refund, status: str, now: datetime, reason: str | None = None) -> None:
    """The refund is over; a charge that nothing was paid for is free again."""
    refund.status, refund.ended_at, refund.reason = status, now, reason or refund.reason
    if status not in ("paid", "granted"):
        refund.claimed_charge = None


_WAITING_OF: Final = (
    select(Refund).where(Refund.number == bindparam("of"), Refund.status.in_(WAITING)).with_for_update()
)


def cancel_waiting(tx: Session, number: str, now: datetime, reason: str) -> None:
    """Cancels the refunds of a case for which no money has moved.

    Args:
        reason: `withdrawn`, `replaced`, `case-raised` or `joined-incident`: a word of labels.json.
    """
    for refund in tx.scalars(_WAITING_OF, {"of": number}):
        end(refund, "cancelled", now, reason)
    tx.flush()


def stuck(tx: Session, before: datetime) -> list[Refund]:
    """Refunds whose posting began by then, never ended, and was told to nobody yet (rule D3); locked.

    Of those whose posting began before `posting_at` was kept, the registration counts.
    """
    since = func.coalesce(Refund.posting_at, Refund.registered_at)
    found = select(Refund).where(Refund.status == "posting", Refund.stuck_at.is_(None), since <= before)
    return list(tx.scalars(found.order_by(Refund.refund_no).with_for_update()))


def deciders(tx: Session, refund_no: str) -> set[str]:
    """Who decided about it, at any tier."""
    mine = select(RefundApproval.person).where(RefundApproval.refund_no == refund_no)
    return {person for person in tx.scalars(mine) if person is not None}


def decision(tx: Session, element_instance_key: str) -> RefundApproval | None:
    """What was recorded by this task."""
    return tx.get(RefundApproval, element_instance_key)


def of(tx: Session, number: str) -> list[Refund]:
    """The refunds of a case, in the order they were registered."""
    return list(tx.scalars(select(Refund).filter_by(number=number).order_by(Refund.refund_no)))


def current(tx: Session, number: str) -> Refund | None:
    """The refund of a case that is being decided or was last; None where none was asked for."""
    mine = (
        select(Refund).filter_by(number=number).order_by(Refund.registered_at.desc(), Refund.refund_no.desc())
    )
    return tx.scalar(mine.limit(1))


def approvals(tx: Session, refund_no: str) -> list[RefundApproval]:
    """Who decided what, in order."""
    mine = select(RefundApproval).filter_by(refund_no=refund_no)
    return list(tx.scalars(mine.order_by(RefundApproval.at, RefundApproval.element_instance_key)))


def asker(tx: Session, number: str, form: str) -> str | None:
    """Who answered the form last: drafts too, because the engine goes on before a completion is final."""
    mine = select(Answer.author).where(Answer.number == number, Answer.form == form)
    return tx.scalar(mine.order_by(Answer.at.desc(), Answer.task_key.desc()).limit(1))


def facts(tx: Session, refund_no: str) -> dict[str, Any]:
    """What messages and agreements may say about a refund (facts.json)."""
    refund = tx.get_one(Refund, refund_no)
    amount = refund.paid_fen or refund.payable_fen or refund.asked_fen
    return {
        "refund_no": refund.refund_no,
        "refund_kind": refund.kind,
        "refund_amount": yuan(amount),
        "refund_tier": refund.tier,
        "not_charged_reason": refund.reason,
        "reject_reason": answers.newest(tx, refund.number, ["reject_reason"]),
    }
