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


def let_anonymise_timeline() -> None:
    """One narrow way around for the timeline (rule C10): the facts of an entry may be replaced once, by facts
    that say `anonymised`, and only when the complaint's own row is anonymised.
    """
    was, becomes = "old.facts->>'anonymised' is null", "new.facts->>'anonymised' = 'true'"
    if op.get_bind().dialect.name != "postgresql":
        was = "json_extract(old.facts, '$.anonymised') is null"
        becomes = "json_extract(new.facts, '$.anonymised') = 1"
    _let_anonymise("timeline", ("id", "number", "at", "who", "code", "dedupe_key"), f"{was} and {becomes}")


def let_anonymise_marks() -> None:
    """The same for the grounds of a mark."""
    _let_anonymise("marks", ("id", "number", "kind", "is_set", '"by"', "at"), "new.grounds = '[已匿名]'")


def _let_anonymise(table: str, kept: tuple[str, ...], replaced: str) -> None:
    """Every other UPDATE and every DELETE stays refused."""
    connection: Connection = op.get_bind()
    same = " and ".join(f"new.{name} = old.{name}" for name in kept)
    gone = "exists (select 1 from complaints c where c.number = old.number and c.anonymised_at is not null)"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"create or replace function {table}_append_only() returns trigger language plpgsql as $$ begin"
            f" if tg_op = 'UPDATE' then if coalesce({same} and {replaced} and {gone}, false) then return new; end if;"
            f" end if; raise exception '{table} is append-only'; end $$"
        )
        return
    connection.exec_driver_sql(f"drop trigger {table}_append_only_update")
    connection.exec_driver_sql(
        f"create trigger {table}_append_only_update before update on {table}"
        f" when coalesce({same} and {replaced} and {gone}, 0) = 0"
        f" begin select raise(abort, '{table} is append-only'); end"
    )
