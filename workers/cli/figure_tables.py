"""Figures and suggestions on a terminal, Chinese first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workers.cli.tables import plain

HEADS: Final = {
    "month": "月份",
    "week": "周（周一）",
    "day": "日期",
    "category": "类别",
    "product": "产品",
    "province": "省",
    "city": "市",
    "branch": "分公司",
    "owner": "责任人",
    "owner_group": "责任组",
    "policy": "规定",
    "channel": "渠道",
    "cause_code": "原因",
    "complaints": "投诉",
    "cases": "事项",
    "missed": "超时",
    "on_time": "按时率",
    "satisfaction": "满意率",
    "solved": "解决率",
    "recurrence": "重复率",
    "reopened": "重启",
    "median_hours": "办理时长中位数（小时）",
    "before": "上期",
    "growth": "增长",
    "peak_on": "最多一天",
    "peak": "当天",
    "users": "用户数",
    "per_million": "每百万用户",
    "id": "编号",
    "status": "状态",
    "text": "建议",
    "number": "来源",
    "by": "提出人",
    "at": "时间",
    "reason": "理由",
}
"""Column of a report -> what people call it."""

SHARES: Final = frozenset({"on_time", "satisfaction", "solved", "recurrence", "growth", "reopened_share"})
MEASURES: Final = (
    *("complaints", "cases", "on_time", "missed", "satisfaction", "solved", "recurrence", "reopened"),
    "median_hours",
)
_SPOT: Final = (
    *("category", "product", "province", "city", "branch"),
    *("complaints", "before", "growth", "peak_on", "peak"),
)
_SHOWN: Final = 10


def print_figures(report: Mapping[str, Any]) -> None:
    """The figures, the hot spots, the rates and what could not be counted."""
    console = Console()
    total, rows = report["total"], report["rows"]
    if total is None:
        console.print(f"{report['from']} – {report['to']}：没有投诉 · no complaints")
    else:
        keys = [name for name in rows[0] if name not in total]
        whole = {**dict.fromkeys(keys), **total, keys[0]: "合计 total"}
        title = f"投诉统计 figures {report['from']} – {report['to']}"
        console.print(_table(title, [*keys, *MEASURES], [*rows, whole], report["words"]))
    for title, columns, found in (
        ("热点 hot spots", _SPOT, report["hot_spots"][:_SHOWN]),
        ("原因 causes", ["month", "cause_code", "complaints"], report["causes"]),
        (
            "百万用户投诉率 complaints per million users",
            ["month", "province", "city", "complaints", "users", "per_million"],
            report["complaint_rate"],
        ),
    ):
        if found:
            console.print(_table(title, columns, found, report["words"]))
    for note in report["notes"]:
        console.print(Text(f"· {note}", style="dim"))


def print_suggestions(found: Sequence[Mapping[str, Any]]) -> None:
    """Suggestions, newest first as they come."""
    if not found:
        Console().print("没有建议 · no suggestions")
        return
    columns = ["id", "status", "text", "number", "owner_group", "by", "at", "reason"]
    Console().print(_table("改进建议 suggestions", columns, found, {}))


def shown(column: str, value: Any, words: Mapping[str, Mapping[str, str]]) -> str:
    """A value of a report as people read it."""
    if value is None:
        return "–"
    if column in SHARES and isinstance(value, int | float):
        return f"{value:+.0%}" if column == "growth" else f"{value:.1%}"
    if isinstance(value, int | float):
        return f"{value:,}"
    return words.get(column, {}).get(value, str(value))


def _table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    words: Mapping[str, Mapping[str, str]],
) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="dim")
    for column in columns:
        is_number = any(isinstance(row[column], int | float) for row in rows)
        table.add_column(HEADS.get(column, column), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(plain(shown(column, row[column], words)) for column in columns))
    return table
