"""A store as it is after years: one complaint that really went all the way, with every row that it left, many times.

`growth.json` holds these rows, and the jobs that the engine asked for on the way; both were kept from a run of
`duban bench --folder DIR` (`python -m tests.store.grown DIR`).
"""

# ruff: noqa: S608 - the statements are put together from our own names of tables and columns
from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, DateTime, Table, insert, select, text

from workers.engine.jobs import Job
from workers.store import schema
from workers.store.database import Base, Database, Instant
from workers.store.record_tables import ProcessInstance
from workers.store.tables import Complaint

FILE = Path(__file__).parent / "growth.json"
NUMBER = "TS20000101-000000"
"""What the complaint is called here: no number that a day gives out."""
MINUTES_BETWEEN = 10
OF_CASE = ("complaints", "deadlines", "engine_requests", "outbox", "timeline")
OF_INSTANCE = ("process_instances", "elements", "user_tasks", "timers")
"""Tables whose rows are one complaint's, in the order of their foreign keys; a trigger makes the row of `cases`."""
KEYS = {"key", "process_instance_key", "scope_key", "parent_key", "element_key"}
UNIQUE = {"progress_key", "external_ref", "submission", "customer_key", "customer_no", "customer_phone"}
CITIES = 300


def told() -> dict[str, Any]:
    """What was kept."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def grow(database: Database, complaints: int, *, since: int = 0, without: Collection[str] = ()) -> None:
    """Adds complaints number `since` to `since + complaints`, each with all its rows; then gathers statistics."""
    kept = told()
    tables = [name for name in (*OF_CASE, *OF_INSTANCE) if name not in without]
    with database.begin() as tx:
        if since == 0:
            for name in tables:
                table = Base.metadata.tables[name]
                tx.execute(insert(table), [_read(table, row) for row in kept["rows"][name]])
        for name in tables:
            tx.execute(text(_copies(database, Base.metadata.tables[name], kept["number"], since, complaints)))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("analyze" if database.is_sqlite else "vacuum analyze"))


def _copies(database: Database, table: Table, number: str, since: int, count: int) -> str:
    columns = [each for each in table.columns if not (each.primary_key and each.autoincrement is True)]
    first, last = since + 1, since + count
    series = f"(select value as i from generate_series({first}, {last}) as value)"
    if database.is_sqlite:
        counted = f"select {first} union all select i + 1 from s where i < {last}"
        series = f"(with recursive s(i) as ({counted}) select i from s)"
    seed = f"t.number = '{number}'"
    if table.name in OF_INSTANCE:
        key = "key" if table.name == "process_instances" else "process_instance_key"
        seed = f"t.{key} in (select key from process_instances where number = '{number}')"
    names = ", ".join(f'"{each.name}"' for each in columns)
    values = ", ".join(_value(database, each, number) for each in columns)
    return f"insert into {table.name} ({names}) select {values} from {table.name} t cross join {series} n where {seed}"


def _value(database: Database, column: Column[Any], number: str) -> str:
    """What a copy has in this column."""
    name = f't."{column.name}"'
    if isinstance(column.type, Instant | DateTime):
        if database.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000', {name}, '-' || (n.i * {MINUTES_BETWEEN}) || ' minutes')"
        return f"{name} - make_interval(mins => (n.i * {MINUTES_BETWEEN})::int)"
    if column.name == "city":
        return f"'城' || (n.i % {CITIES}) || '市'"
    if column.name in KEYS | UNIQUE:
        return f"{name} || '-' || n.i"
    is_text = column.type.python_type is str
    if is_text:
        return f"replace({name}, '{number}', 'TS2000-' || n.i)"
    return name


def _read(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: datetime.fromisoformat(value)
        if value is not None and isinstance(table.columns[name].type, Instant)
        else value
        for name, value in row.items()
        if not (table.columns[name].primary_key and table.columns[name].autoincrement is True)
    }


def jobs(number: str, since: str) -> Iterator[Job]:
    """The jobs of one complaint, as the engine would ask for them for a complaint of this number.

    Args:
        since: makes the keys of its instances its own.
    """
    kept = told()
    for index, each in enumerate(kept["jobs"]):
        mine = json.loads(json.dumps(each["variables"]).replace(kept["number"], number))
        job = Job(**{**each, "variables": mine})
        yield replace(
            job,
            key=int(since) * 1000 + index,
            process_instance_key=f"{job.process_instance_key}-walked-{since}",
            element_instance_key=f"{job.element_instance_key}-walked-{since}",
        )


def keep(folder: Path) -> None:
    """Writes `growth.json` from the folder of a run of `duban bench`."""
    recorded = json.loads((folder / "answers.json").read_text(encoding="utf-8"))["jobs"]
    number = recorded[0]["variables"]["number"]
    database = Database.in_folder(folder / "data")
    with database.read() as tx:
        instances = tx.scalars(select(ProcessInstance.key).where(ProcessInstance.number == number)).all()
        assert tx.get_one(Complaint, number).closed_at is not None, f"{number} is not closed"
        rows: dict[str, list[dict[str, Any]]] = {}
        for name in (*OF_CASE, *OF_INSTANCE):
            table = Base.metadata.tables[name]
            key = "key" if name == "process_instances" else "process_instance_key"
            mine = table.c.number == number if name in OF_CASE else table.c[key].in_(instances)
            rows[name] = [dict(row) for row in tx.execute(select(table).where(mine)).mappings()]
    database.close()
    kept = json.dumps(
        {"number": number, "jobs": recorded, "rows": rows}, ensure_ascii=False, default=_written
    )
    FILE.write_text(kept.replace(number, NUMBER) + "\n", encoding="utf-8")


def _written(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


if __name__ == "__main__":
    schema.head()
    keep(Path(sys.argv[1]))
