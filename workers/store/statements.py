"""Statements that both databases know but SQLAlchemy spells once per dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import CursorResult, String, Table, bindparam, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from workers.store.database import Base
from workers.store.tables import Counter

KEYS: Final = bindparam("keys", expanding=True, type_=String)
"""A list in a statement that is built once: `.in_(KEYS)`, carried out with `{"keys": […]}`."""
_CHUNK: Final = 500
"""Bound values of one statement stay far under SQLite's 32,766."""


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in order, as many at a time as one statement takes."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def table_of(model: type[Base]) -> Table:
    """The table behind a mapped class. A statement on it is carried out without the ORM: half the time, and objects
    that the session has already are not brought up to date."""
    return cast("Table", model.__table__)


def insert_into(dialect: str, model: type[Base]) -> Any:
    """An insert into a class's table that knows `on_conflict_do_…`, as this dialect spells it."""
    return (postgresql if dialect == "postgresql" else sqlite).insert(table_of(model))


def insert_if_absent(tx: Session, table: type[Base], key: list[str], **values: Any) -> bool:
    """Inserts a row unless one with the same key is there; the line on which idempotency rests.

    When another transaction is inserting the same key right now, this waits for its end.

    Args:
        key: columns of a unique constraint, or of the primary key.
        values: the row, by attribute.

    Returns:
        True if the row is new.
    """
    tx.flush()
    statement, columns = _insert_if_absent(tx.get_bind().dialect.name, table, tuple(key), tuple(values))
    row = dict(zip(columns, values.values(), strict=True))
    return cast("CursorResult[Any]", tx.execute(statement, row)).rowcount == 1


@cache
def _insert_if_absent(
    dialect: str, model: type[Base], key: tuple[str, ...], names: tuple[str, ...]
) -> tuple[Any, tuple[str, ...]]:
    """The statement, and the columns of the attributes `names`. Built once: building takes longer than a database
    takes to carry it out."""
    mapped = inspect(model).columns
    columns = tuple(mapped[name].name for name in names)
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    statement = insert_into(dialect, model).values(values).on_conflict_do_nothing(index_elements=list(key))
    return statement.inline().execution_options(preserve_rowcount=True), columns


@cache
def _next_value(dialect: str) -> Any:
    value = table_of(Counter).c.value
    insert = insert_into(dialect, Counter).values(name=bindparam("of"), value=1)
    return insert.on_conflict_do_update(index_elements=["name"], set_={"value": value + 1}).returning(value)


def next_value(tx: Session, name: str) -> int:
    """The next number of the counter `name`, from 1, for this transaction alone."""
    return int(tx.execute(_next_value(tx.get_bind().dialect.name), {"of": name}).scalar_one())
