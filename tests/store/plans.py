"""How PostgreSQL carries out the queries of something that is done: every query that it makes, not a list by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from workers.store.database import Database

LARGE = 2_500
"""Rows of a table that should not be read from end to end."""


@dataclass
class Query:
    """One query, and how often it was made."""

    statement: str
    parameters: Any
    times: int = 1


def queries(database: Database, act: Callable[[], object]) -> list[Query]:
    """Every different SELECT (and UPDATE) that `act` makes, with the parameters of its first time."""
    found: dict[str, Query] = {}

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if many or not re.match(r"\s*(select|update|with)\b", statement, re.IGNORECASE):
            return
        if statement in found:
            found[statement].times += 1
        else:
            found[statement] = Query(statement, parameters)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return list(found.values())


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan that reads a table or an index."""
    if "Relation Name" in plan or "Index Name" in plan:
        yield plan
    for inner in plan.get("Plans", ()):
        yield from scans(inner)


def explained(database: Database, query: Query) -> dict[str, Any]:
    """PostgreSQL's plan, carried out in a transaction that is rolled back."""
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(f"explain (analyze, format json) {query.statement}", query.parameters)
        row = cursor.fetchone()
        assert row is not None
        told: dict[str, Any] = row[0][0]
        return told
    finally:
        connection.rollback()
        connection.close()


def long_scans(database: Database, act: Callable[[], object]) -> list[str]:
    """The tables that a query of `act` reads from end to end although they are large."""
    found = []
    for query in queries(database, act):
        for node in scans(explained(database, query)["Plan"]):
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            if node["Node Type"] == "Seq Scan" and rows >= LARGE:
                found.append(f"{node['Relation Name']}: {query.statement[:200]}")
    return found


def plans(database: Database, act: Callable[[], object]) -> list[str]:
    """A line per query: how often, its time, how each table is reached; the slowest first."""
    lines = []
    for query in queries(database, act):
        told = explained(database, query)
        how = ", ".join(
            dict.fromkeys(
                f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name')}"
                for node in scans(told["Plan"])
            )
        )
        line = f"| {_what(query.statement)} | {query.times} | {how} |"
        lines.append((told["Execution Time"], line))
    return [f"{line} {ms:.2f} |" for ms, line in sorted(lines, key=lambda each: -each[0])]


def _what(statement: str) -> str:
    """Verb, table, and what it is found by: enough to know the query again."""
    said = " ".join(statement.split())
    table = re.search(r"\b(?:from|update)\s+(?!select\b)([a-z_]+)", said, re.IGNORECASE)
    where = re.search(r" where (.*)", said, re.IGNORECASE)
    columns = re.findall(r"\b[a-z_]+\.([a-z_]+)", where.group(1)) if where else []
    verb = said.split(" ", 1)[0].lower()
    by = ", ".join(dict.fromkeys(columns))
    return f"{verb} {table.group(1) if table else '-'}" + (f" by {by}" if by else "")
