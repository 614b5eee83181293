"""Writes deploy/grafana/duban.json, the dashboard of Duban for Grafana; a test fails when it is stale.

Rows: business, workers, messages and record stream, pages, engine. Titles Chinese first, with English.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent.parent / "deploy" / "grafana" / "duban.json"
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
WIDTH: Final = 24
HEIGHT: Final = 7


@dataclass(frozen=True)
class Panel:
    """One picture: queries with their legends, the unit as Grafana names it, how many of 24 columns it takes."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"
    red_above: float | None = None


def _p(quantile: float, metric: str, by: str = "", window: str = "5m") -> str:
    group = f"le, {by}" if by else "le"
    return f"histogram_quantile({quantile}, sum by ({group}) (rate({metric}_bucket[{window}])))"


def _quantiles(metric: str) -> tuple[tuple[str, str], ...]:
    return tuple((_p(share, metric), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99))


def _stat(title: str, query: str, red_above: float = 0, unit: str = "short") -> Panel:
    return Panel(title, ((query, ""),), unit, 4, "stat", red_above)


ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "业务 · Business",
        (
            _stat("超期投诉 · Overdue complaints", "sum(max by (tier) (duban_complaints_overdue))"),
            _stat("卡住的工作 · Stuck work", "sum(max by (process) (duban_engine_incidents_open))"),
            _stat("失败的消息 · Messages given up", 'max(duban_outbox_messages{state="dead"})'),
            _stat("最早的待发消息 · Oldest message", "max(duban_outbox_oldest_seconds)", 900, "s"),
            _stat(
                "无人处理的任务类型 · Job types without workers",
                "count(max by (type) (duban_workers_alive) == 0) or vector(0)",
            ),
            _stat("数据库无应答 · Store away", "1 - max(duban_store_up)"),
            Panel(
                "各层级超期 · Overdue by level",
                (("max by (tier) (duban_complaints_overdue)", "{{tier}}"),),
                width=6,
            ),
            Panel(
                "在办投诉 · Open complaints",
                (("max by (status) (duban_complaints_open)", "{{status}}"),),
                width=6,
            ),
            Panel(
                "每小时新投诉 · Complaints per hour",
                (("sum by (policy) (rate(duban_complaints_received_total[15m])) * 3600", "{{policy}}"),),
                width=6,
            ),
            Panel(
                "受理用时 · Until in handling",
                _quantiles("duban_complaint_acknowledge_seconds"),
                "s",
                6,
            ),
            Panel(
                "未完成人工任务 · Open tasks by group",
                (("topk(12, max by (group) (duban_tasks_open))", "{{group}}"),),
                width=12,
            ),
            Panel(
                "超时人工任务 · Late tasks by group",
                (("topk(12, max by (group) (duban_tasks_overdue))", "{{group}}"),),
                width=12,
            ),
        ),
    ),
    (
        "任务处理 · Workers",
        (
            Panel(
                "任务结果 · Jobs per second by outcome",
                (("sum by (outcome) (rate(duban_jobs_total[5m]))", "{{outcome}}"),),
                "ops",
            ),
            Panel(
                "失败的任务类型 · Failing job types",
                (('topk(10, sum by (type) (rate(duban_jobs_total{outcome="failed"}[5m])) > 0)', "{{type}}"),),
                "ops",
            ),
            Panel("任务用时 · Job duration", _quantiles("duban_job_duration_seconds"), "s"),
            Panel(
                "最慢的任务类型 · Slowest job types (p95)",
                ((f"topk(10, {_p(0.95, 'duban_job_duration_seconds', 'type')})", "{{type}}"),),
                "s",
            ),
            Panel(
                "持有的任务 · Jobs held",
                (("sum by (instance) (duban_jobs_held)", "{{instance}}"),),
            ),
            Panel(
                "引擎最久未应答 · Longest silence of the engine",
                (("max by (instance) (duban_job_poll_age_seconds)", "{{instance}}"),),
                "s",
            ),
            Panel(
                "引擎调用用时 · Engine calls (p99)",
                ((_p(0.99, "duban_engine_call_duration_seconds", "call"), "{{call}}"),),
                "s",
            ),
            Panel(
                "引擎调用失败 · Engine calls that failed",
                (("sum by (call, code) (rate(duban_engine_call_errors_total[5m]))", "{{call}} {{code}}"),),
                "ops",
            ),
            Panel(
                "事件循环延迟 · Event-loop lag",
                (("max by (instance) (duban_event_loop_lag_seconds)", "{{instance}}"),),
                "s",
            ),
        ),
    ),
    (
        "消息与记录流 · Messages and record stream",
        (
            Panel(
                "发送结果 · Messages by outcome",
                (("sum by (channel, outcome) (rate(duban_messages_total[5m]))", "{{channel}} {{outcome}}"),),
                "ops",
            ),
            Panel("消息等待 · Until delivered", _quantiles("duban_message_wait_seconds"), "s"),
            Panel(
                "待发消息 · Messages waiting",
                (("max by (state) (duban_outbox_messages)", "{{state}}"),),
            ),
            Panel(
                "待告知引擎 · Owed to the engine",
                (
                    ("max(duban_engine_requests_waiting)", "件 waiting"),
                    ("sum by (outcome) (rate(duban_engine_requests_total[5m]))", "{{outcome}}/s"),
                ),
            ),
            Panel("记录流延迟 · Record lag", _quantiles("duban_records_lag_seconds"), "s"),
            Panel(
                "每秒记录 · Records per second",
                (("sum by (outcome) (rate(duban_records_total[5m]))", "{{outcome}}"),),
                "ops",
            ),
        ),
    ),
    (
        "页面与资源 · Pages and resources",
        (
            Panel(
                "请求 · Requests by status",
                (("sum by (status) (rate(duban_http_requests_total[5m]))", "{{status}}"),),
                "reqps",
                6,
            ),
            Panel(
                "最慢页面 · Slowest routes (p95)",
                (
                    (
                        f"topk(10, {_p(0.95, 'duban_http_request_duration_seconds', 'method, route')})",
                        "{{method}} {{route}}",
                    ),
                ),
                "s",
                6,
            ),
            Panel(
                "数据库连接 · Store connections",
                (('duban_store_connections{state="used"}', "{{instance}}"),),
                width=6,
            ),
            Panel(
                "内存 · Memory",
                (('process_resident_memory_bytes{job="duban"}', "{{instance}}"),),
                "bytes",
                6,
            ),
        ),
    ),
    (
        "引擎 · Engine",
        (
            Panel(
                "任务积压 · Jobs created and not ended (10 min)",
                (
                    (
                        'topk(10, sum by (type) (increase(zeebe_job_events_total{action="created"}[10m])) - '
                        "sum by (type) (increase(zeebe_job_events_total"
                        '{action=~"completed|canceled|error thrown"}[10m])))',
                        "{{type}}",
                    ),
                ),
            ),
            Panel(
                "被拒请求 · Requests turned away",
                (("sum by (partition) (rate(zeebe_dropped_request_count_total[5m]))", "{{partition}}"),),
                "ops",
            ),
            Panel(
                "分区健康 · Health of partitions",
                (("min by (partition) (zeebe_health)", "{{partition}}"),),
            ),
        ),
    ),
)


def text() -> str:
    """The whole file."""
    board = {
        "title": "Duban 督办",
        "uid": "duban",
        "tags": ["duban"],
        "editable": True,
        "schemaVersion": 39,
        "timezone": "Asia/Shanghai",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "source",
                    "type": "datasource",
                    "query": "prometheus",
                    "label": "数据源 Source",
                    "current": {},
                }
            ]
        },
        "panels": list(_panels()),
    }
    return json.dumps(board, ensure_ascii=False, indent=1) + "\n"


def _panels() -> Iterator[dict[str, Any]]:
    ident, y = 1, 0
    for title, panels in ROWS:
        yield {
            "id": ident,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1},
            "panels": [],
        }
        ident, y, x, height = ident + 1, y + 1, 0, 0
        for panel in panels:
            tall = 4 if panel.kind == "stat" else HEIGHT
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            yield _panel(ident, panel, {"x": x, "y": y, "w": panel.width, "h": tall})
            ident, x, height = ident + 1, x + panel.width, max(height, tall)
        y += height


def _panel(ident: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.red_above is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.red_above + 1e-9}]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "noValue": "–"}
    return {
        "id": ident,
        "type": panel.kind,
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend, "datasource": SOURCE}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
