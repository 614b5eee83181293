"""Stuck work by its cause, and what the work that is stuck has for variables."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from workers.errors import NotFound
from workers.store import statements
from workers.store.record_tables import Element, Incident, ProcessInstance, ProcessVariable, ProcessVersion

_OWN: Final = re.compile(r"[A-Z]{2}\d{8}-\d+(?:-\d+)?|\d{4,}|[0-9a-f]{8}-[0-9a-f-]{27}")
"""What differs from case to case in the same cause: numbers of cases, keys of the engine."""
_SHOWN: Final = 2000
_DEEPEST: Final = 50


@dataclass(frozen=True)
class Cause:
    """Stuck work that has one cause: the same element, the same failure.

    Attributes:
        id: a word for addresses; the same as long as the cause is.
        name: label of the element in the newest version that knows it.
        message: of the one that is stuck longest.
    """

    id: str
    process_id: str
    process_name: str
    element_id: str
    name: str
    error_type: str
    message: str
    count: int
    since: datetime


Place = tuple[datetime, str]
"""Instant and key of the last one of the page before."""


@dataclass(frozen=True)
class Stuck:
    """One piece of stuck work."""

    key: str
    cause: str
    number: str | None
    process_id: str
    process_instance_key: str
    definition_key: str | None
    element_id: str
    element_key: str
    name: str
    job_key: str | None
    error_type: str
    message: str
    since: datetime
    same: int
    """How many are stuck by the same cause, this one included."""


@dataclass(frozen=True)
class ScopedVariable:
    """A variable that stuck work sees, and the element that has it; None: the whole process."""

    name: str
    value: Any
    element_id: str | None


def cause_id(process_id: str, element_id: str, error_type: str, message: str) -> str:
    """The word for a cause: what differs from case to case in the message makes no difference."""
    same = "\0".join((process_id, element_id, error_type, _OWN.sub("#", message)))
    return hashlib.sha256(same.encode()).hexdigest()[:12]


def causes(tx: Session) -> list[Cause]:
    """Why work is stuck, the most frequent cause first."""
    grouped = (
        select(
            Incident.process_id,
            Incident.element_id,
            Incident.error_type,
            Incident.error_message,
            func.count(),
            func.min(Incident.created_at),
        )
        .where(Incident.state == "open")
        .group_by(Incident.process_id, Incident.element_id, Incident.error_type, Incident.error_message)
    )
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in tx.execute(grouped):
        found[cause_id(*row[:4])].append(tuple(row))
    names = newest_names(tx)
    summed = []
    for id_, rows in found.items():
        process_id, element_id, error_type, message, _, since = min(rows, key=lambda row: row[5])
        labels = names.get(process_id, {})
        summed.append(
            Cause(
                id=id_,
                process_id=process_id,
                process_name=labels.get(process_id, process_id),
                element_id=element_id,
                name=labels.get(element_id, element_id),
                error_type=error_type,
                message=message,
                count=sum(row[4] for row in rows),
                since=since,
            )
        )
    return sorted(summed, key=lambda each: (-each.count, each.since))


def everything(tx: Session, limit: int = _SHOWN, *, after: Place | None = None) -> list[Stuck]:
    """All open stuck work, the oldest first."""
    known = {each.id: each for each in causes(tx)}
    rows = _open(after).order_by(Incident.created_at, Incident.key).limit(limit)
    return [_stuck(incident, instance, known[_cause_of(incident)]) for incident, instance in tx.execute(rows)]


def of_cause(tx: Session, cause: str, limit: int = _SHOWN, *, after: Place | None = None) -> list[Stuck]:
    """Open stuck work of a cause, the oldest first. Raises NotFound: nothing is stuck by it (any more)."""
    known = next((each for each in causes(tx) if each.id == cause), None)
    if known is None:
        raise NotFound("此原因下已没有卡住的工作。 Nothing is stuck by this cause any more.")
    rows = (
        _open(after)
        .where(
            Incident.process_id == known.process_id,
            Incident.element_id == known.element_id,
            Incident.error_type == known.error_type,
        )
        .order_by(Incident.created_at, Incident.key)
    )
    found = []
    for incident, instance in tx.execute(rows):
        if _cause_of(incident) == cause:
            found.append(_stuck(incident, instance, known))
            if len(found) == limit:
                break
    return found


def one(tx: Session, key: str) -> Stuck:
    """One piece of open stuck work.

    Raises:
        NotFound: no incident with this key is open.
    """
    row = tx.execute(_open().where(Incident.key == key)).first()
    if row is None:
        raise NotFound(
            f"没有编号为 {key} 的卡住的工作，或已解决。 There is no open incident {key}; `duban incidents` lists them."
        )
    incident, instance = row
    id_ = _cause_of(incident)
    return _stuck(incident, instance, next(each for each in causes(tx) if each.id == id_))


def variables(tx: Session, stuck: Stuck) -> list[ScopedVariable]:
    """What stuck work sees, by name: of two with one name the nearer one. Only what records told of."""
    chain = _scopes(tx, stuck)
    rows = tx.scalars(select(ProcessVariable).where(ProcessVariable.scope_key.in_(chain)))
    place = {key: index for index, key in enumerate(chain)}
    nearest: dict[str, ProcessVariable] = {}
    for row in rows:
        before = nearest.get(row.name)
        if before is None or place[row.scope_key] < place[before.scope_key]:
            nearest[row.name] = row
    return [
        ScopedVariable(name, _json(row.value), chain[row.scope_key]) for name, row in sorted(nearest.items())
    ]


def newest_names(tx: Session) -> dict[str, dict[str, str]]:
    """Labels by element id, by process id, of the newest version of each process."""
    rows = select(ProcessVersion.process_id, ProcessVersion.element_names).order_by(ProcessVersion.version)
    return dict(tx.execute(rows).all())


def _open(after: Place | None = None) -> Select[Incident, ProcessInstance]:
    own = ProcessInstance.key == Incident.process_instance_key
    found = select(Incident, ProcessInstance).outerjoin(ProcessInstance, own).where(Incident.state == "open")
    return found if after is None else found.where(tuple_(Incident.created_at, Incident.key) > after)


def _cause_of(incident: Incident) -> str:
    return cause_id(incident.process_id, incident.element_id, incident.error_type, incident.error_message)


def _scopes(tx: Session, stuck: Stuck) -> dict[str, str | None]:
    """The keys of the element, of what it is in, and so on up to its instance, each with its element id."""
    chain: dict[str, str | None] = {}
    key: str | None = stuck.element_key
    while key is not None and key != stuck.process_instance_key and len(chain) < _DEEPEST:
        row = tx.get(Element, key)
        if row is None:
            break
        chain[key], key = row.element_id, row.scope_key
    chain[stuck.process_instance_key] = None
    return chain


def _stuck(incident: Incident, instance: ProcessInstance | None, cause: Cause) -> Stuck:
    return Stuck(
        key=incident.key,
        cause=cause.id,
        number=instance.number if instance else None,
        process_id=incident.process_id,
        process_instance_key=incident.process_instance_key,
        definition_key=instance.definition_key if instance else None,
        element_id=incident.element_id,
        element_key=incident.element_key,
        name=cause.name,
        job_key=incident.job_key,
        error_type=incident.error_type,
        message=incident.error_message,
        since=incident.created_at,
        same=cause.count,
    )


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def are_open(tx: Session, keys: set[str]) -> bool:
    """Is any of this stuck work still open, as far as the records tell?"""
    for chunk in statements.chunks(keys):
        if tx.scalar(select(Incident.key).where(Incident.key.in_(chunk), Incident.state == "open").limit(1)):
            return True
    return False
