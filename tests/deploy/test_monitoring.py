"""Alert rules and dashboard: they name metrics that there are, promtool tries them, and every alert says what to do."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client import Counter

from tools import write_dashboard
from workers import metrics

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy" / "prometheus" / "rules.yaml"
ALERTS: Final = ROOT / "docs" / "alerts.md"
_PROMTOOL: Final = os.environ.get("DUBAN_TEST_PROMTOOL") or shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    _PROMTOOL is None,
    reason="there is no promtool here: Debian's package prometheus has it, .ci/run takes it from there",
)
OF_OTHERS: Final = frozenset(
    {
        *("up", "process_resident_memory_bytes", "process_cpu_seconds_total"),
        *("zeebe_health", "zeebe_dropped_request_count_total", "zeebe_received_request_count_total"),
        *("zeebe_job_events_total", "zeebe_exporter_events_total"),
        *("kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"),
    }
)
"""Metrics of Prometheus, the engine (read in the classes of Zeebe 8.5.8) and the nodes."""
_METRIC: Final = re.compile(r"\b(?:duban|zeebe|kubelet|process)_[a-z0-9_]+\b|\bup\b(?=\{)")


def ours() -> dict[str, frozenset[str]]:
    """Every name that a query may use -> its labels."""
    found: dict[str, frozenset[str]] = {}
    for each in metrics.COUNTED:
        labels = frozenset(each._labelnames)
        if isinstance(each, Counter):
            found[f"{each._name}_total"] = labels
        else:
            found |= {f"{each._name}_{end}": labels | {"le"} for end in ("bucket", "sum", "count")}
    return found | {each.name: frozenset(each.labels) for each in metrics.LOOKED_UP}


def alerts() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]:
        yield from group["rules"]


ALL: Final = list(alerts())


def queries() -> Iterator[tuple[str, str]]:
    """Where it is, and the query."""
    for rule in ALL:
        yield rule["alert"], rule["expr"]
    for panel in json.loads(write_dashboard.FILE.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_every_metric_and_label_that_a_query_names_exists(where: str, query: str) -> None:
    """A metric that was renamed would leave an alert that never fires, and nobody would notice."""
    known = ours()
    for name in _METRIC.findall(query):
        assert name in known or name in OF_OTHERS, f"{where}: {name}"
    for name, chosen in re.findall(r"\b(duban_[a-z_]+)\{([^}]*)\}", query):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", chosen))
        assert labels <= known[name] | {"job", "instance", "part"}, f"{where}: {name}{{{chosen}}}"


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule["alert"])
def test_every_alert_is_told_in_both_languages_and_says_what_to_do(rule: dict[str, Any]) -> None:
    """Chinese first; how urgent; and a section that says what it means, where to look, what to do."""
    chinese, _, english = rule["annotations"]["summary"].partition(" · ")
    assert re.search(r"[\u4e00-\u9fff]", chinese) and re.search(r"[a-z]{3}", english)
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
    page = ALERTS.read_text(encoding="utf-8")
    section = re.search(rf"^### {rule['alert']}\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/alerts.md has no section {rule['alert']}"
    assert section[1].startswith("*") and "**Do:**" in section[1]


def test_no_section_is_about_an_alert_that_there_is_not() -> None:
    told = re.findall(r"^### (\w+)$", ALERTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(rule["alert"] for rule in ALL)


def test_every_alert_is_tried() -> None:
    """Each fires in one of the stories of rules_test.yaml."""
    tests = yaml.safe_load((RULES.parent / "rules_test.yaml").read_text(encoding="utf-8"))["tests"]
    fired = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each["exp_alerts"]}
    assert fired == {rule["alert"] for rule in ALL}


@needs_promtool
def test_promtool_accepts_the_rules_and_their_stories() -> None:
    """What Prometheus itself says of them."""
    for command in (("check", "rules", "rules.yaml"), ("test", "rules", "rules_test.yaml")):
        done = subprocess.run(
            [str(_PROMTOOL), *command],
            cwd=RULES.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_reads_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """As rules that record: a bracket that is missing would be found by whoever looks at the picture."""
    rules = [{"record": f"q{index}", "expr": query} for index, (_, query) in enumerate(queries())]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(
        [str(_PROMTOOL), "check", "rules", file], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_the_one_that_is_written() -> None:
    """If this fails: `python tools/write_dashboard.py`."""
    assert write_dashboard.FILE.read_text(encoding="utf-8") == write_dashboard.text()


def test_the_dashboard_can_be_read_on_any_grafana() -> None:
    """The source is chosen, not named; titles Chinese first; nothing overlaps."""
    board = json.loads(write_dashboard.text())
    assert [each["type"] for each in board["templating"]["list"]] == ["datasource"]
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert re.match(r".*[\u4e00-\u9fff].* · .*[A-Za-z]", panel["title"]), panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}


def test_the_way_to_the_parts_is_told() -> None:
    """deploy/prometheus/scrape.yaml: the job that the rules ask for, at the probe port."""
    config = yaml.safe_load((RULES.parent / "scrape.yaml").read_text(encoding="utf-8"))
    jobs = {each["job_name"]: each for each in config["scrape_configs"]}
    assert set(jobs) == {"duban", "zeebe"} and config["rule_files"] == ["rules.yaml"]
    assert jobs["zeebe"]["metrics_path"] == "/actuator/prometheus"
