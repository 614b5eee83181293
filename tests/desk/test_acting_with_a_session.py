"""What somebody who is signed in may call of the API, and what pages of other sites may not make them do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import TOKEN, RunningDesk, add_complaint, add_incident, add_person, add_task, running
from workers.desk.api_access import ROUTES
from workers.store import audit
from workers.store.account_tables import AuditEntry
from workers.store.database import Database

LINE = {
    "policy": "petition",
    "channel": "phone",
    "text": "宽带断网两天",
    "customer": {"name": "王小明", "phone": "13800138000"},
}
ANSWERS = {"is_settled": True, "customer_reply": "已处理"}


@pytest.fixture
def both(database: Database) -> Iterator[RunningDesk]:
    """A desk on both databases, with people of three groups."""
    with running(database, signing_in=required()) as desk:
        add_account(desk, "lin.qiantai", "front-desk", province="浙江省", city="杭州市")
        add_account(desk, "meng.yunwei", "operations")
        yield desk


@pytest.fixture
def desk(sqlite_database: Database) -> Iterator[RunningDesk]:
    """The same where the database makes no difference."""
    with running(sqlite_database, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk", province="浙江省", city="杭州市")
        add_account(found, "meng.yunwei", "operations")
        yield found


def noted(desk: RunningDesk) -> list[tuple[str | None, str, str | None, str]]:
    """The audit but for signing in: who, action, subject, way; in order."""
    with desk.database.read() as tx:
        found = reversed(audit.page(tx))
        return [(e.who, e.action, e.subject, e.way) for e in found if not e.action.startswith("sign")]


def call(browser: Browser, path: str, body: object, **headers: str) -> httpx.Response:
    return browser.http.post(f"/api/v1{path}", json=body, headers=headers)


def test_a_page_completes_a_task_in_the_name_of_who_is_signed_in(both: RunningDesk) -> None:
    key = add_task(both, add_complaint(both))
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
        assert [each["task"] for each in browser.get("/api/v1/tasks").json()] == [key], "only one's own"
        path, csrf = f"/tasks/{key}/completion", {"X-CSRF-Token": browser.csrf}
        as_other = call(browser, path, {"as": "meng.yunwei", "variables": ANSWERS}, **csrf)
        assert as_other.status_code == 403
        assert "不能以他人名义" in as_other.json()["detail"]
        assert both.engine.completions == []
        done = call(browser, path, {"as": "lin.qiantai", "variables": ANSWERS}, **csrf)
        assert done.status_code == 200, done.text
        assert done.json()["as"] == "lin.qiantai"
    assert noted(both) == [("lin.qiantai", "task-completed", key, "session")]


def test_a_session_acts_as_nobody_else_by_any_route(desk: RunningDesk) -> None:
    """`as` in a query, in a body, in a raw report: each time the session decides who it is."""
    number = add_complaint(desk)
    add_person(desk, "yuan.xiaozu", "complaint-group")
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        csrf = {"X-CSRF-Token": browser.csrf}
        assert browser.get("/api/v1/tasks?as=yuan.xiaozu").status_code == 403
        assert browser.get(f"/api/v1/complaints/{number}/marks?as=yuan.xiaozu").status_code == 403
        mark = {"as": "yuan.xiaozu", "mark": "false", "grounds": "x"}
        assert call(browser, f"/complaints/{number}/marks", mark, **csrf).status_code == 403
        assert call(browser, "/retention", {"as": "yuan.xiaozu"}, **csrf).status_code == 403
        assert call(browser, "/suggestions", {"as": "duty", "text": "x"}, **csrf).status_code == 403
        event = {"as": "yuan.xiaozu", "policy": "petition", "kind": "legal", "region": {"city": "杭州市"}}
        assert call(browser, "/events", event, **csrf).status_code == 403
    assert noted(desk) == []


def test_without_the_csrf_token_nothing_is_done(both: RunningDesk) -> None:
    """Another site can make a browser send its cookie, but not this header."""
    key = add_task(both, add_complaint(both))
    body = {"as": "lin.qiantai", "variables": ANSWERS}
    with Browser(both) as browser, Browser(both) as other:
        browser.sign_in("lin.qiantai")
        other.sign_in("meng.yunwei")
        for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": other.csrf}):
            assert call(browser, f"/tasks/{key}/completion", body, **headers).status_code == 403, headers
        right = {"X-CSRF-Token": browser.csrf}
        foreign = {**right, "Sec-Fetch-Site": "cross-site"}
        assert call(browser, f"/tasks/{key}/completion", body, **foreign).status_code == 403
        for path in ("/logout", "/password"):
            for csrf in ({}, {"csrf": ""}, {"csrf": other.csrf}):
                assert browser.http.post(path, data=csrf).status_code == 403, path
        upload = browser.http.post("/logout", files={"csrf": ("x", b"x")})
        assert upload.status_code == 403
        assert browser.get("/me").status_code == 200
        assert both.engine.completions == []
        assert browser.http.post("/logout", headers=right).status_code == 303, "a script may send it, too"


def test_the_instance_s_token_works_as_before(both: RunningDesk) -> None:
    """A wrong one is refused, even with a session beside it."""
    key = add_task(both, add_complaint(both))
    with both.client() as client:
        assert client.get("/api/v1/tasks").status_code == 200
        body = {"as": "lin.qiantai", "variables": ANSWERS}
        assert client.post(f"/api/v1/tasks/{key}/completion", json=body).status_code == 200
    with Browser(both) as browser:
        assert browser.get("/api/v1/tasks").status_code == 401
        browser.sign_in("lin.qiantai")
        wrong = {"Authorization": "Bearer wrong"}
        assert browser.get("/api/v1/tasks", headers=wrong).status_code == 401
        assert browser.get("/me", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert noted(both) == [("lin.qiantai", "task-completed", key, "token")]


def test_what_takes_a_right_is_for_those_who_have_it(desk: RunningDesk) -> None:
    """bpmn/rights.json: the front desk registers complaints, operations looks after stuck work."""
    number = add_complaint(desk)
    add_incident(desk, number)
    with Browser(desk) as front, Browser(desk) as operator:
        front.sign_in("lin.qiantai")
        operator.sign_in("meng.yunwei")
        at_front, at_operator = {"X-CSRF-Token": front.csrf}, {"X-CSRF-Token": operator.csrf}
        retry, advance = "/incidents/2251799813685402/retry", "/clock/advance"
        assert front.get("/api/v1/incidents").status_code == 403
        assert call(front, retry, {}, **at_front).status_code == 403
        assert call(front, advance, {"by": "PT1H"}, **at_front).status_code == 403
        assert operator.get("/api/v1/incidents").status_code == 200
        assert call(operator, retry, {}, **at_operator).status_code == 200
        assert call(operator, "/complaints", LINE, **at_operator).status_code == 403
        assert call(front, "/complaints", LINE, **at_front).status_code == 201
        assert call(front, f"/complaints/{number}/withdrawal", {}, **at_front).status_code == 200
    assert noted(desk) == [
        ("meng.yunwei", "incident-retried", "2251799813685402", "session"),
        ("lin.qiantai", "complaint-registered", None, "session"),
        ("lin.qiantai", "complaint-withdrawn", number, "session"),
    ]


def test_every_call_of_the_api_says_who_may_call_it(desk: RunningDesk) -> None:
    """A call that nobody thought of is closed to sessions."""
    with desk.client() as client:
        paths = client.get("/api/v1/openapi.json").json()["paths"]
    calls = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert calls == set(ROUTES)


def test_a_call_that_is_not_in_the_table_is_closed_to_sessions(
    desk: RunningDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ROUTES, ("GET", "/api/v1/figures"))
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        assert browser.get("/api/v1/figures").status_code == 403
    with desk.client() as client:
        assert client.get("/api/v1/figures").status_code == 200


def test_whoever_reads_evidence_is_in_the_audit_and_refusals_are_not(desk: RunningDesk) -> None:
    number = add_complaint(desk)
    add_account(desk, "ping.shenji", "auditor")
    with desk.client() as client:
        sent = client.post(
            f"/api/v1/complaints/{number}/evidence",
            params={"as": "lin.qiantai", "kind": "document", "name": "王小明13800138000.txt"},
            content="话费单 13800138000".encode(),
        )
        sha256 = sent.json()["sha256"]
    path = f"/api/v1/complaints/{number}/evidence/{sha256}"
    with Browser(desk) as auditor, Browser(desk) as operator:
        auditor.sign_in("ping.shenji")
        operator.sign_in("meng.yunwei")
        assert auditor.get(path, params={"as": "ping.shenji"}).status_code == 200
        assert operator.get(path, params={"as": "meng.yunwei"}).status_code == 403
    assert noted(desk) == [
        ("lin.qiantai", "evidence-added", number, "token"),
        ("ping.shenji", "evidence-read", number, "session"),
    ]
    with desk.database.read() as tx:
        rows = tx.scalars(select(AuditEntry)).all()
        kept = json.dumps([[e.who, e.action, e.subject, e.facts] for e in rows], ensure_ascii=False)
    assert not [secret for secret in ("王小明", "13800138000", "话费") if secret in kept]


@pytest.mark.parametrize("deed", ["update audit set who = 'x'", "delete from audit"])
def test_the_audit_cannot_be_changed(both: RunningDesk, deed: str) -> None:
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
    with pytest.raises(DatabaseError, match="append-only"), both.database.begin() as tx:
        tx.execute(text(deed))
    with both.database.read() as tx:
        assert [each.who for each in audit.page(tx, who="lin.qiantai")] == ["lin.qiantai"]


def test_a_case_of_another_region_is_neither_shown_nor_touched(both: RunningDesk) -> None:
    """Every address with the number of a case: page, API, actions; the token sees all. Search finds nothing of it."""
    here, there = add_complaint(both), add_complaint(both, region={"province": "江苏", "city": "南京"})
    with Browser(both) as browser:
        browser.sign_in("lin.qiantai")
        headers = {"X-CSRF-Token": browser.csrf}
        for number, status in ((here, 200), (there, 403)):
            assert browser.get(f"/complaints/{number}").status_code == status
            assert browser.get(f"/api/v1/complaints/{number}").status_code == status
            assert call(browser, f"/complaints/{number}/withdrawal", {}, **headers).status_code == status
        assert "属于其他地区" in browser.get(f"/complaints/{there}").text
        found = call(browser, "/search", {"as": "lin.qiantai", "wanted": "王小明"}, **headers).json()
        assert [each["number"] for each in found] == [here]
        assert browser.get("/complaints/TS20261122-999999").status_code == 404
        assert browser.get("/complaints/%00").status_code == 404
    with both.client() as client:
        assert client.get(f"/api/v1/complaints/{there}").status_code == 200
    assert ("lin.qiantai", "complaint-withdrawn", there, "session") not in noted(both)
