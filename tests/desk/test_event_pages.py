"""The pages of major events: what people see, and not what somebody wrote (rules E1, B10)."""

from __future__ import annotations

from tests.desk_server import RunningDesk, add_person
from workers.store import incidents


def test_E1_open_events_are_listed_and_shown_without_what_somebody_wrote(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.database.begin() as tx:
        columns = {
            "policy": "petition",
            "kind": "hall-outage",
            "city": "杭州",
            "flags": [],
            "text": "王小明报告",
        }
        number = incidents.declare(tx, sqlite_desk.clock.now(), who="li.na", count=0, **columns)
    with sqlite_desk.client(None) as client:
        assert number in client.get("/events").text
        shown = client.get(f"/complaints/{number}", follow_redirects=True)
        assert shown.url.path == f"/events/{number}"
        assert "营业厅支撑系统中断" in shown.text and "王小明" not in shown.text
        assert client.get("/events/SJ20260101-9999").status_code == 404


def test_E1_an_event_is_reported_and_looked_at_over_the_api(sqlite_desk: RunningDesk) -> None:
    told = {
        "as": "lin.qiantai",
        "policy": "petition",
        "kind": "hall-outage",
        "region": {"city": "杭州"},
        "outage_minutes": 15,
        "external_ref": "noc-1",
    }
    with sqlite_desk.client() as client:
        first = client.post("/api/v1/events", json=told)
        again = client.post("/api/v1/events", json=told)
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        number = first.json()["number"]
        assert client.get(f"/api/v1/events/{number}").json()["outage_minutes"] == 15
        assert [each["number"] for each in client.get("/api/v1/events").json()] == [number]
        wrong = client.post("/api/v1/events", json=told | {"kind": "flood", "region": {}})
        assert wrong.status_code == 422
        assert "kind" in wrong.json()["detail"] and "region" in wrong.json()["detail"]
        add_person(sqlite_desk, "qi.huifang", "callback")
        raised = client.post(f"/api/v1/events/{number}/raise", json={"as": "qi.huifang"})
        assert raised.status_code == 422, "the callback team does not steer events"
