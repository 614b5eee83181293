"""Every row of a table of cases (complaints, incidents) has its number in `cases`: a trigger, on both databases."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Connection


def keep(table: str, kind: str) -> None:
    """From now on a new row of `table` puts its number into `cases`; those that are there are put in now.

    Args:
        table: has the primary key `number`.
        kind: what a number of this table is, e.g. `complaint`.
    """
    connection: Connection = op.get_bind()
    connection.exec_driver_sql(f"insert into cases (number, kind) select number, '{kind}' from {table}")  # noqa: S608  (our own words)
    statements = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    for statement in statements(table, kind):
        connection.exec_driver_sql(statement)


def _insert(kind: str) -> str:
    return f"insert into cases (number, kind) values (new.number, '{kind}')"  # noqa: S608  (our own word)


def _sqlite(table: str, kind: str) -> list[str]:
    return [f"create trigger {table}_case_number before insert on {table} begin {_insert(kind)}; end"]


def _postgresql(table: str, kind: str) -> list[str]:
    return [
        f"create function {table}_case_number() returns trigger language plpgsql as"
        f" $$ begin {_insert(kind)}; return new; end $$",
        f"create trigger {table}_case_number before insert on {table}"
        f" for each row execute function {table}_case_number()",
    ]
