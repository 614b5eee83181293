"""Four eyes on the server: who asked, or decided before, is neither offered the task nor may complete it (B7, D3)."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.desk_server import RunningDesk, add_complaint, add_person, add_task
from workers.cases.complaint import check
from workers.cases.forms import Form
from workers.clock import MovedClock
from workers.errors import Broken
from workers.store import exclusions, intake
from workers.store.database import Database
from workers.store.record_tables import FormVersion

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FORM = "settle-complaint"
PLACE = {"province": "浙江省", "city": "杭州市"}
ANSWERS = {"is_settled": True, "customer_reply": "线路已修复,请重启光猫"}


def exclude(desk: RunningDesk, number: str, person: str, **more: Any) -> None:
    with desk.database.begin() as tx:
        exclusions.add(tx, number, more.pop("form", FORM), [person], "asked", NOW, **more)


def complete(client: httpx.Client, task: str, person: str) -> httpx.Response:
    return client.post(f"/api/v1/tasks/{task}/completion", json={"as": person, "variables": ANSWERS})


def offered(client: httpx.Client, person: str) -> list[str]:
    return [task["task"] for task in client.get("/api/v1/tasks", params={"as": person}).json()]


@pytest.mark.parametrize("person", ["wang.fang", "duty.officer"])
def test_D3_who_is_excluded_may_not_complete_the_task_and_is_not_offered_it(
    desk: RunningDesk, person: str
) -> None:
    """Neither a member of the group nor, with the sample staff, a name that acts as duty staff."""
    for username in ("wang.fang", "li.na"):
        add_person(desk, username, "front-desk", **PLACE)
    number = add_complaint(desk)
    task = add_task(desk, number)
    exclude(desk, number, person)
    with desk.client() as client:
        assert offered(client, person) == []
        refused = complete(client, task, person)
        assert refused.status_code == 403
        assert "提出人不得审批" in refused.json()["detail"]
        assert desk.engine.asked == [], "the engine was not even asked"
        assert offered(client, "li.na") == [task]
        assert complete(client, task, "li.na").status_code == 200


@pytest.mark.parametrize(
    ("other", "may"),
    [
        ({"form": "another-form"}, True),
        ({"scope": "1"}, True),
        ({"scope": "9251799813685301"}, False),
        ({}, False),
    ],
)
def test_D3_an_exclusion_holds_for_its_form_and_its_process_only(
    sqlite_desk: RunningDesk, other: dict[str, str], may: bool
) -> None:
    """A second refund of the same case begins afresh; an exclusion from the case holds in all its processes."""
    number = add_complaint(sqlite_desk)
    task = add_task(sqlite_desk, number)
    exclude(sqlite_desk, number, "duty.officer", **other)
    with sqlite_desk.client() as client:
        assert complete(client, task, "duty.officer").is_success is may


@pytest.mark.parametrize("comes", [True, False])
def test_D3_who_has_decided_this_very_task_is_not_told_of_another_step(
    sqlite_desk: RunningDesk, comes: bool
) -> None:
    """The engine took it, its answer was lost, and four eyes were told before the record was there."""
    number = add_complaint(sqlite_desk)
    task = add_task(sqlite_desk, number)
    sqlite_desk.engine.way = "broken"
    with sqlite_desk.client() as client:
        assert complete(client, task, "li.na").status_code == 503
        exclude(sqlite_desk, number, "li.na")
        sqlite_desk.engine.way = "take"
        timer = threading.Timer(
            0.5, sqlite_desk.engine.end_task, (task, "completed", sqlite_desk.engine.asked[-1])
        )
        if comes:
            timer.start()
        again = complete(client, task, "li.na")
        if comes:
            timer.join()
            assert again.status_code == 200, again.text
        else:
            assert again.status_code == 409
            assert "正在等引擎确认" in again.json()["detail"]
    assert len(sqlite_desk.engine.asked) == 1, "the engine was not asked a second time"


def test_D3_excluding_twice_changes_nothing(database: Database) -> None:
    """The engine delivers at least once."""
    line = {
        "policy": "petition",
        "channel": "phone",
        "text": "多扣了钱",
        "customer": {"phone": "13800138000"},
    }
    number = intake.accept(database, MovedClock(), check(line)).number
    for _ in range(2):
        with database.begin() as tx:
            exclusions.add(tx, number, FORM, ["a", "b", "a"], "decided", NOW)
            exclusions.add(tx, number, FORM, ["c"], "decided", NOW, scope="77")
    with database.read() as tx:
        assert exclusions.people(tx, number, FORM) == {"a", "b"}
        assert exclusions.people(tx, number, FORM, "77") == {"a", "b", "c"}
        assert exclusions.people(tx, number, "another-form", "77") == set()


def test_D3_a_form_may_want_to_know_who_answers(sqlite_desk: RunningDesk) -> None:
    """The username reaches the engine in the same step as the answers, and nobody can give another one."""
    person = {
        "type": "textfield",
        "key": "decided_by",
        "label": "审批人",
        "readonly": True,
        "properties": {"source": "person"},
    }
    answer = {"type": "textarea", "key": "remark", "label": "说明"}
    schema = {"id": "approve", "type": "default", "components": [person, answer]}
    assert Form(schema).person_keys == {"decided_by"}
    assert [field["key"] for field in Form(schema).fields] == ["remark"]

    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.database.begin() as tx:
        tx.get_one(FormVersion, f"form-{FORM}").schema = schema
    with sqlite_desk.client() as client:
        forged = {"as": "li.na", "variables": {"decided_by": "wang.fang"}}
        assert client.post(f"/api/v1/tasks/{task}/completion", json=forged).status_code == 422
        honest = {"as": "li.na", "variables": {"remark": "同意"}}
        assert client.post(f"/api/v1/tasks/{task}/completion", json=honest).status_code == 200
    assert sqlite_desk.engine.completions == [(task, {"decided_by": "li.na"})]


def test_a_field_that_is_asked_is_not_filled_by_the_server_too() -> None:
    """Two fields of one key would be two truths."""
    twice = [
        {"type": "textfield", "key": "name", "readonly": True, "properties": {"source": "person"}},
        {"type": "textfield", "key": "name"},
    ]
    with pytest.raises(Broken, match="two fields"):
        Form({"id": "a-form", "components": twice})
