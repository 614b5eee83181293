"""Writes docs/metrics.md from workers/metrics.py; a test fails when the page is stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Counter

from workers import metrics

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
HEAD = """# Metrics

What Prometheus is told. Every part answers GET `/metrics` at `DUBAN_PROBE__PORT` (8720 in the image), beside
`/healthz`, and never at the port of its pages: that one is reached from outside, and how much is overdue or broken
is nobody's business there. What to do when a figure is bad: [alerts](alerts.md). Dashboard, rules and a scrape
config: [`deploy/`](../deploy/README.md). Why it is as it is: [ADR 9](adr/0009-observability.md).

**Who tells what.** Each part counts what it does itself: sum over parts. The figures of the whole instance (last
table) come from the store, and one part alone tells them: `duban records` (there is exactly one of it), or `duban
up`. They are asked for when Prometheus asks, kept for 10 s, and wait 3 s for the store at most; while it does not
answer, `duban_store_up` is 0 and they are missing.

Labels are words of the models, of the API or of the engine: job types, message names, route templates, groups. No
number of a case and nothing of a person is in them (rule B10). A worker with all job types has about 1,500 series.
`process_resident_memory_bytes`, `process_cpu_seconds_total`, `process_open_fds` and their like are there as well.

This page is written by `python tools/write_metrics_page.py` from `workers/metrics.py`.
"""
ORDER = ("Counted as it happens", "Every part", "Workers", "The whole instance: told by `duban records`")
_PROCESS = {metrics.BUILD_INFO, metrics.LOOP_LAG, metrics.STORE_CONNECTIONS, metrics.STORE_CONNECTIONS_LIMIT}
_WORKERS = {metrics.WORKER_HEALTHY, metrics.JOBS_HELD, metrics.JOBS_STUCK, metrics.POLL_AGE}


def page() -> str:
    """The whole page."""
    counted = [
        _row(
            f"{each._name}_total" if isinstance(each, Counter) else each._name,
            "counter" if isinstance(each, Counter) else "histogram",
            each._labelnames,
            each._documentation,
        )
        for each in metrics.COUNTED
    ]
    rest = [each for each in metrics.LOOKED_UP if each not in _PROCESS | _WORKERS]
    tables = [
        counted,
        *(
            [_row(each.name, "gauge", each.labels, each.says) for each in metrics.LOOKED_UP if each in chosen]
            for chosen in (_PROCESS, _WORKERS, rest)
        ),
    ]
    return HEAD + "".join("".join(_section(title, rows)) for title, rows in zip(ORDER, tables, strict=True))


def _section(title: str, rows: list[str]) -> Iterator[str]:
    yield f"\n## {title}\n\n| metric | kind | labels | what it is |\n| --- | --- | --- | --- |\n"
    yield from rows


def _row(name: str, kind: str, labels: tuple[str, ...], says: str) -> str:
    return f"| `{name}` | {kind} | {', '.join(f'`{each}`' for each in labels) or '–'} | {says} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
