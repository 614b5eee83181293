"""Runs that move instances to another version: what is in one, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from workers.errors import NotFound
from workers.store import statements
from workers.store.move_tables import MoveItem, MoveRun
from workers.store.record_tables import Element, ProcessInstance, ProcessVersion

_SAYS_LIMIT: Final = 500


@dataclass(frozen=True)
class Deployed:
    """A deployed version of a process."""

    key: str
    version: int
    diagram: str
    names: Mapping[str, str]
    """Labels by element id."""


@dataclass(frozen=True)
class Running:
    """An instance that runs: its case, and (element id, type) of what is active in it."""

    key: str
    number: str | None
    active: frozenset[tuple[str, str]]


def versions(tx: Session, process_id: str) -> list[Deployed]:
    """The versions of a process, the newest first."""
    rows = tx.scalars(
        select(ProcessVersion)
        .where(ProcessVersion.process_id == process_id)
        .order_by(ProcessVersion.version.desc())
    )
    return [Deployed(row.definition_key, row.version, row.resource, row.element_names) for row in rows]


def running(tx: Session, definition_key: str) -> list[Running]:
    """The instances of a version that run, the oldest first."""
    rows = tx.execute(
        select(ProcessInstance.key, ProcessInstance.number)
        .where(ProcessInstance.definition_key == definition_key, ProcessInstance.state == "active")
        .order_by(ProcessInstance.started_at, ProcessInstance.key)
    ).all()
    active: dict[str, set[tuple[str, str]]] = {key: set() for key, _ in rows}
    elements = select(Element.process_instance_key, Element.element_id, Element.element_type)
    for keys in statements.chunks(active):
        some = elements.where(Element.process_instance_key.in_(keys), Element.state == "active")
        for key, element_id, kind in tx.execute(some):
            active[key].add((element_id, kind))
    return [Running(key, number, frozenset(active[key])) for key, number in rows]


def begin(
    tx: Session,
    process_id: str,
    source: Deployed,
    target: Deployed,
    who: str | None,
    now: datetime,
    items: Iterable[tuple[Running, str | None]],
) -> int:
    """Keeps a new run. Items are instances with why they cannot be moved, or None: they wait. Returns its number."""
    run = MoveRun(
        process_id=process_id,
        from_key=source.key,
        from_version=source.version,
        to_key=target.key,
        to_version=target.version,
        asked_by=who,
        asked_at=now,
    )
    tx.add(run)
    tx.flush()
    tx.add_all(
        MoveItem(
            run_id=run.id,
            instance_key=each.key,
            number=each.number,
            state="waiting" if why is None else "refused",
            says=why[:_SAYS_LIMIT] if why else None,
        )
        for each, why in items
    )
    return run.id


def waiting(tx: Session, run_id: int, limit: int) -> list[str]:
    """Keys of instances that are still to be moved."""
    wanted = select(MoveItem.instance_key).where(MoveItem.run_id == run_id, MoveItem.state == "waiting")
    return list(tx.scalars(wanted.order_by(MoveItem.instance_key).limit(limit)))


def settle(tx: Session, run_id: int, instance_key: str, state: str, says: str | None = None) -> None:
    """What became of an instance: moved, refused, gone."""
    change = update(MoveItem).where(MoveItem.run_id == run_id, MoveItem.instance_key == instance_key)
    tx.execute(change.values(state=state, says=says[:_SAYS_LIMIT] if says else None))


def end(tx: Session, run_id: int, now: datetime) -> None:
    """Nothing is left to do."""
    change = update(MoveRun).where(MoveRun.id == run_id, MoveRun.ended_at.is_(None))
    tx.execute(change.values(ended_at=now))


def get(tx: Session, run_id: int) -> MoveRun:
    """A run. Raises NotFound."""
    found = tx.get(MoveRun, run_id)
    if found is None:
        raise NotFound(f"没有迁移 {run_id}。 There is no migration {run_id}.")
    return found


def counts(tx: Session, run_id: int) -> Mapping[str, int]:
    """How many instances of a run are in each state; every state is there."""
    rows = tx.execute(
        select(MoveItem.state, func.count()).where(MoveItem.run_id == run_id).group_by(MoveItem.state)
    )
    return {"waiting": 0, "moved": 0, "refused": 0, "gone": 0} | dict(rows.all())


def items(tx: Session, run_id: int, limit: int) -> list[dict[str, Any]]:
    """What became of each instance; what was refused comes first."""
    rows = tx.scalars(
        select(MoveItem)
        .where(MoveItem.run_id == run_id)
        .order_by(MoveItem.state != "refused", MoveItem.state, MoveItem.instance_key)
        .limit(limit)
    )
    return [
        {"instance": row.instance_key, "number": row.number, "state": row.state, "says": row.says}
        for row in rows
    ]


def latest(tx: Session, limit: int = 10) -> list[MoveRun]:
    """The newest runs."""
    return list(tx.scalars(select(MoveRun).order_by(MoveRun.id.desc()).limit(limit)))
