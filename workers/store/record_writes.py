"""Writes what a batch of records changes: a few batched upserts, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import String, bindparam, delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from workers.store import completions, element_times, statements, task_offers
from workers.store.database import Base
from workers.store.record_tables import (
    DecisionRow,
    DecisionTables,
    Element,
    FormVersion,
    Incident,
    ProcessInstance,
    ProcessVariable,
    ProcessVersion,
    RecordPosition,
    Timer,
    UserTask,
)
from workers.store.statements import KEYS, insert_if_absent, insert_into, table_of
from workers.store.tables import Answer

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TABLES: Final[tuple[type[Base], ...]] = (
    ProcessVersion,
    FormVersion,
    DecisionTables,
    ProcessInstance,
    Element,
    ProcessVariable,
    UserTask,
    Timer,
    Incident,
    DecisionRow,
)


@dataclass
class _Row:
    values: dict[str, Any]
    changed: set[str]


@dataclass
class RecordChanges:
    """What a batch of records changes, each row once, however many records were about it."""

    rows: dict[type[Base], dict[str, _Row]] = field(default_factory=lambda: defaultdict(dict))
    completed_tasks: list[str] = field(default_factory=list)
    """Keys of user tasks that were completed: their answers are final."""
    relatives: set[str] = field(default_factory=set)
    """Keys of process instances that may inherit, or pass on, a complaint number."""

    def put(
        self, table: type[Base], key: str, values: Mapping[str, Any], only: Collection[str] | None = None
    ) -> None:
        """Adds what one record says about one row.

        Args:
            table: one of the record tables.
            key: primary key of the row.
            values: the whole row but its key, by column name: needed if the row is not there yet.
            only: the columns to change if the row is there already; None: all of them.
        """
        changed = set(values if only is None else only)
        rows = self.rows[table]
        row = rows.get(key)
        if row is None:
            rows[key] = _Row(dict(values), changed)
            return
        row.values.update({name: values[name] for name in changed})
        row.changed |= changed


_POSITIONS: Final = (
    select(RecordPosition.partition, RecordPosition.position, RecordPosition.recorded_at)
    .where(RecordPosition.partition.in_(bindparam("partitions", expanding=True)))
    .order_by(RecordPosition.partition)
    .with_for_update()
)
_SAVE: Final = (
    update(table_of(RecordPosition))
    .where(table_of(RecordPosition).c.partition == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("position", "recorded_at", "applied_at")})
)
"""Statements of every batch are built once: building them takes longer than carrying them out."""


def lock_positions(tx: Session, partitions: Iterable[int]) -> dict[int, tuple[int, datetime]]:
    """The last applied position and newest time stamp per partition; nobody else moves them until commit."""
    wanted = sorted(partitions)
    found = _locked(tx, wanted)
    for partition in wanted:  # in one order, so that two writers never wait for each other
        if partition not in found:
            insert_if_absent(
                tx, RecordPosition, ["partition"], partition=partition, position=0, recorded_at=NEVER
            )
    return found if len(found) == len(wanted) else _locked(tx, wanted)


def _locked(tx: Session, partitions: list[int]) -> dict[int, tuple[int, datetime]]:
    rows = tx.execute(_POSITIONS, {"partitions": partitions})
    return {partition: (position, recorded_at) for partition, position, recorded_at in rows}


def save_positions(
    tx: Session, positions: Mapping[int, tuple[int, datetime]], now: datetime | None = None
) -> None:
    """Notes how far the partitions were applied, and when. The rows must be locked (see `lock_positions`)."""
    for partition, (position, recorded_at) in positions.items():
        told = {"new_position": position, "new_recorded_at": recorded_at, "new_applied_at": now}
        tx.execute(_SAVE, {"of": partition, **told})


_FINAL: Final = update(table_of(Answer)).where(table_of(Answer).c.task_key.in_(KEYS)).values(is_final=True)
_FORGET: Final = delete(table_of(ProcessVariable)).where(table_of(ProcessVariable).c.scope_key.in_(KEYS))


def write(tx: Session, changes: RecordChanges) -> None:
    """Applies the changes of a batch. The caller's transaction decides whether they stay."""
    gone = _ended(changes, Element) + _ended(changes, ProcessInstance)
    _forget_variables(tx, changes, set(gone))
    for table in _TABLES:
        if changes.rows.get(table):
            _upsert(tx, table, changes.rows[table])
    element_times.add_ended(tx, _ended(changes, Element))
    named = _hand_down_numbers(tx, changes.relatives) | changes.relatives
    tasks = changes.rows.get(UserTask, {}).keys() | task_offers.tasks_of(tx, named)
    task_offers.refresh(tx, tasks)
    completions.by_record(tx, _ended_tasks(changes))
    for keys in statements.chunks(changes.completed_tasks):
        tx.execute(_FINAL, {"keys": keys})


