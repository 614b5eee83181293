"""What the engine has, as far as its records tell: the newest of every process, decision file and form."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workers.store.record_tables import DecisionTables, FormVersion, ProcessInstance, ProcessVersion


@dataclass(frozen=True)
class Known:
    """A file that the engine has.

    Attributes:
        kind: process, decision or form.
        id: of a process or form; of a decision file its name.
        file: its name; None for a form that was deployed before this was kept.
        checksum: of its content, as the engine writes it; None likewise, of forms and decisions.
    """

    kind: str
    id: str
    file: str | None
    version: int | None
    checksum: str | None


def newest(tx: Session) -> list[Known]:
    """The newest version of everything."""
    found: dict[tuple[str, str], Known] = {}
    processes = select(
        ProcessVersion.process_id,
        ProcessVersion.resource_name,
        ProcessVersion.version,
        ProcessVersion.checksum,
    ).order_by(ProcessVersion.version)
    found |= {("process", row[0]): Known("process", *row) for row in tx.execute(processes)}
    tables = select(DecisionTables.resource_name, DecisionTables.version, DecisionTables.checksum).order_by(
        DecisionTables.deployed_at, DecisionTables.version
    )
    found |= {("decision", row[0]): Known("decision", row[0], *row) for row in tx.execute(tables)}
    forms = select(
        FormVersion.form_id, FormVersion.resource_name, FormVersion.version, FormVersion.checksum
    ).order_by(FormVersion.version)
    found |= {("form", row[0]): Known("form", *row) for row in tx.execute(forms)}
    return list(found.values())


def running(tx: Session) -> dict[str, dict[int, int]]:
    """How many instances run, by process id and version; only where some do, the newest version first."""
    rows = tx.execute(
        select(ProcessVersion.process_id, ProcessVersion.version, func.count())
        .join(ProcessInstance, ProcessInstance.definition_key == ProcessVersion.definition_key)
        .where(ProcessInstance.state == "active")
        .group_by(ProcessVersion.process_id, ProcessVersion.version)
        .order_by(ProcessVersion.process_id, ProcessVersion.version.desc())
    )
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for process_id, version, count in rows:
        found[process_id][version] = count
    return dict(found)


def has_versions(tx: Session, wanted: dict[str, int]) -> bool:
    """The records have told of these versions, by process id."""
    rows = tx.execute(
        select(ProcessVersion.process_id, func.max(ProcessVersion.version))
        .where(ProcessVersion.process_id.in_(wanted))
        .group_by(ProcessVersion.process_id)
    )
    seen = {row[0]: row[1] for row in rows}
    return all(seen.get(id_, 0) >= version for id_, version in wanted.items())
