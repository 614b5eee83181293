"""A complaint's next deadline stands in its own row: triggers on `deadlines`, in the words of both databases.

Lists ask for what is due first among a hundred thousand complaints, and the overview counts what is late: an index
answers that only where the instant is a column. Whoever writes a deadline has locked the complaint before
(`workers.store.complaints.get`), so that the update waits for nobody.
"""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import Connection

_NEXT: Final = "(select min(d.due_at) from deadlines d where d.number = {number} and d.met_at is null)"
_SET: Final = f"update complaints set next_due_at = {_NEXT} where number = {{number}}"  # noqa: S608  (our own words)


def keep() -> None:
    """From now on `complaints.next_due_at` follows `deadlines`; that of the rows there are is set now."""
    connection: Connection = op.get_bind()
    connection.exec_driver_sql(
        f"update complaints set next_due_at = {_NEXT.format(number='complaints.number')}"  # noqa: S608
    )
    statements = _postgresql if connection.dialect.name == "postgresql" else _sqlite
    for statement in statements():
        connection.exec_driver_sql(statement)


def _sqlite() -> list[str]:
    return [
        f"create trigger deadlines_next_due_{name} after {deed} on deadlines"
        f" begin {_SET.format(number=f'{row}.number')}; end"
        for name, deed, row in (
            ("insert", "insert", "new"),
            ("update", "update of due_at, met_at", "new"),
            ("delete", "delete", "old"),
        )
    ]


def _postgresql() -> list[str]:
    return [
        "create function deadlines_next_due() returns trigger language plpgsql as $$ begin"
        f" {_SET.format(number='coalesce(new.number, old.number)')}; return null; end $$",
        "create trigger deadlines_next_due after insert or delete or update of due_at, met_at on deadlines"
        " for each row execute function deadlines_next_due()",
    ]
