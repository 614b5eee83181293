"""Clusters of complaints, found as they arrive (rules E6, E7, F2): any number of workers at once, one event.

Who counts a kind of complaint at a place holds its row of `clusters`: the others wait, then see what was counted.
A complaint's own row is only read here: the transaction that locks it would wait for this one, and this one for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, Select, bindparam, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from workers.cases.region import Region, spellings
from workers.names import Message, Status
from workers.store import complaints, engine_requests, incidents
from workers.store.database import Instant
from workers.store.incident_tables import Cluster, IncidentComplaint, MajorIncident
from workers.store.statements import insert_if_absent
from workers.store.tables import Complaint

_LEVELS: Final = ("province", "city", "branch")


@dataclass(frozen=True)
class Threshold:
    """A row of decision `cluster-threshold`."""

    window: timedelta
    count: int
    place_level: str
    incident_kind: str
    reassess_every: int


def detect(tx: Session, complaint: Complaint, threshold: Threshold | None, now: datetime) -> str | None:
    """Ties the complaint to the event it belongs to; opens one where the window holds enough of them.

    Args:
        complaint: not locked by this transaction.
        threshold: None: no event is opened; one that is open is still joined.

    Returns:
        The event's number, if there is one now.
    """
    if complaint.category is None or complaint.closed_at is not None:
        return None
    place = complaints.region(complaint)
    if not any((place.province, place.city, place.branch)):
        return None
    key = _lock(tx, complaint, threshold.place_level) if threshold else ""
    mine = tx.get(IncidentComplaint, complaint.number)
    if mine is not None:
        return mine.incident if mine.detached_at is None else None
    joined = _join(tx, complaint, threshold, now)
    if joined is not None or threshold is None:
        return joined
    found = _window(tx, complaint, threshold)
    if len(found) < threshold.count:
        return None
    return _open(tx, key, complaint, found, threshold, now)


_LOCKED: Final = select(Cluster.id).where(Cluster.id == bindparam("of")).with_for_update()


def _lock(tx: Session, complaint: Complaint, level: str) -> str:
    """Waits for everybody else who counts the same; returns the cluster's key."""
    place = _place(complaints.region(complaint), level)
    words = (complaint.policy, complaint.category, complaint.product, *place)
    key = "|".join(spellings(word)[0] if word else "" for word in words)
    row = {"policy": complaint.policy, "category": complaint.category, "product": complaint.product}
    insert_if_absent(tx, Cluster, ["key"], id=key, place_level=level, **row)
    tx.execute(_LOCKED, {"of": key})
    return key


def _place(region: Region, level: str) -> tuple[str | None, ...]:
    """Province, city and branch, down to the level."""
    known = (region.province, region.city, region.branch)
    return known[: _LEVELS.index(level) + 1]


_OPEN_HERE: Final = (
    select(MajorIncident.number)
    .where(
        MajorIncident.status.in_(incidents.OPEN),
        MajorIncident.policy == bindparam("policy"),
        MajorIncident.category == bindparam("category"),
        or_(MajorIncident.product.is_(None), MajorIncident.product == bindparam("product")),
        *(
            or_(column.is_(None), column.in_(bindparam(column.key, expanding=True)))
            for column in (MajorIncident.province, MajorIncident.city, MajorIncident.branch)
        ),
    )
    .order_by(MajorIncident.declared_at, MajorIncident.number)
)


def _join(tx: Session, complaint: Complaint, threshold: Threshold | None, now: datetime) -> str | None:
    """Ties it to an event that is open for its kind and place; the oldest, where there are several."""
    told = {"policy": complaint.policy, "category": complaint.category, "product": complaint.product}
    places = {level: _spelt(getattr(complaint, level)) for level in _LEVELS}
    for number in tx.scalars(_OPEN_HERE, {**told, **places}).all():
        incident = incidents.get(tx, number)
        if incident.status not in incidents.OPEN:  # solved while this one waited for its lock
            continue
        if incidents.attach(tx, incident, complaint, "duban", now):
            _reassess(tx, number, threshold, now)
        return number
    return None


def _reassess(tx: Session, number: str, threshold: Threshold | None, now: datetime) -> None:
    """Owes the event a look at its level, every so many complaints."""
    total = incidents.count(tx, number)
    if threshold is not None and total % threshold.reassess_every == 0:
        grew = Message.INCIDENT_GREW
        engine_requests.add(tx, grew, number, f"{number}:{grew}:{total}", {}, now)


def _window(tx: Session, complaint: Complaint, threshold: Threshold) -> list[Complaint]:
    """The complaints of the same kind from the same place within the window that never belonged to an event; none
    where they are fewer than the threshold."""
    levels = _LEVELS[: _LEVELS.index(threshold.place_level) + 1]
    places = {level: _spelt(getattr(complaint, level)) for level in levels}
    known = tuple(level for level in levels if places[level])
    told = {"policy": complaint.policy, "category": complaint.category, "product": complaint.product}
    after = complaint.received_at - threshold.window
    wanted = _alike(complaint.product is not None, levels, known)
    numbers = tx.scalars(wanted, {**told, **places, "after": after}).all()
    if len(numbers) < threshold.count:
        return []
    found = select(Complaint).where(Complaint.number.in_(numbers))
    return list(tx.scalars(found.order_by(Complaint.received_at, Complaint.number)))


@cache
def _alike(has_product: bool, levels: tuple[str, ...], known: tuple[str, ...]) -> Select[str]:
    """Built once for each shape: it is asked for every complaint, and a cluster is rare."""
    product = Complaint.product == bindparam("product") if has_product else Complaint.product.is_(None)
    return select(Complaint.number).where(
        Complaint.policy == bindparam("policy"),
        Complaint.category == bindparam("category"),
        product,
        Complaint.received_at > bindparam("after", type_=Instant),
        Complaint.status != Status.WITHDRAWN,
        ~exists().where(IncidentComplaint.complaint == Complaint.number),
        *(_is_called(level, level in known) for level in levels),
    )


def _is_called(level: str, is_known: bool) -> ColumnElement[bool]:
    """杭州 and 杭州市 are the same city; a place that nobody named is one of its own."""
    column: InstrumentedAttribute[str | None] = getattr(Complaint, level)
    return column.in_(bindparam(level, expanding=True)) if is_known else column.is_(None)


def _spelt(place: str | None) -> list[str]:
    return [] if place is None else list(spellings(place))


def _open(
    tx: Session, key: str, complaint: Complaint, found: list[Complaint], threshold: Threshold, now: datetime
) -> str:
    """A new event with all of them. The unique index on open cluster keys holds, whatever happens here."""
    place = _place(complaints.region(complaint), threshold.place_level)
    number = incidents.declare(
        tx,
        now,
        who="duban",
        count=len(found),
        policy=complaint.policy,
        kind=threshold.incident_kind,
        cluster_key=key,
        product=complaint.product,
        category=complaint.category,
        flags=[],
        **dict(zip(_LEVELS, place, strict=False)),
    )
    incident = incidents.get(tx, number)
    for each in found:
        incidents.attach(tx, incident, each, "duban", now)
    return number
