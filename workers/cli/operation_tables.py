"""What operations see on a terminal, Chinese first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from workers.cli.tables import section

Rows = Sequence[Mapping[str, Any]]


def print_causes(causes: Rows) -> None:
    """Stuck work by cause."""
    rows = [{**each, "why": each["why"]["zh"]} for each in causes]
    _show(
        "原因 causes",
        ("cause_id", "count", "name", "why", "cause", "since"),
        rows,
        "没有卡住的工作 nothing is stuck",
    )


def print_outbox(found: Mapping[str, Any]) -> None:
    """Messages that were given up or are owed."""
    counts = " · ".join(f"{word} {count}" for word, count in found["counts"].items())
    Console().print(f"消息 messages: {counts}")
    columns = ("id", "number", "event", "channel", "to", "attempts", "error", "created_at", "next_attempt_at")
    _show("消息 messages", columns, found["letters"], "没有这样的消息 no such message")


def print_alerts(found: Mapping[str, Any]) -> None:
    """Alerts, their messages, and what is not over."""
    watch = found["watch"]
    state = "开启 on" if watch["is_on"] else "未开启 off"
    Console().print(f"告警 alerts: {state} · {', '.join(watch['to']) or '-'}", markup=False)
    _show("尚未恢复 not over", ("kind", "count", "process", "element", "place", "since"), found["open"], "")
    rows = [
        {**one, "number": each["number"], "alert": each["kind"], "written_at": each["written_at"]}
        for each in found["alerts"]
        for one in each["messages"]
    ]
    columns = ("number", "alert", "written_at", "channel", "to", "status", "attempts", "error")
    _show("最近的告警 last alerts", columns, rows, "还没有告警 no alert yet")


def print_timers(found: Mapping[str, Any]) -> None:
    """What fires next."""
    _show(
        "定时器 timers", ("due_at", "number", "name", "process"), found["timers"], "没有定时器 no timer waits"
    )


def print_versions(found: Mapping[str, Any]) -> None:
    """What is deployed."""
    columns = ("process", "name", "version", "running", "is_newest", "deployed_at")
    _show("流程 processes", columns, found["processes"], "没有部署 nothing is deployed")
    _show("决策与表单 others", ("kind", "name", "version", "deployed_at"), found["others"], "")


def print_heat(found: Mapping[str, Any]) -> None:
    """Where time goes."""
    columns = ("name", "element", "median_seconds", "mean_seconds", "ended", "here", "oldest_at")
    _show(
        f"{found['name']} · {found['days']} 天 days",
        columns,
        found["elements"],
        "没有工单 no case went through",
    )


def print_workers(found: Mapping[str, Any]) -> None:
    """Who works."""
    console, engine = Console(), found["engine"]
    console.print(engine["trouble"] or f"引擎 engine: Zeebe {engine['version']}", markup=False)
    _show("各部分 parts", ("part", "ok", "says"), engine["parts"], "")
    columns = ("type", "is_alive", "hosts", "polled_seconds_ago", "running", "done", "failed", "errors")
    _show("任务类型 job types", columns, found["types"], "还没有进程报告 no process has reported")
    _show("记录流 records", ("partition", "newest_at", "lag_seconds"), found["records"], "")


def _show(
    title: str, columns: Sequence[str], rows: Rows, nothing: str, console: Console | None = None
) -> None:
    console = console or Console()
    if not rows and nothing:
        console.print(nothing)
    for part in section(title, columns, rows):
        console.print(part)


def print_preview(found: Mapping[str, Any], console: Console | None = None) -> None:
    """What a migration would do; `console`: where to, stdout when None."""
    console = console or Console()
    which = f"{found['process']} v{found['from']} → v{found['to']}"
    console.print(f"{which}: {found['movable']}/{found['running']} 可迁移 can be moved", markup=False)
    _show("可迁移实例所在环节 where they are", ("name", "element", "count"), found["elements"], "", console)
    rows = [{**each, "why": f"{each['zh']} {each['en']}"} for each in found["obstacles"]]
    _show("不能迁移 cannot be moved", ("name", "count", "why"), rows, "", console)


def print_migration(run: Mapping[str, Any]) -> None:
    """What a migration did."""
    counts = " · ".join(f"{word} {count}" for word, count in run["counts"].items())
    Console().print(f"{run['process']} v{run['from']} → v{run['to']}: {counts}", markup=False)
    refused = [each for each in run["instances"] if each["state"] == "refused"]
    _show("未迁移 not moved", ("instance", "number", "says"), refused, "")


CHANGES: Final = {
    "new": "新增 new",
    "changed": "有变化 changed",
    "unknown": "未知 unknown",
    "gone": "文件夹中已无 no longer in the folder",
}


def print_changes(files: Rows, not_known: str | None, moves: Rows) -> None:
    """What a deployment would change, on stderr; what stays as it is is counted only."""
    console = Console(stderr=True)
    if not_known:
        console.print(f"引擎上已有什么，尚不可知 What the engine has is not known: {not_known}", markup=False)
    else:
        changed = [{**each, "change": CHANGES[each["change"]]} for each in files if each["change"] in CHANGES]
        same = sum(each["change"] == "unchanged" for each in files)
        for part in section(
            "部署将改变 would change", ("change", "kind", "id", "version", "running"), changed
        ):
            console.print(part)
        console.print(f"{len(changed)} 项有变化 differ，{same} 项不变 unchanged", markup=False)
    for each in moves:
        print_preview(each, console)
