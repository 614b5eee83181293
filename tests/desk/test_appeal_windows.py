"""The door knows until when an appeal is taken, by the table that the process decides by (rule B7)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.desk_server import RunningDesk
from tests.store.rows import put
from workers.clock import MovedClock
from workers.desk.appeal_windows import appeal_windows
from workers.engine.models import Models
from workers.errors import Broken, Conflict
from workers.store import appeals, complaints, requests, timeline
from workers.store.database import Database
from workers.store.tables import EngineRequest

ROOT = Path(__file__).parents[2]
NUMBER = "TS20260301-000001"


@pytest.mark.parametrize(
    ("policy", "channel", "days"),
    [
        ("broadband", "regulator", 90),
        ("broadband", "web", 90),
        ("network-company", "12345", 30),
        ("mobile-branch", "12315", 60),
        ("petition", "phone", 60),
        ("of-another-operator", "phone", None),
    ],
)
def test_B7_the_window_is_the_first_row_that_fits(policy: str, channel: str, days: int | None) -> None:
    """A policy that the table does not know has none: the process says so."""
    found = appeal_windows(Models.load(ROOT / "bpmn"))(policy, channel)
    assert found == (None if days is None else timedelta(days=days))


def edited(tmp_path: Path, old: str, new: str) -> Models:
    folder = Path(shutil.copytree(ROOT / "bpmn" / "appeal-handling", tmp_path / "models"))
    file = folder / "appeal-rule.dmn"
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    return Models.load(folder)


def test_B7_what_the_door_cannot_read_is_left_to_the_process(tmp_path: Path) -> None:
    """A cell with a function of FEEL, a table that asks for something else, or none at all: nobody is turned away."""
    cell = edited(tmp_path / "1", '"regulator"</text>', 'starts with(?, "reg")</text>')
    assert appeal_windows(cell)("broadband", "regulator") is None
    assert appeal_windows(cell)("network-company", "phone") == timedelta(days=30)
    column = edited(tmp_path / "2", "<text>channel</text>", "<text>product</text>")
    assert appeal_windows(column)("petition", "phone") is None
    assert appeal_windows(Models.load(ROOT / "bpmn" / "deadline-watch"))("petition", "phone") is None
    with pytest.raises(Broken, match="appeal-rule"):
        appeal_windows(edited(tmp_path / "3", '"P90D"', "duration(x)"))


@pytest.mark.parametrize(
    ("late", "is_taken"), [(timedelta(seconds=-60), True), (timedelta(seconds=1), False)]
)
def test_B7_a_late_appeal_is_told_at_the_door_with_the_day_until_which_it_was_taken(
    database: Database, late: timedelta, is_taken: bool
) -> None:
    """Nothing starts, nothing is written; an appeal of the last minute is taken."""
    put(database, NUMBER)
    clock, window = MovedClock(), timedelta(days=60)
    with database.begin() as tx:
        complaint = complaints.get(tx, NUMBER)
        complaint.status, complaint.closed_at = "closed", clock.now() - window - late
    if is_taken:
        requests.file_appeal(database, clock, NUMBER, "金额不对", windows=lambda *_: window)
        return
    with pytest.raises(Conflict, match=r"申诉期已过.*We are sorry.*you can still turn to the authority"):
        requests.file_appeal(database, clock, NUMBER, "金额不对", windows=lambda *_: window)
    with database.read() as tx:
        assert appeals.find(tx, NUMBER) is None and timeline.of(tx, NUMBER) == []
        assert tx.query(EngineRequest).count() == 0


def test_B7_the_api_says_so_with_the_shipped_table(sqlite_desk: RunningDesk) -> None:
    """409 and a sentence in both languages; a complaint whose table leaves more time is taken."""
    put(sqlite_desk.database, NUMBER, policy="network-company")
    put(sqlite_desk.database, "TS20260301-000002", policy="broadband")
    with sqlite_desk.database.begin() as tx:
        for number in (NUMBER, "TS20260301-000002"):
            complaint = complaints.get(tx, number)
            complaint.status, complaint.closed_at = "closed", sqlite_desk.clock.now() - timedelta(days=31)
    with sqlite_desk.client() as client:
        answers = [
            client.post(f"/api/v1/complaints/{number}/appeal", json={"reason": "金额不对"})
            for number in (NUMBER, "TS20260301-000002")
        ]
    assert [answer.status_code for answer in answers] == [409, 200]
    assert "申诉期已过" in answers[0].json()["detail"]
