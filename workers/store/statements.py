"""Statements that both databases know but SQLAlchemy spells once per dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final, cast

from sqlalchemy import Table, bindparam, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from workers.store.database import Base
from workers.store.tables import Counter

_CHUNK: Final = 500
"""Bound values of one statement stay far under SQLite's 32,766."""


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in order, as many at a time as one statement takes."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


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
    columns = inspect(table).columns
    row = {columns[name].name: value for name, value in values.items()}
    statement = _insert_if_absent(tx.get_bind().dialect.name, table, tuple(key), tuple(row))
    return tx.execute(statement, row).first() is not None


@cache
def _insert_if_absent(dialect: str, table: type[Base], key: tuple[str, ...], names: tuple[str, ...]) -> Any:
    """Built once: building takes longer than a database takes to carry it out."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    statement = (
        insert(cast("Table", table.__table__)).values(values).on_conflict_do_nothing(index_elements=list(key))
    )
    return statement.returning(*table.__table__.primary_key)


def next_value(tx: Session, name: str) -> int:
    """The next number of the counter `name`, from 1, for this transaction alone."""
    dialect = postgresql if tx.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Counter).values(name=name, value=1)
    statement = statement.on_conflict_do_update(index_elements=["name"], set_={"value": Counter.value + 1})
    return int(tx.execute(statement.returning(Counter.value)).scalar_one())
