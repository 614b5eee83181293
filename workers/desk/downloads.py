"""Tables of the overview as files: CSV and XLSX that a spreadsheet opens as they are meant, and the picture.

What is text stays text: a name that begins like a formula is none (rule of every export: nobody's spreadsheet runs what
somebody else typed).
"""

from __future__ import annotations

import csv as csv_format
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import xlsxwriter
from fastapi.responses import Response

from workers.desk.looking import Looking
from workers.desk.services import House
from workers.desk.sheets import Cell, Kind, Sheet
from workers.desk.words import moment

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_FORMATS: Final[dict[Kind, str]] = {
    "count": "#,##0",
    "share": "0.0%",
    "change": "+0%;-0%;0%",
    "hours": "#,##0.0",
    "rate": "#,##0.00",
}
_BROADEST: Final = 40
"""Characters: no column of a workbook is broader."""


def facts(house: House, look: Looking, now: datetime) -> list[tuple[str, str]]:
    """What a file says of itself: who made it, of what, when."""
    return [
        ("单位 Operator", f"{house.organisation} {house.organisation_en}"),
        ("范围 Scope", " ".join(look.part.names.values()) or "全部 All"),
        ("时段 Period", f"{look.asked.first} – {look.asked.last}"),
        ("生成时间 Made at", f"{moment(now)} UTC+08:00"),
    ]


def csv(sheet: Sheet, look: Looking) -> Response:
    """One table. UTF-8 with the mark by which Excel knows it; shares are numbers from 0 to 1."""
    content = io.StringIO()
    writer = csv_format.writer(content, lineterminator="\r\n")
    writer.writerow([column.head for column in sheet.columns])
    writer.writerows([_plain(cell) for cell in row] for row in sheet.rows)
    return _file(
        content.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", look, f"-{sheet.name}.csv"
    )


def xlsx(sheets: Sequence[Sheet], about: Sequence[tuple[str, str]], look: Looking) -> Response:
    """All tables, each on a page of its own with its head kept in sight; numbers are numbers."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as book:
        formats = {kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter"})
        first = book.add_worksheet("说明 About")
        for at, (name, value) in enumerate(about):
            first.write_string(at, 0, name, head)
            first.write_string(at, 1, value)
        first.set_column(0, 0, 20)
        first.set_column(1, 1, 48)
        for sheet in sheets:
            _write(book.add_worksheet(f"{sheet.zh} {sheet.en}"[:31]), sheet, head, formats)
    return _file(content.getvalue(), _XLSX, look, ".xlsx")


def png(content: bytes, look: Looking) -> Response:
    """The picture."""
    return _file(content, "image/png", look, ".png")


def _write(page: Any, sheet: Sheet, head: Any, formats: dict[Kind, Any]) -> None:
    page.freeze_panes(1, 1)
    page.set_landscape()
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 0)
    page.repeat_rows(0)
    for at, column in enumerate(sheet.columns):
        page.write_string(0, at, column.head, head)
        broadest = max((len(str(row[at].value)) for row in sheet.rows), default=0)
        page.set_column(at, at, min(_BROADEST, max(12, 2 * broadest if column.kind == "text" else 0)))
    for line, row in enumerate(sheet.rows, 1):
        for at, (cell, column) in enumerate(zip(row, sheet.columns, strict=True)):
            if isinstance(cell.value, str):
                page.write_string(line, at, cell.value)
            elif cell.value is not None:
                page.write_number(line, at, cell.value, formats[column.kind])
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)


def _plain(cell: Cell) -> str | int | float:
    """A value for CSV. An apostrophe before what a spreadsheet would take for a formula."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _file(content: bytes, kind: str, look: Looking, end: str) -> Response:
    days = f"{look.asked.first:%Y%m%d}-{look.asked.last:%Y%m%d}"
    place = "".join(look.part.names.values())
    shown = quote(f"投诉督办-{place + '-' if place else ''}{days}{end}", safe="")
    plain = f"duban-{days}{end}"
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{shown}"
    return Response(content, media_type=kind, headers={"Content-Disposition": named})
