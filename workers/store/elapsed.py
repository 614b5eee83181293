"""The time between two instants as a number, in the words of both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class elapsed(FunctionElement[float]):  # noqa: N801  (a function of SQL)
    """`elapsed(earlier, later)`: seconds from one to the other, to the millisecond."""

    name = "elapsed"
    type = Float()
    inherit_cache = True


@compiles(elapsed, "sqlite")
def _sqlite(element: elapsed, compiler: SQLCompiler, **more: Any) -> str:
    earlier, later = (compiler.process(each, **more) for each in element.clauses)
    return (
        f"round((julianday({later}) - julianday({earlier})) * 86400.0, 3)"  # a day as a number is not exact
    )


@compiles(elapsed, "postgresql")
def _postgresql(element: elapsed, compiler: SQLCompiler, **more: Any) -> str:
    earlier, later = (compiler.process(each, **more) for each in element.clauses)
    return f"round(extract(epoch from ({later}) - ({earlier})), 3)"
