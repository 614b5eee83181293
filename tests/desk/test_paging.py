"""Lists of the API a page at a time, and whether what was read is still so."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.desk_server import RunningDesk, add_complaint, add_incident, add_task
from workers.client import Client
from workers.connection import Instance
from workers.desk import paging
from workers.store import complaints, deadlines
from workers.store.tables import Complaint, Deadline


def pages(client: httpx.Client, path: str) -> list[list[dict[str, Any]]]:
    """Every page of a list, as the header Link leads from one to the next."""
    found, at = [], path
    while at:
        answer = client.get(at)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        at = link[1] if link else ""
    return found


def test_complaints_come_newest_first_and_no_page_forgets_or_repeats_one(
    desk: RunningDesk, api: httpx.Client
) -> None:
    """Also when new ones come in while somebody pages through them."""
    numbers = [add_complaint(desk) for _ in range(7)]
    first = api.get("/api/v1/complaints", params={"limit": 3})
    assert [each["number"] for each in first.json()] == numbers[:3:-1]
    add_complaint(desk)
    rest = pages(api, first.headers["link"].split(">")[0].removeprefix("<"))
    assert [each["number"] for page in rest for each in page] == numbers[3::-1]
    assert [len(page) for page in rest] == [3, 1]


def test_complaints_are_narrowed_by_what_is_asked(desk: RunningDesk, api: httpx.Client) -> None:
    """Status, category, place in any spelling, owner, and what is due; the next page keeps to it."""
    here = [add_complaint(desk, region={"province": "浙江省", "city": "杭州市"}) for _ in range(2)]
    there = add_complaint(desk, region={"province": "江苏省", "city": "南京市"})
    now = desk.clock.now()
    with desk.database.begin() as tx:
        row = complaints.get(tx, there)
        row.status, row.category, row.owner_group, row.owner_person = (
            "accepted",
            "tariff-billing",
            "branch",
            "li.na",
        )
        tx.add(Deadline(number=there, kind="result", due_at=now + timedelta(hours=1)))
        tx.add(Deadline(number=here[0], kind="result", due_at=now + timedelta(days=9)))

    def found(**asked: Any) -> list[str]:
        return [
            each["number"]
            for page in pages(api, f"/api/v1/complaints?{httpx.QueryParams(asked)}")
            for each in page
        ]

    assert found(province="浙江", city="杭州", limit=1) == here[::-1]
    assert found(province="浙江", city="南京") == []
    assert found(status="accepted") == found(category="tariff-billing") == found(group="branch") == [there]
    assert found(person="li.na") == [there]
    assert found(status="open") == [there, *here[::-1]]
    assert found(due_before=(now + timedelta(days=1)).isoformat()) == [there]
    (line,) = api.get("/api/v1/complaints", params={"status": "accepted"}).json()
    assert line["due_at"] is not None
    assert "customer" not in line
    assert api.get("/api/v1/complaints", params={"status": "lost"}).status_code == 422
    assert api.get("/api/v1/complaints", params={"due_before": "2026-03-01T10:00:00"}).status_code == 422


def test_tasks_stuck_work_and_events_come_in_pages_too(desk: RunningDesk, api: httpx.Client) -> None:
    """The command and every script that uses its client still see the whole list."""
    number = add_complaint(desk)
    tasks = [add_task(desk, number, key=f"22517998136853{n:02}") for n in range(5)]
    add_task(desk, number, key="2251799813685399", due_at=None)
    stuck = [add_incident(desk, number, key=f"22517998136854{n:02}") for n in range(3)]
    event = {"as": "lin.qiantai", "policy": "petition", "kind": "hall-outage", "region": {"province": "浙江"}}
    events = [api.post("/api/v1/events", json=event).json()["number"] for _ in range(3)]
    for path, key, expected in (
        ("/api/v1/tasks?limit=2", "task", [*tasks, "2251799813685399"]),
        ("/api/v1/tasks?as=anyone&limit=2", "task", [*tasks, "2251799813685399"]),
        ("/api/v1/incidents?limit=2", "key", stuck),
        ("/api/v1/events?limit=2", "number", events[::-1]),
    ):
        found = pages(api, path)
        assert [each[key] for page in found for each in page] == expected, path
        assert {len(page) for page in found[:-1]} == {2}
    with Client(Instance(desk.url, "a-token-for-tests", "")) as client:
        assert [each["task"] for each in client.tasks()] == [*tasks, "2251799813685399"]


def test_the_client_reads_every_page(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.connection.PAGE", 2)
    number = add_complaint(desk)
    tasks = [add_task(desk, number, key=f"22517998136853{n:02}") for n in range(5)]
    with Client(Instance(desk.url, "a-token-for-tests", "")) as client:
        assert [each["task"] for each in client.tasks("anyone")] == tasks


@pytest.mark.parametrize(
    "cursor",
    ["x", "AAAA", "bnVsbA", "WyJ4IiwieSJd", "WzEsMl0", "W10", "WyIyMDI2LTAzLTAxVDAwOjAwOjAwIiwieCJd"],
)
@pytest.mark.parametrize("path", ["complaints", "tasks", "events", "incidents"])
def test_a_made_up_cursor_is_refused(sqlite_desk_for_module: RunningDesk, path: str, cursor: str) -> None:
    with sqlite_desk_for_module.client() as client:
        refused = client.get(f"/api/v1/{path}", params={"cursor": cursor})
        assert client.get(f"/api/v1/{path}", params={"limit": 0}).status_code == 422
        assert client.get(f"/api/v1/{path}", params={"limit": 1001}).status_code == 422
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/refused")


def test_a_cursor_reads_back_as_it_was_written(sqlite_desk: RunningDesk) -> None:
    now = sqlite_desk.clock.now()
    assert paging.read(paging.written(now, "TS1")) == (now, "TS1")
    assert paging.read("") is paging.read(None) is None


def test_what_is_known_already_is_not_sent_again(desk: RunningDesk, api: httpx.Client) -> None:
    """A system that looks every minute moves nothing as long as nothing happened."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    event = {"as": "lin.qiantai", "policy": "petition", "kind": "hall-outage", "region": {"province": "浙江"}}
    incident = api.post("/api/v1/events", json=event).json()["number"]
    for path in (f"complaints/{number}", f"tasks/{key}", f"events/{incident}"):
        first = api.get(f"/api/v1/{path}")
        tag = first.headers["etag"]
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            again = api.get(f"/api/v1/{path}", headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert api.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'}).json() == first.json()
    with desk.database.begin() as tx:
        tx.get_one(Complaint, number).priority = "major"
    tag = api.get(f"/api/v1/complaints/{number}").headers["etag"]
    assert api.get(f"/api/v1/complaints/{number}", headers={"If-None-Match": tag}).status_code == 304


def test_nobody_acts_on_what_has_changed_meanwhile(desk: RunningDesk, api: httpx.Client) -> None:
    """If-Match names what was read; when it is not so any more, nothing is done."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    seen = api.get(f"/api/v1/complaints/{number}").headers["etag"]
    task = api.get(f"/api/v1/tasks/{key}").headers["etag"]
    with desk.database.begin() as tx:
        deadlines.put(tx, number, "result", desk.clock.now() + timedelta(days=1))
    path = f"/api/v1/complaints/{number}/withdrawal"
    for tag in (seen, f"W/{api.get(f'/api/v1/complaints/{number}').headers['etag']}", "nonsense"):
        stale = api.post(path, json={}, headers={"If-Match": tag})
        assert (stale.status_code, stale.json()["type"]) == (412, "/problems/changed-meanwhile")
    now = api.get(f"/api/v1/complaints/{number}").headers["etag"]
    assert api.post(path, json={}, headers={"If-Match": now}).status_code == 200
    answers = {"as": "lin.qiantai", "variables": {"is_settled": True, "customer_reply": "已处理"}}
    path = f"/api/v1/tasks/{key}/completion"
    assert api.post(path, json=answers, headers={"If-Match": '"other"'}).status_code == 412
    assert desk.engine.completions == []
    assert api.post(path, json=answers, headers={"If-Match": task}).status_code == 200
