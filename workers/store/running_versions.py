"""What is deployed in which version, how much of it runs, and which timers fire next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.store.record_tables import (
    DecisionTables,
    Element,
    FormVersion,
    ProcessInstance,
    ProcessVersion,
    Timer,
)
from workers.store.stuck import newest_names


def processes(tx: Session) -> list[dict[str, Any]]:
    """Every version of every process, by process id, the newest first: how many of its instances run."""
    running = dict(
        tx.execute(
            select(ProcessInstance.definition_key, func.count())
            .where(ProcessInstance.state == "active")
            .group_by(ProcessInstance.definition_key)
        ).all()
    )
    names = newest_names(tx)
    rows = tx.execute(
        select(
            ProcessVersion.process_id,
            ProcessVersion.version,
            ProcessVersion.definition_key,
            ProcessVersion.deployed_at,
        ).order_by(ProcessVersion.process_id, ProcessVersion.version.desc())
    )
    found: list[dict[str, Any]] = []
    for process_id, version, key, deployed_at in rows:
        is_newest = not found or found[-1]["process"] != process_id
        found.append(
            {
                "process": process_id,
                "name": names.get(process_id, {}).get(process_id, process_id),
                "version": version,
                "key": key,
                "deployed_at": deployed_at,
                "running": running.get(key, 0),
                "is_newest": is_newest,
            }
        )
    return found


def decisions(tx: Session) -> list[dict[str, Any]]:
    """The newest version of every decision file and form."""
    tables = tx.execute(
        select(DecisionTables.resource_name, DecisionTables.version, DecisionTables.deployed_at).order_by(
            DecisionTables.deployed_at, DecisionTables.requirements_key
        )
    )
    forms = tx.execute(
        select(FormVersion.form_id, FormVersion.version, FormVersion.deployed_at).order_by(
            FormVersion.version
        )
    )
    newest = {("decision", name): (version, at) for name, version, at in tables}
    newest |= {("form", name): (version, at) for name, version, at in forms}
    return [
        {"kind": kind, "name": name, "version": version, "deployed_at": at}
        for (kind, name), (version, at) in sorted(newest.items())
    ]


def next_timers(
    tx: Session, now: datetime, *, number: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Timers that wait, the one due first comes first, of running instances only."""
    rows = (
        select(Timer, ProcessInstance)
        .outerjoin(ProcessInstance, ProcessInstance.key == Timer.process_instance_key)
        .where(Timer.state == "waiting")
        .order_by(Timer.due_at, Timer.key)
        .limit(limit)
    )
    if number:
        rows = rows.where(ProcessInstance.number == number)
    names = newest_names(tx)
    return [
        {
            "key": timer.key,
            "number": instance.number if instance else None,
            "process": instance.process_id if instance else None,
            "process_name": _label(names, instance, instance.process_id) if instance else None,
            "element": timer.element_id,
            "name": _label(names, instance, timer.element_id),
            "due_at": timer.due_at,
            "is_late": timer.due_at <= now,
        }
        for timer, instance in tx.execute(rows)
    ]


def count_timers(tx: Session, before: datetime) -> tuple[int, int]:
    """How many timers wait, and how many of them should have fired before this instant."""
    waiting = select(func.count()).where(Timer.state == "waiting")
    return tx.scalar(waiting) or 0, tx.scalar(waiting.where(Timer.due_at < before)) or 0


def active_elements(tx: Session, instance_keys: list[str]) -> dict[str, list[tuple[str, str]]]:
    """(element id, element type) of everything that is active in these instances, by instance."""
    found: dict[str, list[tuple[str, str]]] = {key: [] for key in instance_keys}
    rows = select(Element.process_instance_key, Element.element_id, Element.element_type)
    for start in range(0, len(instance_keys), 500):
        keys = instance_keys[start : start + 500]
        some = rows.where(Element.process_instance_key.in_(keys), Element.state == "active")
        for key, element_id, kind in tx.execute(some):
            found[key].append((element_id, kind))
    return found


def _label(names: dict[str, dict[str, str]], instance: ProcessInstance | None, element_id: str) -> str:
    return names.get(instance.process_id, {}).get(element_id, element_id) if instance else element_id
