"""Tables whose rows can't be changed or removed: triggers, in the words of both databases."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Connection


def protect(table: str) -> None:
    """Refuses every UPDATE and DELETE (and TRUNCATE) of the table, whoever sends it."""
    connection: Connection = op.get_bind()
    for statement in _postgresql(table) if connection.dialect.name == "postgresql" else _sqlite(table):
        connection.exec_driver_sql(statement)


def _sqlite(table: str) -> list[str]:
    return [
        f"create trigger {table}_append_only_{deed} before {deed} on {table}"
        f" begin select raise(abort, '{table} is append-only'); end"
        for deed in ("update", "delete")
    ]


def _postgresql(table: str) -> list[str]:
    return [
        f"create function {table}_append_only() returns trigger language plpgsql as"
        f" $$ begin raise exception '{table} is append-only'; end $$",
        f"create trigger {table}_append_only_rows before update or delete on {table}"
        f" for each row execute function {table}_append_only()",
        f"create trigger {table}_append_only_whole before truncate on {table}"
        f" for each statement execute function {table}_append_only()",
    ]