def _ended_tasks(changes: RecordChanges) -> dict[str, tuple[str | None, datetime]]:
    rows = ((key, row.values) for key, row in changes.rows.get(UserTask, {}).items())
    return {key: (row["action"], row["ended_at"]) for key, row in rows if row["ended_at"] is not None}


def _ended(changes: RecordChanges, table: type[Element] | type[ProcessInstance]) -> list[str]:
    return [key for key, row in changes.rows.get(table, {}).items() if row.values["ended_at"] is not None]


def _forget_variables(tx: Session, changes: RecordChanges, gone: Collection[str]) -> None:
    """What an element or an instance had ends with it: only what is current is kept."""
    variables = changes.rows.get(ProcessVariable, {})
    for key in [key for key, row in variables.items() if row.values["scope_key"] in gone]:
        del variables[key]
    for keys in statements.chunks(gone):
        tx.execute(_FORGET, {"keys": keys})


def _upsert(tx: Session, model: type[Base], rows: Mapping[str, _Row]) -> None:
    key, limits = _shape(model)
    groups: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for identity, row in rows.items():
        groups[frozenset(row.changed)].append({key: identity, **_fit(row.values, limits)})
    dialect = tx.get_bind().dialect.name
    for changed, values in groups.items():
        tx.execute(_upsert_statement(dialect, model, changed), values)


@cache
def _shape(model: type[Base]) -> tuple[str, dict[str, int | None]]:
    """The name of the key, and the length that each text may have (Text is one too, with no length)."""
    table = table_of(model)
    (key,) = (column.name for column in table.primary_key)
    return key, {each.name: each.type.length for each in table.columns if isinstance(each.type, String)}


@cache
def _upsert_statement(dialect: str, model: type[Base], changed: frozenset[str]) -> Any:
    """Built once: for a batch that is small, building took longer than carrying it out."""
    insert = insert_into(dialect, model)
    columns = {name: insert.excluded[name] for name in sorted(changed)}
    return insert.on_conflict_do_update(index_elements=[_shape(model)[0]], set_=columns)


def _fit(values: Mapping[str, Any], limits: Mapping[str, int | None]) -> dict[str, Any]:
    """Text as every database takes it: PostgreSQL refuses NUL and what is longer than its column."""
    fitting = dict(values)
    for name, limit in limits.items():
        value = fitting.get(name)
        if isinstance(value, str):
            fitting[name] = (value.replace("\0", "") if "\0" in value else value)[:limit]
    return fitting


def _inheriting() -> Any:
    """Gives instances among, or called by, `keys` the number of their caller, where they have none and it has one."""
    parent = aliased(ProcessInstance)
    is_child = ProcessInstance.parent_key == parent.key
    inherited = select(parent.number).where(is_child).scalar_subquery()
    orphan = ProcessInstance.number.is_(None) & exists().where(is_child, parent.number.is_not(None))
    related = ProcessInstance.key.in_(KEYS) | ProcessInstance.parent_key.in_(KEYS)
    change = update(ProcessInstance).where(orphan, related).values(number=inherited)
    return change.returning(ProcessInstance.key).execution_options(synchronize_session=False)


_INHERIT: Final = _inheriting()


def _hand_down_numbers(tx: Session, relatives: Collection[str]) -> set[str]:
    """Called processes inherit the number of their caller, however deep, whichever record came first.

    Returns:
        Keys of the instances that got a number.
    """
    everyone: set[str] = set()
    generation = list(relatives)
    while generation:
        named: list[str] = []
        for keys in statements.chunks(generation):
            named += tx.scalars(_INHERIT, {"keys": keys})
        generation = named
        everyone.update(named)
    return everyone
