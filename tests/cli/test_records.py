"""`duban find` and `duban retention`, as the command prints them (rules B10, C10)."""

from __future__ import annotations

import json

from tests.cli.conftest import Duban
from tests.desk.test_records_api import age
from tests.desk_server import RunningDesk, add_complaint
from workers.store import retention


def test_C10_find_shows_masked_complaints(duban: Duban, desk: RunningDesk) -> None:
    number = add_complaint(desk)
    [found] = json.loads(duban("find", "13800138000", "--as", "desk.duty", "--json").stdout)
    assert (found["number"], found["customer"]["phone"]) == (number, "138****8000")
    shown = duban("find", "王小明", "--as", "desk.duty")
    assert number in shown.stdout and "王**" in shown.stdout and "13800138000" not in shown.stdout
    assert "没有找到" in duban("find", "13800138009", "--as", "desk.duty").stdout
    assert duban("find", "王小明").returncode == 2


def test_C10_retention_says_what_is_over_and_changes_nothing(duban: Duban, desk: RunningDesk) -> None:
    """Figures by policy and month; a run's progress by its number."""
    number = add_complaint(desk)
    assert "没有到期档案" in duban("retention").stdout
    age(desk, number, 4 * 366)
    assert json.loads(duban("retention", "--dry-run", "--json").stdout)["expired"] == 1
    assert "petition" in duban("retention", "--dry-run").stdout
    with desk.database.begin() as tx:
        run, _ = retention.open_run(tx, desk.clock.now(), who="desk.duty", confirmed=True)
        retention.end(tx, run, "declined", desk.clock.now())
    assert json.loads(duban("retention", run, "--json").stdout)["state"] == "declined"
    assert run in duban("retention", run).stdout


def test_C10_retention_refuses_what_is_not_clear(duban: Duban, desk: RunningDesk) -> None:
    for arguments in (("--run",), ("--run", "--dry-run", "--as", "desk.duty"), ("DA202611", "--dry-run")):
        done = duban("retention", *arguments)
        assert (done.returncode, done.stderr.startswith("duban: ")) == (1, True)
    assert duban("retention", "DA190001").returncode == 1
    assert json.loads(duban("retention", "--json").stdout)["expired"] == 0
