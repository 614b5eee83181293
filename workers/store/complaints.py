"""Complaints: one by number, lists for the page, and whether a customer has had the same problem before."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Session

from workers.cases.region import Region
from workers.errors import Broken, NotFound
from workers.names import Status
from workers.store.database import Instant
from workers.store.retention_tables import Pseudonym
from workers.store.tables import Complaint

OPEN: Final = (Status.RECEIVED, Status.ACCEPTED, Status.IN_PROGRESS, Status.RESOLVED)
"""A complaint that still has a running process."""

FIELDS: Final = {
    "text": ("text",),
    "contact": ("customer_phone", "customer_email"),
    "customer_name": ("customer_name",),
    "customer_phone": ("customer_phone",),
    "customer_email": ("customer_email",),
    "customer_no": ("customer_no",),
    "province": ("province",),
    "city": ("city",),
    "branch": ("branch",),
    "product": ("product",),
    "occurred_at": ("occurred_at",),
    "impact": ("impact",),
    "external_ref": ("external_ref",),
}
"""Fields that a policy may require -> the columns of which one must be filled."""


_LOOKED_AT: Final = (
    select(Complaint).where(Complaint.number == bindparam("of")).execution_options(populate_existing=True)
)
_LOCKED: Final = _LOOKED_AT.with_for_update()
"""Built once: it is asked for in every task, and building takes longer than carrying it out."""


def get(tx: Session, number: str) -> Complaint:
    """The complaint, locked until the transaction ends where the session may write: deliveries take turns.

    Raises:
        NotFound: no complaint has this number.
    """
    statement = _LOOKED_AT if tx.info.get("read_only") else _LOCKED
    found = tx.scalars(statement, {"of": number}).one_or_none()
    if found is None:
        raise NotFound(f"There is no complaint {number[:40]!r}.")
    return found


def look(tx: Session, number: str) -> Complaint:
    """The complaint as it is now, not locked. Raises NotFound."""
    found = tx.get(Complaint, number)
    if found is None:
        raise NotFound(f"There is no complaint {number[:40]!r}.")
    return found


def new_progress_key() -> str:
    """What nobody guesses: 96 random bits, short enough for a link in a text message."""
    return secrets.token_urlsafe(12)


def of_short_link(tx: Session, key: str) -> Complaint | None:
    """The complaint that a key alone stands for: links in text messages are short."""
    found = tx.scalar(select(Complaint).where(Complaint.progress_key == key))
    return of_customer_link(tx, found.number, key) if found is not None else None


def of_customer_link(tx: Session, number: str, key: str) -> Complaint | None:
    """The complaint whose customer's link has this key; None for a wrong one, and for a number that does not exist."""
    found = tx.get(Complaint, number)
    wanted = found.progress_key if found is not None and found.progress_key else new_progress_key()
    is_right = hmac.compare_digest(key.encode(), wanted.encode())
    return found if is_right and found is not None and found.anonymised_at is None else None


def set_status(complaint: Complaint, status: Status) -> None:
    """The complaint's new status; one that has ended keeps its own.

    The engine may take a job back (the customer withdrew) while its handler is running already.
    """
    if complaint.closed_at is None:
        complaint.status = status


def region(complaint: Complaint) -> Region:
    """Where the complaint belongs."""
    return Region(province=complaint.province, city=complaint.city, branch=complaint.branch)


def missing_fields(complaint: Complaint, required: Iterable[str]) -> list[str]:
    """Which of the required fields the complaint lacks, in the order they were asked for (rule A2).

    Raises:
        Broken: a word that names no field.
    """
    return [field for field in required if not _has(complaint, field)]


def _has(complaint: Complaint, field: str) -> bool:
    columns = FIELDS.get(field)
    if columns is None:
        raise Broken(
            f"the table complaint-policy requires the field {field!r}; the fields are {', '.join(FIELDS)}"
        )
    return any(getattr(complaint, column) is not None for column in columns)


def is_repeat(tx: Session, complaint: Complaint, *, within: timedelta) -> bool:
    """Whether this customer complained of the same problem before (rule A11)."""
    return bool(earlier(tx, complaint, within=within))


