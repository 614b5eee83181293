"""The pages of major events: what people see, and not what somebody wrote (rules E1, B10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.desk.signing_in import Browser, add_account, hidden, required
from tests.desk_server import RunningDesk, add_person, running
from workers.store import incident_reports, incidents
from workers.store.database import Database


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


@pytest.mark.parametrize(
    ("kind", "status", "lapsed"),
    [
        ("first", "decided", False),
        ("first", "dismissed", True),
        ("progress", "solved", True),
        ("final", "solved", False),
    ],
)
def test_E4_a_report_that_the_end_of_the_work_made_needless_is_not_shown_as_due(
    sqlite_desk: RunningDesk, kind: str, status: str, lapsed: bool
) -> None:
    """Nobody is asked for it any more, so its time must not run on the page; the final report is still due."""
    add_person(sqlite_desk, "he.kefu", "customer-service")
    now = sqlite_desk.clock.now()
    with sqlite_desk.database.begin() as tx:
        columns = {"policy": "petition", "kind": "hall-outage", "city": "杭州", "flags": []}
        number = incidents.declare(tx, now, who="he.kefu", count=0, **columns)
        incidents.get(tx, number).status = status
        asked = incident_reports.Asked("1001", number, kind, "customer-service")
        incident_reports.ask(tx, asked, "he.kefu", now + timedelta(hours=2))
    with sqlite_desk.client() as client:
        [shown] = client.get(f"/api/v1/events/{number}").json()["reports"]
        assert (shown["lapsed"], shown["overdue"]) == (lapsed, False)
        assert ("无需再报" in client.get(f"/events/{number}").text) is lapsed


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
        assert raised.status_code == 403, "the callback team does not steer events"


@pytest.fixture
def signed(sqlite_database: Database) -> Iterator[tuple[RunningDesk, Browser]]:
    """Somebody of the service office in Hangzhou, signed in."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "he.kefu", "customer-service", province="浙江省", city="杭州市")
        with Browser(desk) as browser:
            browser.sign_in("he.kefu")
            yield desk, browser


def test_E1_a_hall_that_is_down_is_reported_on_the_page_once(signed: tuple[RunningDesk, Browser]) -> None:
    """The place is filled in; sent twice, it is one event, and the engine is told once."""
    desk, browser = signed
    page = browser.get("/events/report")
    assert 'value="杭州市"' in page.text
    fields = hidden(page) | {
        "kind": "hall-outage",
        "policy": "petition",
        "province": "浙江省",
        "city": "杭州市",
        "outage_minutes": "12",
        "text": "西湖营业厅系统中断",
        "flags": ["media"],
    }
    first, second = (browser.http.post("/events/report", data=fields) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    with desk.database.read() as tx:
        (event,) = incidents.page(tx)
        assert (event.kind, event.outage_minutes, event.source) == ("hall-outage", 12, "he.kefu")
        assert (event.city, event.flags) == ("杭州市", ["media"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"kind": ""}, "kind"), ({"city": "", "province": ""}, "place"), ({"outage_minutes": "多"}, "整数")],
)
def test_E1_a_report_that_does_not_hold_is_told_and_keeps_what_was_written(
    signed: tuple[RunningDesk, Browser], wrong: dict[str, str], says: str
) -> None:
    desk, browser = signed
    given = {"kind": "hall-outage", "policy": "petition", "city": "杭州市", "text": "西湖营业厅系统中断"}
    answer = browser.http.post("/events/report", data=hidden(browser.get("/events/report")) | given | wrong)
    assert answer.status_code == 422
    assert says in answer.text
    assert "西湖营业厅系统中断" in answer.text
    with desk.database.read() as tx:
        assert incidents.page(tx) == []


def test_E1_nobody_reports_in_anothers_name_or_without_signing_in(
    signed: tuple[RunningDesk, Browser],
) -> None:
    desk, browser = signed
    form = {"kind": "hall-outage", "policy": "petition", "city": "杭州市", "as": "li.na"}
    assert browser.http.post("/events/report", data=form).status_code == 403
    browser.http.post("/events/report", data=form | hidden(browser.get("/events/report")))
    with desk.database.read() as tx:
        assert [each.source for each in incidents.page(tx)] == ["he.kefu"]
    with Browser(desk) as nobody:
        assert nobody.http.post("/events/report", data=form).status_code == 401
