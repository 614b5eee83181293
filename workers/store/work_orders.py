"""Work orders of field engineers: who gets one, and how it stands (rule B11)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.errors import Broken, NotFound
from workers.names import Status
from workers.store import staff
from workers.store.tables import Complaint, Staff
from workers.store.work_order_tables import WorkOrder

_RUNNING: Final = ("open", "appointed", "arrived", "not-done")


def pick_engineer(tx: Session, number: str, group: str, region: Region) -> Staff:
    """The group's person nearest to the customer with the fewest running work orders (ties: by username).

    Who had this case before does not get it again, as long as there is anybody else.

    Raises:
        Broken: nobody is in the group.
    """
    before = set(tx.scalars(select(WorkOrder.engineer).where(WorkOrder.number == number)))
    nearest = staff.usernames_of(tx, group, region) - before
    if nearest:
        count = (
            select(WorkOrder.engineer, func.count())
            .where(WorkOrder.engineer.in_(nearest), WorkOrder.status.in_(_RUNNING))
            .group_by(WorkOrder.engineer)
        )
        load: dict[str, int] = dict(tx.execute(count).tuples().all())
        return staff.get(tx, min(nearest, key=lambda name: (load.get(name, 0), name)))
    try:
        return staff.pick_owner(tx, group, region, exclude=before)
    except Broken:
        return staff.pick_owner(tx, group, region)


def open_order(
    tx: Session,
    number: str,
    opened_by: str,
    engineer: str,
    group: str,
    opened_at: datetime,
    contact_due_at: datetime,
) -> WorkOrder:
    """A new work order; one of the same case that still runs goes to this engineer instead: reassigned."""
    end_running(tx, number, "reassigned", opened_at)
    order = WorkOrder(
        opened_by=opened_by,
        number=number,
        engineer=engineer,
        engineer_group=group,
        status="open",
        opened_at=opened_at,
        contact_due_at=contact_due_at,
        visits=0,
    )
    tx.add(order)
    tx.flush()
    return order


_RUNNING_OF: Final = (
    select(WorkOrder)
    .where(WorkOrder.number == bindparam("of"), WorkOrder.status.in_(_RUNNING))
    .with_for_update()
)
_NEWEST_OF: Final = (
    select(WorkOrder)
    .where(WorkOrder.number == bindparam("of"))
    .order_by(WorkOrder.opened_at.desc(), WorkOrder.opened_by.desc())
)


def end_running(tx: Session, number: str, status: str, now: datetime) -> None:
    """Ends the work order of a case that still runs, if there is one.

    Args:
        status: `reassigned`; `raised` where the next tier has the case; `withdrawn` where nobody needs it any more.
    """
    for order in tx.scalars(_RUNNING_OF, {"of": number}):
        order.status, order.ended_at = status, now
    tx.flush()


def settle(tx: Session, complaint: Complaint, now: datetime) -> None:
    """A work order does not run for a complaint that was withdrawn while a job of the visit was on its way."""
    if complaint.status == Status.WITHDRAWN:
        tx.flush()
        end_running(tx, complaint.number, "withdrawn", complaint.closed_at or now)


def opened_by(tx: Session, element_instance_key: str) -> WorkOrder | None:
    """The work order that this element instance opened."""
    return tx.get(WorkOrder, element_instance_key)


def newest(tx: Session, number: str) -> WorkOrder | None:
    """The work order that a case has now, or had last."""
    return tx.scalars(_NEWEST_OF, {"of": number}).first()


def on_the_way(tx: Session, number: str) -> set[str]:
    """Who has the work order of a case that runs, or had it when the complaint was withdrawn; empty: nobody."""
    order = newest(tx, number)
    return {order.engineer} if order is not None and order.status in (*_RUNNING, "withdrawn") else set()


def present(tx: Session, number: str) -> WorkOrder:
    """As `newest`. Raises NotFound when there never was one."""
    found = newest(tx, number)
    if found is None:
        raise NotFound(f"There is no work order for {number[:40]!r}.")
    return found


def of(tx: Session, number: str) -> list[WorkOrder]:
    """The work orders of a case, oldest first."""
    mine = select(WorkOrder).where(WorkOrder.number == number)
    return list(tx.scalars(mine.order_by(WorkOrder.opened_at, WorkOrder.opened_by)))