def earlier(tx: Session, complaint: Complaint, *, within: timedelta) -> list[str]:
    """Numbers of the complaints that this one repeats, newest first (rule A11).

    The same customer, not longer ago than `within`, not withdrawn, and the same problem: the same text, or
    the same category (and no other product), or, as long as this one has no category, the same product.

    Args:
        within: how far back; from the policy.
    """
    told = {
        "customer": complaint.customer_key,
        "of": complaint.number,
        "since": complaint.received_at - within,
        "at": complaint.received_at,
        "text": complaint.text,
        "category": complaint.category,
        "product": complaint.product,
    }
    wanted = _earlier(complaint.category is not None, complaint.product is not None)
    return list(tx.scalars(wanted, told))


@cache
def _earlier(has_category: bool, has_product: bool) -> Select[str]:
    """Built once: it is asked for every complaint."""
    at = bindparam("at", type_=Instant)
    return (
        select(Complaint.number)
        .where(
            _of_customer(bindparam("customer", type_=String)),
            Complaint.number != bindparam("of"),
            Complaint.received_at >= bindparam("since", type_=Instant),
            tuple_(Complaint.received_at, Complaint.number) < tuple_(at, bindparam("of")),
            Complaint.status != Status.WITHDRAWN,
            _same_problem(has_category, has_product),
        )
        .order_by(Complaint.received_at.desc(), Complaint.number.desc())
    )


def same_customer(complaint: Complaint) -> ColumnElement[bool]:
    """A complaint of the same customer, also under the name that their anonymised complaints have (rule C10)."""
    return _of_customer(literal(complaint.customer_key, String))


def _of_customer(key: ColumnElement[str]) -> ColumnElement[bool]:
    named = select(Pseudonym.pseudonym).where(Pseudonym.customer_key == key)
    # Not an OR of both: PostgreSQL would read all complaints for it.
    return Complaint.customer_key.in_(union_all(select(key), named))


def _same_problem(has_category: bool, has_product: bool) -> ColumnElement[bool]:
    same = [Complaint.text == bindparam("text")]
    same_product = Complaint.product == bindparam("product")
    if not has_category:
        same += [same_product] if has_product else []
    else:
        no_other = or_(same_product, Complaint.product.is_(None))
        here = no_other if has_product else Complaint.category.is_not(None)
        same.append(and_(Complaint.category == bindparam("category"), here))
    return or_(*same)


@dataclass(frozen=True)
class Page:
    """Complaints, newest first; `next` is the number to continue after, None at the end."""

    complaints: list[Complaint]
    next: str | None


def page(
    tx: Session,
    *,
    status: str | None = None,
    category: str | None = None,
    owner_group: str | None = None,
    owner_person: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """A page of complaints, newest first, narrowed to what is given.

    Args:
        status: a status, or `open` for every one that still runs.
        after: the `next` of the page before; an unknown number starts from the beginning.
        limit: at most so many.
    """
    statement = select(Complaint).order_by(Complaint.received_at.desc(), Complaint.number.desc())
    if status == "open":
        statement = statement.where(Complaint.status.in_(OPEN))
    elif status is not None:
        statement = statement.where(Complaint.status == status)
    for column, value in (
        (Complaint.category, category),
        (Complaint.owner_group, owner_group),
        (Complaint.owner_person, owner_person),
    ):
        if value is not None:
            statement = statement.where(column == value)
    last = tx.get(Complaint, after) if after else None
    if last is not None:
        place = tuple_(Complaint.received_at, Complaint.number)
        statement = statement.where(place < (last.received_at, last.number))
    found = list(tx.scalars(statement.limit(limit + 1)))
    return Page(found[:limit], found[limit - 1].number if len(found) > limit else None)


def count_by_status(tx: Session) -> dict[str, int]:
    """How many complaints are in each status; a status without any is 0."""
    rows = tx.execute(select(Complaint.status, func.count()).group_by(Complaint.status))
    return {status.value: 0 for status in Status} | dict(rows.all())
