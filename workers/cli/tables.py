"""What people see on a terminal: the case, the tasks and the stuck work, Chinese first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_ZONE = ZoneInfo("Asia/Shanghai")
_WHOLE = frozenset({"task", "number", "key", "at", "due_at", "since"})
"""Columns that people copy from, or that say nothing in halves."""
_REGION = ("province", "city", "branch")


def print_case(case: Mapping[str, Any]) -> None:
    """The whole case on one screen."""
    owner = case.get("owner") or {}
    head = Table.grid(padding=(0, 2))
    for label, value in (
        ("状态 status", case.get("status")),
        ("类别 category", case.get("category")),
        ("级别 priority", case.get("priority")),
        ("责任人 owner", " · ".join(str(part) for part in (owner.get("person"), owner.get("group")) if part)),
        ("层级 tier", case.get("tier")),
        ("渠道 channel", case.get("channel")),
        ("满意度 satisfaction", case.get("satisfaction")),
    ):
        head.add_row(Text(label, style="dim"), plain(value))
    parts: list[Any] = [head]
    parts += section("时限 deadlines", ("kind", "due_at", "met_at", "missed"), case.get("deadlines"))
    parts += section("待办 tasks", ("name", "task", "groups", "due_at"), case.get("tasks"))
    if appeal := case.get("appeal"):
        shown = ("number", "status", "filed_at", "finding", "outcome")
        parts += section("申诉 appeal", shown, [appeal])
    parts += section("证据 evidence", ("name", "kind", "size", "added_by", "at"), case.get("evidence"))
    parts += section("标记 marks", ("mark", "is_set", "by", "at"), case.get("marks"))
    parts += section("经过 timeline", ("at", "who", "what"), case.get("timeline"))
    parts += section("消息 messages", ("at", "event", "channel", "to", "status"), case.get("messages"))
    Console().print(Panel(Group(*parts), title=plain(case.get("number")), title_align="left"))


def print_tasks(tasks: Sequence[Mapping[str, Any]]) -> None:
    """Open tasks, the most urgent first as they come."""
    if not tasks:
        Console().print("没有待办任务 · no open tasks")
        return
    table = _table(("task", "name", "number", "due_at"))
    for task in tasks:
        asked = " ".join(f"{each['key']}{'*' if each['required'] else ''}" for each in task["fields"])
        what = plain(task["name"])
        what.append(f"\n{' '.join(task['groups'])}" + (f"\n{asked}" if asked else ""), style="dim")
        table.add_row(plain(task["task"]), what, plain(task["number"]), plain(task["due_at"]))
    Console().print(table)


def print_evidence(evidence: Sequence[Mapping[str, Any]]) -> None:
    """The files of a case."""
    if not evidence:
        Console().print("没有证据 · no evidence")
        return
    columns = ("sha256", "name", "kind", "media_type", "size", "added_by", "at")
    for parts in section("证据 evidence", columns, evidence):
        Console().print(parts)


def print_found(complaints: Sequence[Mapping[str, Any]]) -> None:
    """Complaints that were looked for."""
    if not complaints:
        Console().print("没有找到投诉 · no complaint found")
        return
    rows = [{**each, **each["customer"]} for each in complaints]
    columns = ("number", "status", "category", "name", "phone", "received_at", "closed_at")
    for parts in section("投诉 complaints", columns, rows):
        Console().print(parts)


def print_retention(found: Mapping[str, Any]) -> None:
    """What has been kept long enough by policy and month; of a run, how far it is."""
    console = Console()
    if not found["expired"] and not found.get("events"):
        console.print("没有到期档案 · nothing has been kept long enough")
    for parts in section("到期档案 kept long enough", ("policy", "month", "count"), found["by_month"]):
        console.print(parts)
    if events := found.get("events"):
        console.print(f"到期事件 events kept long enough: {events}")
    if "number" in found:
        columns = ("number", "state", "expired", "anonymised", "kept")
        for parts in section("匿名化 anonymising", columns, [found]):
            console.print(parts)


def print_users(users: Sequence[Mapping[str, Any]]) -> None:
    """The accounts."""
    if not users:
        Console().print("没有账号 · no accounts: `duban users add USERNAME` makes one")
        return
    rows = [{**each, "region": " ".join(filter(None, (each[part] for part in _REGION)))} for each in users]
    for parts in section(
        "账号 accounts", ("username", "name", "groups", "region", "state", "signed_in_at"), rows
    ):
        Console().print(parts)


def print_tokens(tokens: Sequence[Mapping[str, Any]]) -> None:
    """The tokens of other systems."""
    if not tokens:
        Console().print("没有令牌 · no tokens: `duban tokens add NAME --scope …` makes one")
        return
    rows = [{**each, "region": " ".join(filter(None, (each[part] for part in _REGION)))} for each in tokens]
    shown = ("name", "state", "scopes", "as", "region", "expires_at", "used_at")
    for parts in section("令牌 tokens", shown, rows):
        Console().print(parts)


def print_incidents(incidents: Sequence[Mapping[str, Any]]) -> None:
    """Stuck work with its cause."""
    if not incidents:
        Console().print("没有卡住的工作 · nothing is stuck")
        return
    for parts in section("卡住的工作 stuck work", ("key", "number", "name", "cause", "since"), incidents):
        Console().print(parts)


def section(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]] | None) -> list[Any]:
    if not rows:
        return []
    table = _table(columns)
    for row in rows:
        table.add_row(*(plain(row.get(column)) for column in columns))
    return [Text(), Text(title, style="bold"), table]


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE)
    return table


def plain(value: Any) -> Text:
    """Plain text of a JSON value; never markup, never a control character that a terminal would obey."""
    if isinstance(value, bool):
        return Text("是 yes" if value else "否 no")
    if value is None:
        return Text("–", style="dim")
    if isinstance(value, list):
        return Text(", ".join(str(each) for each in value) or "–")
    return Text("".join(letter for letter in _moment(str(value)) if letter.isprintable()))


def _moment(value: str) -> str:
    """An instant as people read it; anything else as it is."""
    if len(value) < 16 or value[4:5] != "-" or value[10:11] != "T":
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{moment.astimezone(_ZONE):%m-%d %H:%M}" if moment.tzinfo else value


def print_events(events: Sequence[Mapping[str, Any]]) -> None:
    """Open events, the newest first."""
    if not events:
        Console().print("没有进行中的事件 · no open events")
        return
    table = _table(("number", "kind", "status", "tier", "owner", "complaint_count", "declared_at"))
    for event in events:
        owner = (event.get("owner") or {}).get("person")
        shown = {**event, "owner": owner}
        columns = ("number", "kind", "status", "tier", "owner", "complaint_count", "declared_at")
        table.add_row(*(plain(shown[column]) for column in columns))
    Console().print(table)


def print_event(event: Mapping[str, Any]) -> None:
    """The whole event on one screen."""
    owner = event.get("owner") or {}
    head = Table.grid(padding=(0, 2))
    for label, value in (
        ("类型 kind", event.get("kind")),
        ("状态 status", event.get("status")),
        ("层级 tier", event.get("tier")),
        ("依据 reason", event.get("reason")),
        ("责任人 owner", " · ".join(str(part) for part in (owner.get("person"), owner.get("group")) if part)),
        ("投诉 complaints", event.get("complaint_count")),
    ):
        head.add_row(Text(label, style="dim"), plain(value))
    parts: list[Any] = [head]
    parts += section(
        "报告 reports", ("kind", "due_at", "submitted_at", "overdue", "lapsed"), event.get("reports")
    )
    parts += section("待办 tasks", ("name", "task", "groups", "due_at"), event.get("tasks"))
    parts += section("经过 timeline", ("at", "who", "what"), event.get("timeline"))
    parts += section("消息 messages", ("at", "event", "channel", "to", "status"), event.get("messages"))
    Console().print(Panel(Group(*parts), title=plain(event.get("number")), title_align="left"))
