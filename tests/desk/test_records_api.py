"""Records are found by people with the right, and anonymised when their time is over (rules B10, C10)."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.desk_server import ROOT, RunningDesk, add_complaint, add_person
from workers.desk.records import RULES, retention_rules
from workers.engine.models import Models
from workers.errors import Broken
from workers.store.retention_tables import RetentionRun
from workers.store.tables import Complaint, EngineRequest

WANG: dict[str, Any] = {
    "name": "王小明",
    "phone": "13800138000",
    "email": "wang@example.com",
    "customer_no": "C-778",
}


def age(desk: RunningDesk, number: str, days: int) -> None:
    with desk.database.begin() as tx:
        closed = {"status": "closed", "closed_at": desk.clock.now() - timedelta(days=days)}
        tx.execute(update(Complaint).where(Complaint.number == number).values(**closed))


@pytest.mark.parametrize(
    "wanted", ["{number}", "138 0013 8000", "+86 138-0013-8000", "wang@EXAMPLE.com", "C-778", "王小明"]
)
def test_C10_B10_an_archived_complaint_is_found_and_masked(sqlite_desk: RunningDesk, wanted: str) -> None:
    """By its number, and by whatever the customer says of themselves, in any spelling; nobody else's."""
    number = add_complaint(sqlite_desk, customer=WANG)
    add_complaint(sqlite_desk, customer={"name": "王小", "phone": "13800138001"})
    age(sqlite_desk, number, 700)
    with sqlite_desk.client() as client:
        asked = {"as": "li.na", "wanted": wanted.format(number=number.lower())}
        answer = client.post("/api/v1/search", json=asked)
    [found] = answer.json()
    assert (found["number"], found["status"], found["is_anonymised"]) == (number, "closed", False)
    assert found["customer"] == {"name": "王**", "phone": "138****8000", "email": "w***@example.com"}
    assert not any(value in answer.text for value in WANG.values())


def test_C10_an_anonymised_one_is_found_by_its_number(sqlite_desk: RunningDesk) -> None:
    number = add_complaint(sqlite_desk, customer=WANG)
    gone = {"customer_name": None, "customer_phone": None, "customer_email": None, "customer_no": None}
    with sqlite_desk.database.begin() as tx:
        tx.execute(update(Complaint).values(anonymised_at=sqlite_desk.clock.now(), **gone))
    with sqlite_desk.client() as client:
        answers = [
            client.post("/api/v1/search", json={"as": "li.na", "wanted": each}).json()
            for each in (number, "王小明", "13800138000")
        ]
    assert [len(each) for each in answers] == [1, 0, 0]
    assert answers[0][0]["is_anonymised"] is True


def test_B10_only_people_with_the_right_look_or_remove(
    sqlite_desk: RunningDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """Others are told who may; a broken question is named; what somebody looked for is in no log."""
    add_person(sqlite_desk, "zhao.wangluo", "network-operations")
    add_person(sqlite_desk, "he.kefu", "customer-service")
    caplog.set_level("INFO")
    with sqlite_desk.client() as client:
        refused = client.post("/api/v1/search", json={"as": "zhao.wangluo", "wanted": "王小明"})
        assert refused.status_code == 403 and "that takes one of" in refused.json()["detail"]
        assert client.post("/api/v1/search", json={"as": "he.kefu", "wanted": "王小明"}).json() == []
        for wanted in ("", "  ", "a\nb", "\u202e", "x" * 201, 7, None):
            assert client.post("/api/v1/search", json={"as": "he.kefu", "wanted": wanted}).status_code == 422
        assert client.post("/api/v1/retention", json={"as": "he.kefu"}).status_code == 403
        assert client.get("/api/v1/retention/DA202611-7").status_code == 404
    with sqlite_desk.client("wrong") as client:
        assert client.get("/api/v1/retention").status_code == 401
        assert client.post("/api/v1/search", json={"as": "he.kefu", "wanted": "王小明"}).status_code == 401
    told = [record for record in caplog.records if getattr(record, "action", "") == "complaints-found"]
    assert [record.__dict__["who"] for record in told] == ["he.kefu"]
    assert "王小明" not in repr([record.__dict__ for record in caplog.records])
    with sqlite_desk.database.read() as tx:
        assert list(tx.scalars(select(RetentionRun))) == []


def test_C10_what_is_over_is_shown_and_a_run_is_owed_to_the_engine(desk: RunningDesk) -> None:
    """Looking changes nothing; a run by hand is confirmed, has a number and can be watched."""
    number = add_complaint(desk)
    add_complaint(desk, customer={"phone": "13800138001"})
    with desk.client() as client:
        assert client.get("/api/v1/retention").json() == {"expired": 0, "events": 0, "by_month": []}
        age(desk, number, 4 * 366)
        over = client.get("/api/v1/retention").json()
        assert (over["expired"], [each["policy"] for each in over["by_month"]]) == (1, ["petition"])
        answer = client.post("/api/v1/retention", json={"as": "desk.duty"})
        run = answer.json()
        assert (answer.status_code, run["state"], run["opened_by"]) == (201, "open", "desk.duty")
        assert client.get(f"/api/v1/retention/{run['number']}").json() == run
    with desk.database.read() as tx:
        owed = tx.scalars(select(EngineRequest).where(EngineRequest.number == run["number"])).one()
    assert owed.variables == {"number": run["number"], "is_anonymisation_confirmed": True}
    assert desk.woken == 1


def test_C10_the_rows_of_the_table_are_read(tmp_path: Path) -> None:
    """Every policy has one; a cell that only the engine could read is refused at the start, by name."""
    models = Models.load(ROOT / "bpmn")
    assert {rule.policy for rule in retention_rules(models)} == set(models.policies())
    folder = Path(shutil.copytree(ROOT / "bpmn" / "record-retention", tmp_path / "models"))
    table = folder / f"{RULES}.dmn"
    table.write_text(table.read_text("utf-8").replace('"P3Y"', "keep", 1), encoding="utf-8")
    with pytest.raises(Broken, match=RULES):
        retention_rules(Models.load(folder))
    with pytest.raises(Broken, match=RULES):
        retention_rules(Models.load(ROOT / "bpmn" / "deadline-watch"))
