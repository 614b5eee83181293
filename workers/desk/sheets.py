"""Tables of figures, said once for the page, the printed page, CSV and XLSX. Nothing of a customer can get into one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "count", "share", "change", "hours", "rate"]
"""`share`: 0 to 1; `change`: the same with its sign; `hours`: a length of time; `rate`: per million users."""


@dataclass(frozen=True)
class Column:
    """A column, Chinese first.

    Attributes:
        tone: how its numbers are coloured: `on-time`, `due-soon`, `overdue`, or nothing.
    """

    zh: str
    en: str
    kind: Kind = "text"
    tone: str = ""

    @property
    def head(self) -> str:
        """Both languages in one line."""
        return f"{self.zh} {self.en}"


@dataclass(frozen=True)
class Cell:
    """A value; None: nothing can be counted, or nobody knows.

    Attributes:
        en: the same word in English, where there is one.
        link: the cases behind it, or the part of the country that it names.
    """

    value: str | int | float | None
    en: str = ""
    link: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: as addresses say it.
        bars: (on time, due soon, overdue) of each row, to be drawn; empty: no picture.
        whole: how many rows there are, where only the first of them are here; 0: these are all.
    """

    name: str
    zh: str
    en: str
    columns: tuple[Column, ...]
    rows: list[list[Cell]]
    bars: list[tuple[int, int, int]] = field(default_factory=list)
    whole: int = 0


def shown(cell: Cell, kind: Kind) -> str:
    """A value as people read it; `–` where there is none."""
    value = cell.value
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if kind == "share":
        return f"{value:.1%}"
    if kind == "change":
        return f"{value:+.0%}"
    if kind in {"hours", "rate"}:
        return f"{value:,.1f}"
    return f"{value:,}"
